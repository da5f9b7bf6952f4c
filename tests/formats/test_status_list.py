"""Token Status List, draft 21: packing, both encodings, and the cap. Source: docs/wire.md, section 5."""

import json
import zlib
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.support import NOON
from tests.verifier.world import LIST_URI, World, signed
from wallet.crypto import jws
from wallet.crypto.certificates import read_certificate
from wallet.errors import Malformed, VerificationFailed
from wallet.formats import cbor
from wallet.formats.status_list import (
    MAX_LIST_BYTES,
    StatusListClaims,
    StatusListToken,
    compress,
    decompress,
    get_entry,
    pack,
    parse_status_cwt,
    parse_status_jwt,
    set_entry,
    sign_status_cwt,
    sign_status_jwt,
    token_of,
    verify_status_list,
)

NOW = int(NOON.timestamp())


def key_of(world: World) -> ec.EllipticCurvePublicKey:
    key = read_certificate(world.status.certificate_der).public_key
    assert key is not None
    return key


def read_jwt(world: World, claims: dict[str, Any], typ: str = "statuslist+jwt") -> StatusListClaims:
    token = jws.sign(claims, world.status, typ=typ, header={"kid": world.status.kid})
    return verify_status_list(parse_status_jwt(token), key_of(world))


def good_claims() -> dict[str, Any]:
    lst = jws.b64url_encode(zlib.compress(b"\xc9\x44\xf9")).decode()
    return {"sub": LIST_URI, "iat": NOW, "exp": NOW + 9, "ttl": 900, "status_list": {"bits": 2, "lst": lst}}


@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_entries_are_read_as_they_were_packed(bits: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, 2**bits - 1), max_size=40))
    entries = pack(values, bits=bits)
    assert len(entries) == -(-len(values) * bits // 8)
    assert [get_entry(entries, index, bits=bits) for index in range(len(values))] == values


@given(st.sampled_from([1, 2, 4, 8]), st.integers(0, 31), st.data())
def test_writing_one_entry_touches_no_other(bits: int, index: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, 2**bits - 1))
    entries = pack([2**bits - 1] * 32, bits=bits)
    set_entry(entries, index, value, bits=bits)
    found = [get_entry(entries, place, bits=bits) for place in range(32)]
    assert found == [2**bits - 1] * index + [value] + [2**bits - 1] * (31 - index)


def test_lowest_bits_come_first() -> None:
    assert bytes(pack([1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1], bits=1)) == b"\xb9\xa3"
    assert bytes(pack([1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3], bits=2)) == b"\xc9\x44\xf9"


@pytest.mark.parametrize("index", [-1, 12, 13, 10**15])
def test_an_index_outside_is_malformed(index: int) -> None:
    with pytest.raises(Malformed):
        get_entry(b"\xc9\x44\xf9", index, bits=2)
    with pytest.raises(Malformed):
        set_entry(bytearray(3), index, 1, bits=2)


@pytest.mark.parametrize("bits", [0, 3, 5, 16, -1])
def test_other_entry_sizes_are_malformed(bits: int) -> None:
    with pytest.raises(Malformed):
        get_entry(b"\0", 0, bits=bits)
    with pytest.raises(Malformed):
        pack([0], bits=bits)


@pytest.mark.parametrize("value", [-1, 4, 255])
def test_a_value_that_does_not_fit_is_malformed(value: int) -> None:
    with pytest.raises(Malformed):
        set_entry(bytearray(1), 0, value, bits=2)


def test_a_list_inflates_to_four_mebibytes_and_no_further() -> None:
    assert len(decompress(compress(bytes(MAX_LIST_BYTES)))) == MAX_LIST_BYTES
    with pytest.raises(Malformed):
        decompress(zlib.compress(bytes(MAX_LIST_BYTES + 1)))
    with pytest.raises(Malformed):
        compress(bytes(MAX_LIST_BYTES + 1))


def test_a_bomb_is_cut_off_at_the_cap() -> None:
    import tracemalloc

    bomb = zlib.compress(bytes(200 * 1024 * 1024), 9)
    tracemalloc.start()
    with pytest.raises(Malformed):
        decompress(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 1024 * 1024


def test_the_jwt_is_as_the_standard_has_it(world: World) -> None:
    token = sign_status_jwt(world.status_token({3: 1}), world.status)
    unverified = parse_status_jwt(token)
    assert dict(unverified.signed.header) == {"alg": "ES256", "typ": "statuslist+jwt", "kid": world.status.kid}  # type: ignore[union-attr]
    claims = json.loads(unverified.signed.payload)
    assert set(claims) == {"sub", "iat", "exp", "ttl", "status_list"}
    assert set(claims["status_list"]) == {"bits", "lst"}


def test_the_cwt_is_as_the_standard_has_it(world: World) -> None:
    token = sign_status_cwt(world.status_token({3: 1}), world.status)
    protected, unprotected, payload, _ = cbor.decode(token, tag=18)
    assert cbor.decode(protected) == {1: -7, 4: bytes.fromhex(world.status.kid), 16: "application/statuslist+cwt"}
    claims = cbor.decode(payload)
    assert unprotected == {}
    assert set(claims) == {2, 4, 6, 65533, 65534}
    assert set(claims[65533]) == {"bits", "lst"}
    assert isinstance(claims[65533]["lst"], bytes)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_both_encodings_say_the_same(world: World, bits: int) -> None:
    token = world.status_token({3: 1, 63: 1}, bits=bits)
    for unverified in (
        parse_status_jwt(sign_status_jwt(token, world.status)),
        parse_status_cwt(sign_status_cwt(token, world.status)),
    ):
        assert unverified.kid == world.status.kid
        assert token_of(verify_status_list(unverified, key_of(world))) == token


def test_a_full_list_passes_in_both_encodings(world: World) -> None:
    token = StatusListToken(
        LIST_URI,
        NOON,
        NOON + timedelta(hours=72),
        900,
        2,
        world.device.private_numbers().private_value.to_bytes(32, "big") * (MAX_LIST_BYTES // 32),
    )
    assert token_of(verify_status_list(parse_status_jwt(sign_status_jwt(token, world.status)), key_of(world))) == token
    assert token_of(verify_status_list(parse_status_cwt(sign_status_cwt(token, world.status)), key_of(world))) == token


def test_a_list_of_another_key_or_changed_is_refused(world: World) -> None:
    token = sign_status_jwt(world.status_token(), world.doc)
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_status_list(parse_status_jwt(token), key_of(world))
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_status_list(parse_status_cwt(sign_status_cwt(world.status_token(), world.doc)), key_of(world))


@pytest.mark.parametrize("typ", ["JWT", "application/statuslist+jwt", "statuslist+cwt"])
def test_another_typ_is_a_wrong_type(world: World, typ: str) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        read_jwt(world, good_claims(), typ)


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": None},
        {"sub": 5},
        {"iat": None},
        {"iat": "1"},
        {"iat": 1.5},
        {"iat": -1},
        {"iat": True},
    ],
)
def test_a_list_without_address_or_beginning_is_malformed(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_jwt(world, good_claims() | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None}, {"exp": 2**53}, {"exp": "x"},
        {"ttl": None}, {"ttl": "900"}, {"status_list": None}, {"status_list": []}, {"status_list": {}},
        {"status_list": {"bits": 2}},
        {"status_list": {"bits": 3, "lst": "eNo76fITAAPfAgc"}},
        {"status_list": {"bits": True, "lst": "eNo76fITAAPfAgc"}},
        {"status_list": {"bits": "2", "lst": "eNo76fITAAPfAgc"}}, {"status_list": {"bits": 2, "lst": 5}},
        {"status_list": {"bits": 2, "lst": "!"}}, {"status_list": {"bits": 2, "lst": "AAAA"}},
        {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAgcA"}}, {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAg"}},
    ],
)  # fmt: skip
def test_a_list_with_unreadable_entries_still_has_its_date(world: World, changes: dict[str, Any]) -> None:
    found = read_jwt(world, good_claims() | changes)
    assert (found.uri, found.issued_at, found.entries) == (LIST_URI, NOW, None)
    with pytest.raises(Malformed):
        token_of(found)


def test_unknown_members_are_ignored(world: World) -> None:
    claims = good_claims() | {"iss": "x", "other": [1]}
    claims["status_list"]["aggregation_uri"] = "https://x"
    assert read_jwt(world, claims).entries == b"\xc9\x44\xf9"


def test_a_cwt_that_is_not_right_is_refused(world: World) -> None:
    headers = {1: -7, 4: bytes.fromhex(world.status.kid), 16: "application/statuslist+cwt"}
    for payload in (b"\x80", cbor.encode({2: 5, 6: 1, 4: 2, 65534: 1, 65533: {}}), cbor.encode({})):
        with pytest.raises(Malformed):
            verify_status_list(parse_status_cwt(signed(payload, world.status.sign, headers)), key_of(world))
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_status_cwt(signed(b"\xa0", world.status.sign, headers | {16: "statuslist+cwt"}))
    with pytest.raises(Malformed):
        parse_status_cwt(signed(b"\xa0", world.status.sign, {1: -7, 16: "application/statuslist+cwt"}))


@pytest.mark.parametrize("kid", [None, 5, ["x"]])
def test_a_jwt_must_name_its_key(world: World, kid: Any) -> None:
    with pytest.raises(Malformed):
        parse_status_jwt(jws.sign(good_claims(), world.status, typ="statuslist+jwt", header={"kid": kid}))
