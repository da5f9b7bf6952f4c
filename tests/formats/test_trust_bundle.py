"""The trust bundle's form: written, read, and every member that is not right. Source: docs/wire.md, section 4."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import NOON, SeededEntropy
from tests.verifier.world import World
from wallet.crypto import jws
from wallet.crypto.certificates import self_signed
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.trust_bundle import BundleContent, bundle_digest, parse_bundle, pin_of, sign_bundle

DELETE = object()


def payload_of(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(parse_bundle(world.bundle(prev="AAAA")).signed.payload)
    return found


def read(world: World, payload: dict[str, Any]) -> BundleContent:
    header = {"x5c": [base64.b64encode(world.root.certificate_der).decode()]}
    token = jws.sign(payload, world.root, typ="viso-bundle+jwt", header=header)
    return parse_bundle(token).verify(frozenset(world.pins))


def test_what_was_written_is_read(world: World) -> None:
    content = world.content(prev="x" * 43)
    assert parse_bundle(sign_bundle(content, world.root)).verify(frozenset(world.pins)) == content


def test_the_payload_has_the_members_of_the_specification(world: World) -> None:
    payload = payload_of(world)
    assert set(payload) == {"iss", "iat", "exp", "next_update", "seq", "prev", "issuers", "status_lists", "types"}
    assert set(payload["issuers"][0]) == {"code", "name", "keys"}
    key = payload["issuers"][0]["keys"][0]
    assert set(key) == {"kid", "x5c", "alg", "not_before", "not_after", "utilities", "roles", "state"}
    assert set(payload["types"][0]) == {"code", "version", "title", "claims"}
    assert set(payload["types"][0]["claims"][0]) == {"n", "name", "label", "kind"}
    assert set(payload["status_lists"][0]) == {"uri", "token"}


def test_the_first_bundle_has_no_prev(world: World) -> None:
    assert "prev" not in json.loads(parse_bundle(world.bundle()).signed.payload)


def test_the_header_carries_the_root_and_nothing_else(world: World) -> None:
    unverified = parse_bundle(world.bundle())
    assert set(unverified.signed.header) == {"alg", "typ", "x5c"}
    assert unverified.root_der == world.root.certificate_der
    assert unverified.pin == pin_of(world.root.certificate_der) == world.pins[0]
    assert len(unverified.pin) == 64


def test_a_root_without_pin_is_refused(world: World) -> None:
    for pins in (set(), {"0" * 64}, {world.pins[0].upper()}, {pin_of(world.doc.certificate_der)}):
        with pytest.raises(VerificationFailed, match="key_not_allowed"):
            parse_bundle(world.bundle()).verify(frozenset(pins))


def test_one_pin_of_several_is_enough(world: World) -> None:
    assert parse_bundle(world.bundle()).verify(frozenset({"0" * 64, *world.pins})).seq == 5


def test_a_pinned_root_that_did_not_sign_is_refused(world: World) -> None:
    header = {"x5c": [base64.b64encode(world.root.certificate_der).decode()]}
    token = jws.sign(payload_of(world), world.doc, typ="viso-bundle+jwt", header=header)
    with pytest.raises(VerificationFailed, match="bad_signature"):
        parse_bundle(token).verify(frozenset(world.pins))


@pytest.mark.parametrize("x5c", [None, [], "x", [5], ["!"], ["AA=\n="], [None], ["AAAA", "AAAA"], ["A" * 40_000], {}])
def test_a_header_without_one_root_is_malformed(world: World, x5c: Any) -> None:
    with pytest.raises(Malformed):
        parse_bundle(jws.sign({}, world.root, typ="viso-bundle+jwt", header={"x5c": x5c}))


def test_a_pinned_root_that_is_no_certificate_is_malformed(world: World) -> None:
    token = jws.sign({}, world.root, typ="viso-bundle+jwt", header={"x5c": ["AAAA"]})
    with pytest.raises(Malformed):
        parse_bundle(token).verify(frozenset({pin_of(bytes(3))}))


def test_a_pinned_root_on_another_curve_is_not_allowed(world: World) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    der = self_signed(key, "root", NOON, NOON.replace(year=2030), SeededEntropy("root"))
    token = jws.sign({}, world.root, typ="viso-bundle+jwt", header={"x5c": [base64.b64encode(der).decode()]})
    with pytest.raises(VerificationFailed, match="key_not_allowed"):
        parse_bundle(token).verify(frozenset({pin_of(der)}))


def test_another_typ_is_a_wrong_type(world: World) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_bundle(jws.sign({}, world.root, typ="statuslist+jwt"))


KEY = ("issuers", 0, "keys", 0)
CLAIM = ("types", 0, "claims", 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("iss",), DELETE), (("iss",), 5), (("iss",), "\ud800"), (("iat",), DELETE), (("iat",), "1"),
        (("iat",), 1.0), (("iat",), -1),
        (("iat",), True), (("iat",), 2**53), (("exp",), DELETE), (("exp",), 2**53), (("next_update",), DELETE),
        (("seq",), DELETE),
        (("seq",), -1), (("seq",), 1.0), (("seq",), True), (("seq",), "5"), (("prev",), None), (("prev",), 5),
        (("issuers",), DELETE), (("issuers",), {}), (("issuers",), [5]), (("issuers", 0, "code"), DELETE),
        (("issuers", 0, "code"), 5),
        (("issuers", 0, "name"), DELETE), (("issuers", 0, "name"), "x"), (("issuers", 0, "name", "vi"), DELETE),
        (("issuers", 0, "name", "en"), 5), (("issuers", 0, "keys"), DELETE), (("issuers", 0, "keys"), [[]]),
        ((*KEY, "kid"), DELETE), ((*KEY, "kid"), "0" * 16), ((*KEY, "kid"), 5), ((*KEY, "x5c"), DELETE),
        ((*KEY, "x5c"), []),
        ((*KEY, "x5c"), ["AAAA"]), ((*KEY, "x5c"), [5]), ((*KEY, "x5c"), "x"), ((*KEY, "alg"), 5),
        ((*KEY, "alg"), None),
        ((*KEY, "not_before"), DELETE), ((*KEY, "not_before"), "x"), ((*KEY, "not_after"), DELETE),
        ((*KEY, "not_after"), 2**53),
        ((*KEY, "utilities"), DELETE), ((*KEY, "utilities"), "*"), ((*KEY, "utilities"), [5]),
        ((*KEY, "roles"), DELETE),
        ((*KEY, "roles"), []), ((*KEY, "roles"), ["doc", "card"]), ((*KEY, "roles"), ["doc", "doc"]),
        ((*KEY, "roles"), ["root"]),
        ((*KEY, "roles"), "doc"), ((*KEY, "state"), DELETE), ((*KEY, "state"), "planned"), ((*KEY, "state"), 5),
        (("status_lists",), DELETE), (("status_lists",), ["x"]), (("status_lists", 0, "uri"), DELETE),
        (("status_lists", 0, "token"), DELETE), (("status_lists", 0, "token"), 5),
        (("types",), DELETE), (("types",), [5]), (("types", 0, "code"), DELETE), (("types", 0, "version"), DELETE),
        (("types", 0, "version"), "1"), (("types", 0, "title"), DELETE), (("types", 0, "title", "vi"), DELETE),
        (("types", 0, "claims"), DELETE), ((*CLAIM, "n"), DELETE), ((*CLAIM, "n"), -1), ((*CLAIM, "name"), DELETE),
        ((*CLAIM, "label"), DELETE), ((*CLAIM, "label", "en"), DELETE), ((*CLAIM, "kind"), DELETE),
        ((*CLAIM, "kind"), 5),
    ],
)  # fmt: skip
def test_a_known_member_missing_or_of_another_type_is_malformed(
    world: World, path: tuple[Any, ...], value: Any
) -> None:
    payload = payload_of(world)
    spoilt: Any = payload
    for step in path[:-1]:
        spoilt = spoilt[step]
    if value is DELETE:
        del spoilt[path[-1]]
    else:
        spoilt[path[-1]] = value
    if value == "\ud800":  # JSON can spell it, our writer cannot
        text = json.dumps(payload).encode()
        signing_input = (
            jws.b64url_encode(
                json.dumps(
                    {
                        "alg": "ES256",
                        "typ": "viso-bundle+jwt",
                        "x5c": [base64.b64encode(world.root.certificate_der).decode()],
                    }
                ).encode()
            )
            + b"."
            + jws.b64url_encode(text)
        )
        token = (signing_input + b"." + jws.b64url_encode(world.root.sign(signing_input))).decode()
        with pytest.raises(Malformed):
            parse_bundle(token).verify(frozenset(world.pins))
        return
    with pytest.raises(Malformed):
        read(world, payload)


def test_a_key_or_an_issuer_twice_is_malformed(world: World) -> None:
    payload = payload_of(world)
    payload["issuers"][0]["keys"].append(payload["issuers"][0]["keys"][0])
    with pytest.raises(Malformed):
        read(world, payload)
    payload = payload_of(world)
    payload["issuers"].append(payload["issuers"][0])
    with pytest.raises(Malformed):
        read(world, payload)


def test_unknown_members_are_ignored_and_alg_may_be_absent(world: World) -> None:
    payload = payload_of(world) | {"later": [1.5, None]}
    payload["issuers"][0]["later"] = {}
    payload["issuers"][0]["keys"][0]["later"] = 1
    del payload["issuers"][0]["keys"][0]["alg"]
    payload["types"][0]["claims"][0]["kind"] = "photo"
    content = read(world, payload)
    assert content.issuers[0].keys[0].alg == "ES256"
    assert content.types[0].claims[0].kind == "photo"


def test_a_bundle_may_be_empty(world: World) -> None:
    content = read(world, payload_of(world) | {"issuers": [], "status_lists": [], "types": []})
    assert (content.issuers, content.status_lists, content.types) == ((), (), ())


def test_digest_is_over_the_whole_token(world: World) -> None:
    import hashlib

    token = world.bundle()
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    assert bundle_digest(token) == digest


def test_a_time_beyond_the_calendar_is_its_end(world: World) -> None:
    payload = payload_of(world) | {"exp": 2**53 - 1, "next_update": 2**40}
    payload["issuers"][0]["keys"][0]["not_after"] = 2**53 - 1
    content = read(world, payload)
    assert content.expires_at.year == content.next_update.year == content.issuers[0].keys[0].not_after.year == 9999
