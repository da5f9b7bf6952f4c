"""What a device shows, and how each fault in it is refused. Source: ISO/IEC 18013-5:2021, sections 8.3.2 and 9.1.3."""

import hmac
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.formats.mdoc.test_issuer_signed import signed_anew
from tests.formats.mdoc.world import (
    DOC_TYPE,
    ELEMENTS,
    TRANSCRIPT,
    UNITED,
    MdocWorld,
    changed,
    raw_signature,
)
from tests.support import NOON
from wallet.crypto.cose import to_be_signed
from wallet.errors import Malformed
from wallet.formats.cbor import Tagged
from wallet.formats.mdoc import transcript
from wallet.formats.mdoc.device_response import mac_key, parse_device_response, present
from wallet.formats.mdoc.reader import VerifiedMdoc, verify_device_response
from wallet.formats.mdoc.refusal import REASONS, MdocRefused
from wallet.formats.mdoc.transcript import device_authentication
from wallet.formats.mdoc.values import read, wrapped, write

OTHER_SESSIONS = [
    transcript.openid4vp("x509_san_dns:example.org", "nonce", "https://example.com/response"),
    transcript.openid4vp("x509_san_dns:example.com", "nonce.", "https://example.com/response"),
    transcript.openid4vp("x509_san_dns:example.com", "nonce", "https://example.org/response"),
    transcript.openid4vp("x509_san_dns:example.com", "nonce", "https://example.com/response", bytes(32)),
    transcript.digital_credentials("https://example.com", "nonce"),
]


def verified(country: MdocWorld, data: bytes | None = None, **changes: Any) -> tuple[VerifiedMdoc, ...]:
    session = changes.pop("transcript", TRANSCRIPT)
    return verify_device_response(data or country.response(), country.roots, session, NOON, **changes)


def refused(country: MdocWorld, data: bytes | None = None, **changes: Any) -> str:
    with pytest.raises(MdocRefused) as caught:
        verified(country, data, **changes)
    assert caught.value.reason in REASONS
    return caught.value.reason


def document_changed(country: MdocWorld, change: Callable[[Any], None]) -> bytes:
    return changed(country.response(), lambda response: change(response["documents"][0]))


def stating(
    country: MdocWorld, stated: Any, authorized: Any = None, *, mac: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """Return a response in which the device says something by itself. mac: proven by a MAC for this reader's key."""
    issuer_signed = country.issuer_signed()
    if authorized is not None:
        issuer_signed = signed_anew(country, lambda mso: mso["deviceKeyInfo"].update(keyAuthorizations=authorized))
    namespaces = wrapped(write(stated))
    content = device_authentication(TRANSCRIPT, DOC_TYPE, namespaces)
    if mac is None:
        protected = write({1: -7})
        proof = {"deviceSignature": [protected, {}, None, country.device_sign(to_be_signed(protected, content))]}
    else:
        protected = write({1: 5})
        key = mac_key(mac, country.device.public_key(), TRANSCRIPT)
        tag = hmac.digest(key, write(["MAC0", protected, b"", content]), "sha256")
        proof = {"deviceMac": [protected, {}, None, tag]}

    def put(document: Any) -> None:
        document["issuerSigned"] = read(issuer_signed)
        document["deviceSigned"] = {"nameSpaces": read(namespaces), "deviceAuth": proof}

    return document_changed(country, put)


def test_what_was_shown_is_verified(country: MdocWorld) -> None:
    (mdoc,) = verified(country, country.response("full_name", "member/1"), doc_type=DOC_TYPE)
    assert mdoc.present
    assert mdoc.elements == {DOC_TYPE: {name: ELEMENTS[name] for name in ("full_name", "member/1")}}


def test_what_is_not_asked_for_is_not_shown(country: MdocWorld) -> None:
    response = country.response("full_name", "there_is_none")
    assert b"member" not in response
    (mdoc,) = verified(country, response)
    assert list(mdoc.elements[DOC_TYPE]) == ["full_name"]
    (mdoc,) = verified(country, present(country.issuer_signed(), {}, TRANSCRIPT, country.device_sign))
    assert mdoc.elements == {}


def test_items_go_on_byte_for_byte(country: MdocWorld) -> None:
    issuer_signed = country.issuer_signed()
    (document,) = parse_device_response(country.response())
    assert all(item.encoded in issuer_signed for item in document.issuer_signed.items[DOC_TYPE])


def test_a_signature_by_another_key_is_refused(country: MdocWorld) -> None:
    assert refused(country, country.response(sign=lambda message: raw_signature(UNITED, message))) == "device_mismatch"


def test_the_issuer_is_no_device(country: MdocWorld) -> None:
    assert refused(country, country.response(sign=country.signer().sign)) == "device_mismatch"


@pytest.mark.parametrize("session", OTHER_SESSIONS)
def test_a_response_of_another_session_is_refused(country: MdocWorld, session: bytes) -> None:
    assert refused(country, country.response(transcript=session)) == "device_mismatch"
    assert refused(country, transcript=session) == "device_mismatch"


def test_a_response_that_says_another_type_is_refused(country: MdocWorld) -> None:
    data = document_changed(country, lambda document: document.update(docType="vn.viso.residence.2"))
    assert refused(country, data) == "wrong_doctype"
    assert refused(country, doc_type="vn.viso.residence.2") == "wrong_doctype"


def test_what_an_issuer_did_wrong_is_refused_in_a_response_too(country: MdocWorld) -> None:
    data = country.response()
    assert refused(country, data.replace(b"fspouse", b"fparent")) == "digest_mismatch"
    assert refused(country, MdocWorld().response()) == "unknown_issuer"


@pytest.mark.parametrize("name", ["deviceSigned", "deviceAuth"])
def test_without_proof_of_the_device_it_is_refused(country: MdocWorld, name: str) -> None:
    def leave_out(document: Any) -> None:
        if name == "deviceSigned":
            del document["deviceSigned"]
        else:
            document["deviceSigned"]["deviceAuth"] = {}

    assert refused(country, document_changed(country, leave_out)) == "device_auth_missing"


@pytest.mark.parametrize("alg", [-8, -35, -36, -257, 4, 5, 6, 0, "HS256"])
def test_another_algorithm_is_refused(country: MdocWorld, alg: int | str) -> None:
    def use(document: Any) -> None:
        document["deviceSigned"]["deviceAuth"]["deviceSignature"][0] = write({1: alg})

    assert refused(country, document_changed(country, use)) == "algorithm_not_allowed"


def test_a_mac_with_the_public_key_as_its_secret_is_refused(country: MdocWorld) -> None:
    """Algorithm confusion: what everybody knows of the device is no secret, under either name."""
    numbers = country.device.public_key().public_numbers()
    secret = numbers.x.to_bytes(32, "big")
    namespaces = wrapped(write({}))
    content = device_authentication(TRANSCRIPT, DOC_TYPE, namespaces)
    protected = write({1: 5})
    tag = hmac.digest(secret, write(["MAC0", protected, b"", content]), "sha256")
    for name, reason in (("deviceSignature", "algorithm_not_allowed"), ("deviceMac", "reader_key_needed")):

        def put(document: Any, name: str = name) -> None:
            document["deviceSigned"]["deviceAuth"] = {name: [protected, {}, None, tag]}

        assert refused(country, document_changed(country, put)) == reason
        if name == "deviceMac":
            assert refused(country, document_changed(country, put), reader_key=UNITED) == "device_mismatch"


def test_a_signature_does_not_pass_as_a_mac(country: MdocWorld) -> None:
    def rename(document: Any) -> None:
        auth = document["deviceSigned"]["deviceAuth"]
        auth["deviceMac"] = auth.pop("deviceSignature")

    assert refused(country, document_changed(country, rename), reader_key=UNITED) == "algorithm_not_allowed"


def test_a_mac_for_this_reader_is_verified(country: MdocWorld) -> None:
    (mdoc,) = verified(country, stating(country, {}, mac=UNITED), reader_key=UNITED)
    assert mdoc.present
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert refused(country, stating(country, {}, mac=UNITED), reader_key=stranger) == "device_mismatch"
    assert refused(country, stating(country, {}, mac=UNITED)) == "reader_key_needed"


@pytest.mark.parametrize(
    "authorized",
    [
        {"nameSpaces": ["here"]},
        {"dataElements": {"here": ["at"]}},
        {"nameSpaces": [], "dataElements": {"here": ["at", "b"]}},
    ],
)
def test_a_device_states_what_it_was_allowed_to(country: MdocWorld, authorized: Any) -> None:
    (mdoc,) = verified(country, stating(country, {"here": {"at": "Huế"}}, authorized))
    assert mdoc.stated == {"here": {"at": "Huế"}}


@pytest.mark.parametrize(
    "authorized",
    [
        None, {}, {"nameSpaces": ["there"]}, {"dataElements": {"here": ["b"]}}, {"dataElements": {"there": ["at"]}},
        {"nameSpaces": [], "dataElements": {}},
    ],
)  # fmt: skip
def test_a_device_states_nothing_else(country: MdocWorld, authorized: Any) -> None:
    assert refused(country, stating(country, {"here": {"at": "Huế"}}, authorized)) == "key_not_authorized"


@pytest.mark.parametrize(
    "authorized",
    [
        None, [], {"nameSpaces": "here"}, {"nameSpaces": [1]}, {"dataElements": []}, {"dataElements": {"here": "at"}},
        {"dataElements": {1: ["at"]}}, {"dataElements": {"here": [b"at"]}},
    ],
)  # fmt: skip
def test_authorizations_of_another_shape_are_malformed(country: MdocWorld, authorized: Any) -> None:
    data = signed_anew(country, lambda mso: mso["deviceKeyInfo"].update(keyAuthorizations=authorized))
    with pytest.raises(Malformed):
        verified(country, present(data, {}, TRANSCRIPT, country.device_sign))


def test_what_the_device_states_is_signed(country: MdocWorld) -> None:
    data = stating(country, {"here": {"at": "Vinh"}}, {"nameSpaces": ["here"]})
    assert refused(country, data.replace(b"Vinh", b"Vinx")) == "device_mismatch"


@pytest.mark.parametrize("status", [10, 11, 12, 20])
def test_a_response_that_failed_is_refused(country: MdocWorld, status: int) -> None:
    assert refused(country, changed(country.response(), lambda each: each.update(status=status))) == "response_error"


def test_a_response_without_documents_is_refused(country: MdocWorld) -> None:
    assert refused(country, changed(country.response(), lambda each: each.update(documents=[]))) == "no_document"
    data = changed(
        country.response(), lambda each: (each.pop("documents"), each.update(documentErrors=[{DOC_TYPE: 0}]))
    )
    assert refused(country, data) == "no_document"


def test_one_bad_document_refuses_all(country: MdocWorld) -> None:
    good, bad = read(country.response())["documents"][0], read(MdocWorld().response())["documents"][0]
    both = write({"version": "1.0", "documents": [good, good], "status": 0})
    assert len(verified(country, both)) == 2
    assert refused(country, write({"version": "1.0", "documents": [good, bad], "status": 0})) == "unknown_issuer"


def test_more_documents_than_anybody_shows_are_refused() -> None:
    with pytest.raises(Malformed):
        parse_device_response(write({"version": "1.0", "documents": [{}] * 17, "status": 0}))


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each.pop("version"),
        lambda each: each.update(version="2.0"),
        lambda each: each.update(version=1),
        lambda each: each.pop("status"),
        lambda each: each.update(status=False),
        lambda each: each.update(status=None),
        lambda each: each.update(documents={}),
        lambda each: each.update(documents=[None]),
        lambda each: each["documents"][0].pop("docType"),
        lambda each: each["documents"][0].update(docType=1),
        lambda each: each["documents"][0].pop("issuerSigned"),
        lambda each: each["documents"][0].update(deviceSigned=None),
        lambda each: each["documents"][0]["deviceSigned"].pop("nameSpaces"),
        lambda each: each["documents"][0]["deviceSigned"].update(nameSpaces={}),
        lambda each: each["documents"][0]["deviceSigned"].update(nameSpaces=Tagged(24, b"\x80")),
        lambda each: each["documents"][0]["deviceSigned"].update(nameSpaces=Tagged(24, b"\xa0\x00")),
        lambda each: each["documents"][0]["deviceSigned"].update(nameSpaces=Tagged(24, write({1: {}}))),
        lambda each: each["documents"][0]["deviceSigned"].update(nameSpaces=Tagged(24, write({"x": []}))),
        lambda each: each["documents"][0]["deviceSigned"].update(nameSpaces=Tagged(24, write({"x": {1: 1}}))),
        lambda each: each["documents"][0]["deviceSigned"].pop("deviceAuth"),
        lambda each: each["documents"][0]["deviceSigned"]["deviceAuth"].update(deviceSignature=None),
        lambda each: each["documents"][0]["deviceSigned"]["deviceAuth"].update(deviceMac=[b"", {}, None, b""]),
        lambda each: each["documents"][0]["deviceSigned"]["deviceAuth"]["deviceSignature"].__setitem__(2, b"x"),
        lambda each: each["documents"][0]["deviceSigned"]["deviceAuth"]["deviceSignature"].__setitem__(0, b""),
    ],
)
def test_a_response_of_another_shape_is_malformed(country: MdocWorld, change: Callable[[Any], None]) -> None:
    with pytest.raises(Malformed):
        verified(country, changed(country.response(), change))


def test_trailing_bytes_and_a_key_twice_are_malformed(country: MdocWorld) -> None:
    data = country.response()
    for broken in (data + b"\x00", data[:-1], b"\xa4" + data[1:] + b"\x66status\x00"):
        with pytest.raises(Malformed):
            verified(country, broken)


def test_a_session_that_is_none_is_malformed(country: MdocWorld) -> None:
    with pytest.raises(Malformed):
        verified(country, transcript=b"\x80")
    with pytest.raises(Malformed):
        country.response(transcript=b"")
