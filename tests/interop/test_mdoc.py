"""mdoc: libraries that others wrote take what we make, and we take what they make, with a device's signature.

openvc (Python, in `.oracle`; it verifies and issues nothing), pycose and python-cwt (signatures), @owf/mdoc (Node.js).
The MAC of a device is checked against Annex D alone: @owf/mdoc 0.6.0 leaves `external_aad` out of its MAC_structure
(RFC 9052, section 6.3, has four members) and refuses every MAC that it has just found good.
"""

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.forms.test_mdoc import copy_of
from tests.documents.stated import every_example
from tests.formats.mdoc.world import DOC_TYPE, LIST_URI, MdocWorld, changed
from tests.interop.environments import ask_node, ask_oracle, need_node, need_oracle
from tests.support import NOON, SeededEntropy
from wallet.crypto.jwk import public_jwk
from wallet.crypto.jws import b64url_encode
from wallet.documents.forms import mdoc
from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc import transcript
from wallet.formats.mdoc.chain import IacaRoots
from wallet.formats.mdoc.device_response import present
from wallet.formats.mdoc.reader import verify_device_response, verify_issuer_signed
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.values import full_date, plain, read, tdate, write

SESSION = {
    "clientId": "x509_san_dns:truong.example.vn",
    "nonce": "bm9uY2U",
    "responseUri": "https://truong.example.vn/r",
}
TRANSCRIPT = transcript.openid4vp(SESSION["clientId"], SESSION["nonce"], SESSION["responseUri"])
ELSEWHERE = transcript.openid4vp(SESSION["clientId"], "YW5vdGhlcg", SESSION["responseUri"])
KINDS = sorted({document.kind.code: name for name, document in every_example().items()}.values())
HOUSEHOLD = "residence/the whole confirmation with both tables, for a bank"
DAY = timedelta(days=1)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def private_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    number = key.private_numbers().private_value
    return public_jwk(key.public_key()) | {"d": b64url_encode(number.to_bytes(32, "big")).decode()}


@pytest.fixture(scope="module")
def country() -> MdocWorld:
    return MdocWorld()


@pytest.fixture(params=["oracle", "node"])
def other(request: pytest.FixtureRequest) -> str:
    """Whose library it is; each test runs with both."""
    need_oracle() if request.param == "oracle" else need_node()
    return str(request.param)


def ask(other: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return ask_oracle("mdoc_second.py", lines) if other == "oracle" else ask_node("mdoc.mjs", lines)


def asking(country: MdocWorld, what: str, data: bytes, **more: Any) -> dict[str, Any]:
    """Return a question as both understand it."""
    line = {
        "do": what,
        "data": b64(data),
        "root": b64(country.root),
        "now": int(NOON.timestamp()),
        "doc_type": DOC_TYPE,
    }
    return line | {"transcript": b64(TRANSCRIPT), "session": SESSION} | more


def documents_of(country: MdocWorld) -> dict[str, tuple[bytes, str, dict[str, Any]]]:
    """Return an mdoc of every kind of document, its docType, and what it says without tags."""
    found = {}
    for name in KINDS:
        document = every_example()[name]
        holder_key = public_jwk(country.device.public_key())
        copy = copy_of(document, issued_at=NOON - DAY, expires_at=NOON + 30 * DAY, holder_key=holder_key)
        data = mdoc.make(document, copy, country.signer(), SeededEntropy(name))
        said = {key: plain(value) for key, value in mdoc.elements(document)}
        found[name] = data, mdoc.doc_type(document.kind), said
    return found


def test_every_kind_of_document_is_read_by_others(country: MdocWorld, other: str) -> None:
    made = documents_of(country)
    lines = [asking(country, "issued", data, doc_type=doc_type) for data, doc_type, _ in made.values()]
    lines += [
        asking(
            country,
            "response",
            present(data, {doc_type: list(said)}, TRANSCRIPT, country.device_sign),
            doc_type=doc_type,
        )
        for data, doc_type, said in made.values()
    ]
    answers = ask(other, lines)
    for (_, doc_type, said), answer in zip([*made.values(), *made.values()], answers, strict=True):
        assert "error" not in answer, answer
        (document,) = answer["documents"]
        assert (document["doc_type"], document["elements"]) == (doc_type, said)


def test_members_of_a_household_are_shown_to_others_one_by_one(country: MdocWorld, other: str) -> None:
    household = every_example()[HOUSEHOLD]
    holder_key = public_jwk(country.device.public_key())
    copy = copy_of(household, issued_at=NOON - DAY, expires_at=NOON + 30 * DAY, holder_key=holder_key)
    data = mdoc.make(household, copy, country.signer(), SeededEntropy("household"))
    doc_type, said = mdoc.doc_type(household.kind), dict(mdoc.elements(household))
    names = ["full_name", "household_members/2"]
    response = present(data, {doc_type: names}, TRANSCRIPT, country.device_sign)
    (answer,) = ask(other, [asking(country, "response", response, doc_type=doc_type)])
    assert answer["documents"][0]["elements"] == {name: said[name] for name in names}


def test_others_find_the_same_faults(country: MdocWorld, other: str) -> None:
    good = country.response(transcript=TRANSCRIPT)
    stranger = MdocWorld()
    issued = country.issuer_signed()
    faults = {
        "tampered": good.replace(b"fspouse", b"fparent"),
        "another device": country.response(transcript=TRANSCRIPT, sign=stranger.device_sign),
        "another session": country.response(transcript=ELSEWHERE),
        "another root": stranger.response(transcript=TRANSCRIPT),
        "expired": country.response(transcript=TRANSCRIPT, valid_until=NOON - timedelta(minutes=5)),
        "not yet": country.response(transcript=TRANSCRIPT, valid_from=NOON + timedelta(minutes=5)),
        "signed before its certificate": country.response(transcript=TRANSCRIPT, signed=NOON - 60 * DAY),
    }
    assert ask(other, [asking(country, "response", good)])[0].get("error") is None
    answers = ask(other, [asking(country, "response", data) for data in faults.values()])
    assert {name for name, answer in zip(faults, answers, strict=True) if "error" not in answer} == set()
    for data in faults.values():
        with pytest.raises(MdocRefused):
            verify_device_response(data, country.roots, TRANSCRIPT, NOON)
    broken = changed(issued, lambda each: each["issuerAuth"].__setitem__(3, bytes(64)))
    assert "error" in ask(other, [asking(country, "issued", broken)])[0]


def test_our_document_is_shown_by_a_wallet_of_others(country: MdocWorld, other: str) -> None:
    made = documents_of(country)
    lines = [
        asking(country, "present", data, doc_type=doc_type, names=sorted(said), holder=private_jwk(country.device))
        for data, doc_type, said in made.values()
    ]
    for (_, doc_type, said), answer in zip(made.values(), ask(other, lines), strict=True):
        assert "error" not in answer, answer
        response = base64.b64decode(answer["data"])
        (shown,) = verify_device_response(response, country.roots, TRANSCRIPT, NOON, doc_type=doc_type)
        assert shown.present
        assert plain(shown.elements[doc_type]) == said
        with pytest.raises(MdocRefused, match="device_mismatch"):
            verify_device_response(response, country.roots, ELSEWHERE, NOON)


@pytest.mark.parametrize("library", ["node", "pycose", "cwt"])
def test_what_others_issue_is_read_and_shown(country: MdocWorld, library: str) -> None:
    other = "node" if library == "node" else "oracle"
    need_node() if library == "node" else need_oracle()
    said: dict[str, Any] = {"full_name": "Nguyễn Văn Ấn", "members": 3, "permanent": True, "places": ["Hà Nội", "Huế"]}
    day, moment = {"birth_date": "1990-05-12"}, {"registered_at": "2020-01-02T03:04:05Z"}
    elements: Any = said | {"birth_date": {"day": "1990-05-12"}, "registered_at": {"time": 1577934245}}
    if other == "oracle":
        dated = full_date(NOON.date().replace(1990, 5, 12))
        elements = b64(write(said | {"birth_date": dated, "registered_at": tdate(NOON.replace(2020, 1, 2, 3, 4, 5))}))
    line = {
        "do": "issue",
        "doc_type": DOC_TYPE,
        "elements": elements,
        "holder": public_jwk(country.device.public_key()),
        "issuer": private_jwk(country.signer_key),
        "leaf": b64(country.signer().certificate_der),
        "begin": int((NOON - DAY).timestamp()),
        "end": int((NOON + DAY).timestamp()),
        "library": library,
    }
    if other == "oracle":
        line["status"] = {"status_list": {"idx": 4711, "uri": LIST_URI}}
    (answer,) = ask(other, [line])
    assert "error" not in answer, answer
    data = base64.b64decode(answer["data"])
    found = verify_issuer_signed(data, country.roots, NOON, doc_type=DOC_TYPE)
    assert plain(found.elements[DOC_TYPE]) == said | day | moment
    assert found.status == (StatusReference(4711, LIST_URI) if other == "oracle" else None)
    response = present(data, {DOC_TYPE: ["full_name"]}, TRANSCRIPT, country.device_sign)
    (shown,) = verify_device_response(response, country.roots, TRANSCRIPT, NOON)
    assert shown.present
    for roots, now, reason in (
        (IacaRoots.of([MdocWorld().root]), NOON, "unknown_issuer"),
        (country.roots, NOON + 2 * DAY, "expired"),
    ):
        with pytest.raises(MdocRefused, match=reason):
            verify_issuer_signed(data, roots, now)


def test_the_status_is_where_others_look_for_it(country: MdocWorld) -> None:
    need_node()
    (answer,) = ask("node", [asking(country, "issued", country.issuer_signed())])
    assert answer["documents"][0]["status"] == {"status_list": {"idx": 4711, "uri": LIST_URI}}


def test_cose_libraries_find_our_signatures_good_and_others_bad(country: MdocWorld) -> None:
    need_oracle()
    good = country.issuer_signed()

    def flip(issuer_signed: Any) -> None:
        signature = issuer_signed["issuerAuth"][3]
        issuer_signed["issuerAuth"][3] = bytes([signature[0] ^ 1]) + signature[1:]

    answers = ask("oracle", [asking(country, "signature", data) for data in (good, changed(good, flip))])
    assert [(answer["pycose"], answer["cwt"]) for answer in answers] == [(True, True), (False, False)]
    assert answers[0]["status"] == {"status_list": {"idx": 4711, "uri": LIST_URI}}


def test_the_session_is_the_same_to_others() -> None:
    need_node()
    (answer,) = ask("node", [{"do": "session", "session": SESSION}])
    assert base64.b64decode(answer["data"]) == TRANSCRIPT
    assert read(TRANSCRIPT)[2][0] == "OpenID4VPHandover"
