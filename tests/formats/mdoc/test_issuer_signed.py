"""What an issuer signs, and how each fault in it is refused. Source: ISO/IEC 18013-5:2021, sections 9.1.2 and 9.3.1."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.formats.mdoc.world import (
    DAY,
    DOC_TYPE,
    ELEMENTS,
    LIST_URI,
    UNITED,
    MdocWorld,
    changed,
    raw_signature,
    signer_der,
)
from tests.support import NOON
from wallet.crypto.cose import to_be_signed
from wallet.errors import Malformed
from wallet.formats.cbor import Tagged
from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc.chain import IacaRoots
from wallet.formats.mdoc.issuer_signed import LEAST_RANDOM_BYTES, parse_issuer_signed
from wallet.formats.mdoc.mso import parse_mso
from wallet.formats.mdoc.reader import SKEW, VerifiedMdoc, verify_issuer_signed
from wallet.formats.mdoc.refusal import REASONS, MdocRefused
from wallet.formats.mdoc.values import MAX_BYTES, read, wrapped, write


def verified(country: MdocWorld, data: bytes | None = None, now: datetime = NOON, **changes: Any) -> VerifiedMdoc:
    return verify_issuer_signed(data or country.issuer_signed(), changes.pop("trust", country.roots), now, **changes)


def refused(country: MdocWorld, data: bytes | None = None, now: datetime = NOON, **changes: Any) -> str:
    with pytest.raises(MdocRefused) as caught:
        verified(country, data, now, **changes)
    assert caught.value.reason in REASONS
    return caught.value.reason


def signed_anew(country: MdocWorld, change: Callable[[Any], None], **changes: Any) -> bytes:
    """Return an mdoc whose security object was changed and signed again by its own issuer."""

    def resign(issuer_signed: Any) -> None:
        protected, _, payload, _ = issuer_signed["issuerAuth"]
        payload = wrapped(changed(read(payload).content, change))
        issuer_signed["issuerAuth"][2] = payload
        issuer_signed["issuerAuth"][3] = country.signer().sign(to_be_signed(protected, payload))

    return changed(country.issuer_signed(**changes), resign)


def item_changed(country: MdocWorld, name: str, change: Callable[[Any], None], *, digest: bool) -> bytes:
    """Return an mdoc of which one item was changed; digest: whether the issuer signed the digest of the new one."""
    data = country.issuer_signed()
    items = read(data)["nameSpaces"][DOC_TYPE]
    (place,) = (n for n, each in enumerate(items) if read(each.content)["elementIdentifier"] == name)
    new = wrapped(changed(items[place].content, change))
    number = read(items[place].content)["digestID"]

    def put(issuer_signed: Any) -> None:
        issuer_signed["nameSpaces"][DOC_TYPE][place] = read(new)

    def count(mso: Any) -> None:
        mso["valueDigests"][DOC_TYPE][number] = sha256(new)

    if not digest:
        return changed(data, put)
    return changed(signed_anew(country, count), put)


def sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def test_what_was_issued_is_read_again(country: MdocWorld) -> None:
    mdoc = verified(country, doc_type=DOC_TYPE)
    assert mdoc.elements == {DOC_TYPE: ELEMENTS}
    assert (mdoc.doc_type, mdoc.signed, mdoc.valid_until) == (DOC_TYPE, NOON - DAY, NOON + 300 * DAY)
    assert (mdoc.status, mdoc.other_status) == (StatusReference(4711, LIST_URI), False)
    assert mdoc.device_key == country.device.public_key()
    assert (mdoc.present, mdoc.stated) == (False, {})


def test_a_second_reader_of_cbor_sees_what_the_standard_asks_for(country: MdocWorld) -> None:
    issuer_signed = cbor2.loads(country.issuer_signed())
    protected, unprotected, payload, signature = issuer_signed["issuerAuth"]
    assert (cbor2.loads(protected), list(unprotected), len(signature)) == ({1: -7}, [33], 64)
    assert unprotected[33] == country.signer().certificate_der
    mso = cbor2.loads(cbor2.loads(payload).value)
    assert (mso["version"], mso["digestAlgorithm"], mso["docType"]) == ("1.0", "SHA-256", DOC_TYPE)
    assert mso["status"] == {"status_list": {"idx": 4711, "uri": LIST_URI}}
    assert mso["deviceKeyInfo"].keys() == {"deviceKey"}
    assert mso["validityInfo"].keys() == {"signed", "validFrom", "validUntil"}
    digests = mso["valueDigests"][DOC_TYPE]
    for tagged in issuer_signed["nameSpaces"][DOC_TYPE]:
        assert tagged.tag == 24
        item = cbor2.loads(tagged.value)
        assert len(item["random"]) >= LEAST_RANDOM_BYTES
        assert digests[item["digestID"]] == sha256(cbor2.dumps(tagged))


def test_without_a_status_it_cannot_be_revoked(country: MdocWorld) -> None:
    mdoc = verified(country, country.issuer_signed(status=None))
    assert (mdoc.status, mdoc.other_status) == (None, False)


def test_another_mechanism_of_status_is_told_apart_from_none(country: MdocWorld) -> None:
    data = signed_anew(country, lambda mso: mso.update(status={"identifier_list": {"id": b"1"}}))
    mdoc = verified(country, data)
    assert (mdoc.status, mdoc.other_status) == (None, True)


def test_numbers_and_count_of_digests_tell_nothing(country: MdocWorld) -> None:
    few, many = dict(list(ELEMENTS.items())[:2]), dict(ELEMENTS)
    for elements in (few, many):
        mso = parse_issuer_signed(country.issuer_signed(elements)).mso
        assert sorted(mso.digests[DOC_TYPE]) == list(range(16))
    orders = set()
    for seed in range(20):
        items = parse_issuer_signed(country.issuer_signed(seed=seed)).items[DOC_TYPE]
        assert [item.identifier for item in items] == list(ELEMENTS)
        orders.add(tuple(item.digest_id for item in items))
    assert len(orders) == 20


def test_two_copies_have_no_digest_in_common(country: MdocWorld) -> None:
    one, other = (parse_issuer_signed(country.issuer_signed(seed=seed)).mso.digests[DOC_TYPE] for seed in (1, 2))
    assert not set(one.values()) & set(other.values())


@pytest.mark.parametrize("algorithm", ["SHA-384", "SHA-512"])
def test_other_digests_of_the_standard_are_read(country: MdocWorld, algorithm: str) -> None:
    items = parse_issuer_signed(country.issuer_signed()).items[DOC_TYPE]

    def use(mso: Any) -> None:
        mso["digestAlgorithm"] = algorithm
        mso["valueDigests"] = {DOC_TYPE: {item.digest_id: item.digest(algorithm) for item in items}}

    assert verified(country, signed_anew(country, use)).elements == {DOC_TYPE: ELEMENTS}


def test_items_that_are_not_shown_are_not_missed(country: MdocWorld) -> None:
    data = changed(country.issuer_signed(), lambda each: each["nameSpaces"][DOC_TYPE].pop())
    assert len(verified(country, data).elements[DOC_TYPE]) == len(ELEMENTS) - 1
    data = changed(country.issuer_signed(), lambda each: each.pop("nameSpaces"))
    assert verified(country, data).elements == {}


# --- the signature -------------------------------------------------------------------------------------------


def test_a_flipped_bit_of_the_signature_is_refused(country: MdocWorld) -> None:
    def flip(issuer_signed: Any) -> None:
        signature = issuer_signed["issuerAuth"][3]
        issuer_signed["issuerAuth"][3] = signature[:-1] + bytes([signature[-1] ^ 1])

    assert refused(country, changed(country.issuer_signed(), flip)) == "bad_signature"


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(63), bytes(65), b"\xff" * 64])
def test_what_is_no_signature_is_refused(country: MdocWorld, signature: bytes) -> None:
    data = changed(country.issuer_signed(), lambda each: each["issuerAuth"].__setitem__(3, signature))
    assert refused(country, data) == "bad_signature"


def test_a_changed_security_object_is_refused(country: MdocWorld) -> None:
    def prolong(issuer_signed: Any) -> None:
        issuer_signed["issuerAuth"][2] = issuer_signed["issuerAuth"][2].replace(b"2026-", b"2036-")

    data = country.issuer_signed()
    assert changed(data, prolong) != data
    assert refused(country, changed(data, prolong)) == "bad_signature"


@pytest.mark.parametrize("alg", [-8, -35, -36, -37, -257, 5, 0, "ES256"])
def test_another_algorithm_is_refused(country: MdocWorld, alg: int | str) -> None:
    data = changed(country.issuer_signed(), lambda each: each["issuerAuth"].__setitem__(0, write({1: alg})))
    assert refused(country, data) == "algorithm_not_allowed"


def test_an_algorithm_that_is_not_protected_says_nothing(country: MdocWorld) -> None:
    def move(issuer_signed: Any) -> None:
        issuer_signed["issuerAuth"][0] = b""
        issuer_signed["issuerAuth"][1][1] = -7

    with pytest.raises(Malformed):
        verified(country, changed(country.issuer_signed(), move))


def test_without_a_certificate_nobody_has_signed(country: MdocWorld) -> None:
    for unprotected in ({}, {33: []}, {34: [-16, bytes(32)]}):
        data = changed(country.issuer_signed(), lambda each, new=unprotected: each["issuerAuth"].__setitem__(1, new))
        assert refused(country, data) == "x5chain_missing"


def test_another_certificate_of_the_same_root_did_not_sign(country: MdocWorld) -> None:
    der = signer_der(UNITED.public_key(), country.root_key)
    data = changed(country.issuer_signed(), lambda each: each["issuerAuth"].__setitem__(1, {33: der}))
    assert refused(country, data) == "bad_signature"


def test_a_root_that_nobody_vouched_for_is_unknown(country: MdocWorld) -> None:
    stranger = MdocWorld()
    assert refused(country, stranger.issuer_signed()) == "unknown_issuer"
    assert refused(country, trust=IacaRoots(())) == "unknown_issuer"


# --- type, digests, dates ------------------------------------------------------------------------------------


def test_another_type_than_asked_for_is_refused(country: MdocWorld) -> None:
    assert refused(country, doc_type="vn.viso.residence.2") == "wrong_doctype"


def test_a_tampered_item_is_refused(country: MdocWorld) -> None:
    data = item_changed(country, "members", lambda item: item.update(elementValue=4), digest=False)
    assert refused(country, data) == "digest_mismatch"


def test_an_item_under_another_name_is_refused(country: MdocWorld) -> None:
    data = item_changed(country, "full_name", lambda item: item.update(elementIdentifier="father"), digest=False)
    assert refused(country, data) == "digest_mismatch"


def test_swapped_numbers_of_digests_are_refused(country: MdocWorld) -> None:
    numbers = {item.identifier: item.digest_id for item in parse_issuer_signed(country.issuer_signed()).items[DOC_TYPE]}
    data = item_changed(country, "members", lambda item: item.update(digestID=numbers["permanent"]), digest=False)
    assert refused(country, data) == "digest_mismatch"


def test_a_number_without_a_digest_is_refused(country: MdocWorld) -> None:
    data = item_changed(country, "members", lambda item: item.update(digestID=99), digest=False)
    assert refused(country, data) == "digest_missing"


def test_a_number_of_32_bits_is_read(country: MdocWorld) -> None:
    item = wrapped(write({"digestID": 2**32 - 1, "random": bytes(16), "elementIdentifier": "x", "elementValue": 1}))
    data = signed_anew(country, lambda mso: mso["valueDigests"][DOC_TYPE].update({2**32 - 1: sha256(item)}))
    data = changed(data, lambda each: each["nameSpaces"][DOC_TYPE].append(read(item)))
    assert verified(country, data).elements[DOC_TYPE]["x"] == 1


def test_a_namespace_without_digests_is_refused(country: MdocWorld) -> None:
    data = changed(
        country.issuer_signed(), lambda each: each["nameSpaces"].update({"other": each["nameSpaces"][DOC_TYPE]})
    )
    assert refused(country, data) == "digest_missing"


def test_the_digest_is_over_the_bytes_as_they_came(country: MdocWorld) -> None:
    """The same item with a longer head is another item: a second encoding would not have seen it."""
    data = country.issuer_signed()
    tagged = read(data)["nameSpaces"][DOC_TYPE][0]
    longer = b"\xd9\x00\x18" + tagged.encoded[2:]
    assert data.count(tagged.encoded) == 1
    assert refused(country, data.replace(tagged.encoded, longer)) == "digest_mismatch"


def test_two_items_of_one_number_are_refused(country: MdocWorld) -> None:
    items = read(country.issuer_signed())["nameSpaces"][DOC_TYPE]
    data = changed(country.issuer_signed(), lambda each: each["nameSpaces"][DOC_TYPE].append(items[0]))
    assert refused(country, data) == "digest_twice"


def test_two_items_of_one_name_are_refused(country: MdocWorld) -> None:
    data = item_changed(country, "members", lambda item: item.update(elementIdentifier="permanent"), digest=True)
    assert refused(country, data) == "element_twice"


def test_too_little_random_is_malformed(country: MdocWorld) -> None:
    data = item_changed(country, "members", lambda item: item.update(random=bytes(15)), digest=True)
    with pytest.raises(Malformed):
        verified(country, data)
    data = item_changed(country, "members", lambda item: item.update(random=bytes(16)), digest=True)
    assert verified(country, data).elements[DOC_TYPE]["members"] == 3


def test_it_ends_when_it_says(country: MdocWorld) -> None:
    end = NOON + 300 * DAY
    assert verified(country, now=end + SKEW - timedelta(seconds=1))
    assert refused(country, now=end + SKEW) == "expired"


def test_it_begins_when_it_says(country: MdocWorld) -> None:
    data = country.issuer_signed(valid_from=NOON + DAY)
    assert refused(country, data) == "not_yet_valid"
    assert verified(country, data, NOON + DAY - SKEW)


@pytest.mark.parametrize("signed", [NOON - 51 * DAY, NOON - 2000 * DAY])
def test_it_was_signed_while_the_certificate_was_valid(country: MdocWorld, signed: datetime) -> None:
    assert refused(country, country.issuer_signed(signed=signed)) == "signed_outside_certificate"


def test_of_several_faults_the_first_is_told(country: MdocWorld) -> None:
    data = country.issuer_signed(valid_until=NOON - timedelta(hours=1))
    assert refused(country, data) == "expired"
    tampered = changed(data, lambda each: each["nameSpaces"][DOC_TYPE].append(each["nameSpaces"][DOC_TYPE][0]))
    assert refused(country, tampered) == "digest_twice"
    assert refused(country, data, doc_type="other") == "wrong_doctype"
    assert refused(country, tampered, doc_type="other", trust=IacaRoots(())) == "unknown_issuer"


# --- shape ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", None), ("version", "2.0"), ("version", 1), ("digestAlgorithm", "SHA-1"), ("digestAlgorithm", None),
        ("digestAlgorithm", ["SHA-256"]), ("docType", None), ("docType", ""), ("docType", 7), ("valueDigests", None),
        ("valueDigests", []), ("valueDigests", {1: {}}), ("valueDigests", {DOC_TYPE: []}),
        ("valueDigests", {DOC_TYPE: {"1": bytes(32)}}), ("valueDigests", {DOC_TYPE: {-1: bytes(32)}}),
        ("valueDigests", {DOC_TYPE: {2**32: bytes(32)}}), ("valueDigests", {DOC_TYPE: {1: bytes(31)}}),
        ("valueDigests", {DOC_TYPE: {1: "x"}}), ("deviceKeyInfo", None), ("deviceKeyInfo", {}),
        ("deviceKeyInfo", {"deviceKey": None}), ("deviceKeyInfo", {"deviceKey": {}}),
        ("deviceKeyInfo", {"deviceKey": {1: 2, -1: 1, -2: bytes(32)}}),
        ("deviceKeyInfo", {"deviceKey": {1: 2, -1: 1, -2: bytes(32), -3: True}}),
        ("deviceKeyInfo", {"deviceKey": {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}}),
        ("deviceKeyInfo", {"deviceKey": {1: True, -1: 1, -2: bytes(32), -3: bytes(32)}}),
        ("validityInfo", None), ("validityInfo", {}), ("validityInfo", {"signed": "2026-03-01T00:00:00Z"}),
        ("status", None), ("status", []), ("status", {"status_list": None}), ("status", {"status_list": {"idx": 1}}),
        ("status", {"status_list": {"idx": -1, "uri": "x"}}), ("status", {"status_list": {"idx": True, "uri": "x"}}),
    ],
)  # fmt: skip
def test_a_security_object_of_another_shape_is_malformed(country: MdocWorld, name: str, value: Any) -> None:
    with pytest.raises(Malformed):
        verified(country, signed_anew(country, lambda mso: mso.update({name: value})))


@pytest.mark.parametrize(("crv", "kty"), [(2, 2), (3, 2), (8, 2), (6, 1), (4, 1)])
def test_a_device_key_on_another_curve_is_refused(country: MdocWorld, crv: int, kty: int) -> None:
    key = {1: kty, -1: crv, -2: bytes(48), -3: bytes(48)}
    data = signed_anew(country, lambda mso: mso.update(deviceKeyInfo={"deviceKey": key}))
    assert refused(country, data) == "curve_not_allowed"


def test_a_device_key_on_another_curve_is_not_issued(country: MdocWorld) -> None:
    with pytest.raises(MdocRefused, match="curve_not_allowed"):
        country.issuer_signed(device_key=ec.generate_private_key(ec.SECP384R1()).public_key())


@pytest.mark.parametrize("name", ["signed", "validFrom", "validUntil"])
def test_dates_in_another_order_are_malformed(country: MdocWorld, name: str) -> None:
    late = Tagged(0, "2100-01-01T00:00:00Z" if name != "validUntil" else "2000-01-01T00:00:00Z")
    with pytest.raises(Malformed):
        verified(country, signed_anew(country, lambda mso: mso["validityInfo"].update({name: late})))


@pytest.mark.parametrize("name", ["digestID", "random", "elementIdentifier", "elementValue"])
def test_an_item_that_lacks_a_member_is_malformed(country: MdocWorld, name: str) -> None:
    with pytest.raises(Malformed):
        verified(country, item_changed(country, "members", lambda item: item.pop(name), digest=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each.pop("issuerAuth"),
        lambda each: each.update(issuerAuth=Tagged(24, b"x")),
        lambda each: each.update(issuerAuth=each["issuerAuth"][:3]),
        lambda each: each.update(issuerAuth=[*each["issuerAuth"], b""]),
        lambda each: each["issuerAuth"].__setitem__(0, {}),
        lambda each: each["issuerAuth"].__setitem__(0, b"\xa1\x01\x26\x00"),
        lambda each: each["issuerAuth"].__setitem__(0, b"\xa2\x01\x26\x01\x26"),
        lambda each: each["issuerAuth"].__setitem__(0, b"\x81\x01"),
        lambda each: each["issuerAuth"].__setitem__(0, write({1: True})),
        lambda each: each["issuerAuth"].__setitem__(0, write({1: -7, 2: [33]})),
        lambda each: each["issuerAuth"].__setitem__(1, None),
        lambda each: each["issuerAuth"][1].update({1: -7}),
        lambda each: each["issuerAuth"][1].update({2: [33]}),
        lambda each: each["issuerAuth"][1].update({33: "x"}),
        lambda each: each["issuerAuth"][1].update({33: [b"x", 1]}),
        lambda each: each["issuerAuth"][1].update({33: b"no certificate"}),
        lambda each: each["issuerAuth"][1].update({33: bytes(20_000)}),
        lambda each: each["issuerAuth"].__setitem__(2, None),
        lambda each: each["issuerAuth"].__setitem__(2, read(each["issuerAuth"][2]).content),
        lambda each: each["issuerAuth"].__setitem__(2, each["issuerAuth"][2] + b"\x00"),
        lambda each: each["issuerAuth"].__setitem__(3, None),
        lambda each: each.update(nameSpaces=[]),
        lambda each: each.update(nameSpaces=None),
        lambda each: each.update(nameSpaces={1: []}),
        lambda each: each.update(nameSpaces={DOC_TYPE: {}}),
        lambda each: each.update(nameSpaces={DOC_TYPE: [{}]}),
        lambda each: each.update(nameSpaces={DOC_TYPE: [Tagged(24, b"\x80")]}),
        lambda each: each.update(nameSpaces={DOC_TYPE: [Tagged(24, b"\xa0\x00")]}),
    ],
)
def test_an_issuer_signed_of_another_shape_is_malformed(country: MdocWorld, change: Callable[[Any], None]) -> None:
    with pytest.raises(Malformed):
        verified(country, changed(country.issuer_signed(), change))


def test_one_key_twice_is_malformed(country: MdocWorld) -> None:
    data = country.issuer_signed()
    doubled = b"\xa3" + data[1:] + b"\x6aissuerAuth" + write(read(data)["issuerAuth"])
    for broken in (doubled, data + b"\x00", data[:-1], b"", b"\x80", b"\xd8\x18" + data):
        with pytest.raises(Malformed):
            verified(country, broken or b"\x00")


def test_a_tagged_cose_message_is_malformed(country: MdocWorld) -> None:
    issuer_signed = cbor2.loads(country.issuer_signed())
    issuer_signed["issuerAuth"] = cbor2.CBORTag(18, issuer_signed["issuerAuth"])
    with pytest.raises(Malformed):
        verified(country, cbor2.dumps(issuer_signed))


def test_depth_and_size_are_capped(country: MdocWorld) -> None:
    deep = {"a": {"a": {"a": {"a": {"a": {"a": ["x"]}}}}}}
    data = item_changed(country, "members", lambda item: item.update(elementValue=deep), digest=True)
    assert verified(country, data)
    with pytest.raises(Malformed):
        item_changed(country, "members", lambda item: item.update(elementValue={"a": deep}), digest=True)
    assert verified(country, country.issuer_signed({**ELEMENTS, "text": "x" * 90_000}))
    with pytest.raises(Malformed):
        verified(country, country.issuer_signed({**ELEMENTS, "text": "x" * MAX_BYTES}))


@pytest.mark.parametrize("value", [1.5, object(), {1.5: 1}, 2**53, Tagged(18, b""), "\ud800"])
def test_what_a_reader_would_refuse_is_not_issued(country: MdocWorld, value: Any) -> None:
    with pytest.raises(Malformed):
        country.issuer_signed({"x": value})


def test_a_signature_of_another_kind_of_message_is_none(country: MdocWorld) -> None:
    """What the issuer's key would sign for a device ("Signature" alone, or a MAC's words) does not pass."""

    def sign(issuer_signed: Any) -> None:
        protected, _, payload, _ = issuer_signed["issuerAuth"]
        issuer_signed["issuerAuth"][3] = raw_signature(country.signer_key, write(["MAC0", protected, b"", payload]))

    assert refused(country, changed(country.issuer_signed(), sign)) == "bad_signature"


def test_a_security_object_is_read_alone(country: MdocWorld) -> None:
    payload = read(country.issuer_signed())["issuerAuth"][2]
    assert parse_mso(payload).doc_type == DOC_TYPE
    for broken in (b"", payload[:-1], read(payload).content, write(wrapped(b"\x80")), wrapped(b"\x80")):
        with pytest.raises(Malformed):
            parse_mso(broken)
