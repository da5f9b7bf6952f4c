"""The worked example of the standard. Source: ISO/IEC 18013-5:2021, Annex D (`tests/vectors/mdoc/SOURCE.md`)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.formats.mdoc.world import UNITED, changed
from wallet.formats.mdoc.chain import IacaRoots
from wallet.formats.mdoc.device_response import mac_key, parse_device_response
from wallet.formats.mdoc.envelope import parse
from wallet.formats.mdoc.mso import parse_mso
from wallet.formats.mdoc.reader import VerifiedMdoc, verify_device_response, verify_issuer_signed
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.values import plain, read, unwrapped, write

FOLDER = Path(__file__).parents[2] / "vectors" / "mdoc"
ANNEX = "ISO/IEC 18013-5:2021 Annex "
VECTORS = {
    each["section"].removeprefix(ANNEX): each["hex"] for each in json.loads((FOLDER / "annex-d.json").read_text())
}
SIGNED = datetime(2020, 10, 1, 13, 30, 2, tzinfo=UTC)
DURING = datetime(2020, 12, 1, tzinfo=UTC)


def vector(section: str) -> bytes:
    return bytes.fromhex(VECTORS[section])


def private(section: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(vector(section), "big"), ec.SECP256R1())


RESPONSE = vector("D.4.1.2 device response")
TRANSCRIPT = unwrapped(read(vector("D.5.1 session transcript bytes")))
READER_KEY = private("D.3.1 ephemeral reader key, private")
DEVICE_KEY = private("D.5.3 static device key, private")
ROOTS = IacaRoots.of([vector("D.5.2 IACA root certificate")])


def verified(**changes: Any) -> VerifiedMdoc:
    arguments: dict[str, Any] = {"trust": ROOTS, "transcript": TRANSCRIPT, "now": DURING, "reader_key": READER_KEY}
    (mdoc,) = verify_device_response(changes.pop("data", RESPONSE), **(arguments | changes))
    return mdoc


def refused(**changes: Any) -> str:
    with pytest.raises(MdocRefused) as caught:
        verified(**changes)
    return caught.value.reason


def test_the_whole_response_is_verified() -> None:
    mdoc = verified(doc_type="org.iso.18013.5.1.mDL")
    assert (mdoc.doc_type, mdoc.signed, mdoc.valid_from) == ("org.iso.18013.5.1.mDL", SIGNED, SIGNED)
    assert mdoc.valid_until == SIGNED.replace(year=2021)
    assert mdoc.device_key == DEVICE_KEY.public_key()
    assert (mdoc.present, mdoc.stated, mdoc.status, mdoc.other_status) == (True, {}, None, False)
    (elements,) = mdoc.elements.values()
    assert list(mdoc.elements) == ["org.iso.18013.5.1"]
    portrait = elements.pop("portrait")
    assert (portrait[:4], len(portrait)) == (bytes.fromhex("ffd8ffe0"), 1042)
    assert plain(elements) == {
        "family_name": "Doe",
        "issue_date": "2019-10-20",
        "expiry_date": "2024-10-20",
        "document_number": "123456789",
        "driving_privileges": [
            {"vehicle_category_code": "A", "issue_date": "2018-08-09", "expiry_date": "2024-10-20"},
            {"vehicle_category_code": "B", "issue_date": "2017-02-23", "expiry_date": "2024-10-20"},
        ],
    }


def test_driving_privileges_are_those_of_the_response() -> None:
    found = verified().elements["org.iso.18013.5.1"]["driving_privileges"]
    assert read(vector("D.2.1 driving privileges")) == found


def test_issuer_data_authentication_is_that_of_the_response() -> None:
    auth = parse(read(vector("D.5.2 issuer data authentication")))
    (document,) = parse_device_response(RESPONSE)
    assert auth == document.issuer_signed.auth
    assert auth.payload is not None
    mso = parse_mso(auth.payload)
    assert {namespace: len(each) for namespace, each in mso.digests.items()} == {
        "org.iso.18013.5.1": 13,
        "org.iso.18013.5.1.US": 4,
    }


def test_the_key_of_the_mac_is_the_same_from_either_side() -> None:
    ours = mac_key(READER_KEY, DEVICE_KEY.public_key(), TRANSCRIPT)
    assert ours == mac_key(DEVICE_KEY, READER_KEY.public_key(), TRANSCRIPT)


def test_engagement_and_request_are_read() -> None:
    assert read(vector("D.3.1 device engagement"))[0] == "1.0"
    assert read(vector("D.4.1.1 device request"))["version"] == "1.0"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reader_key": None}, "reader_key_needed"),
        ({"reader_key": UNITED}, "device_mismatch"),
        ({"transcript": TRANSCRIPT[:-1] + b"\x15"}, "device_mismatch"),
        ({"doc_type": "org.iso.23220.photoid.1"}, "wrong_doctype"),
        ({"trust": IacaRoots(())}, "unknown_issuer"),
        ({"now": SIGNED.replace(day=1, month=9)}, "signer_not_valid"),
        ({"now": datetime(2020, 10, 1, 12, tzinfo=UTC)}, "not_yet_valid"),
        ({"now": datetime(2021, 10, 2, tzinfo=UTC)}, "signer_not_valid"),
    ],
)
def test_one_thing_wrong_refuses_it(changes: dict[str, Any], reason: str) -> None:
    assert refused(**changes) == reason


def test_another_name_in_an_item_is_refused() -> None:
    assert refused(data=RESPONSE.replace(b"cDoe", b"cFoe")) == "digest_mismatch"


def test_another_bit_of_the_mac_is_refused() -> None:
    def flip(response: Any) -> None:
        mac = response["documents"][0]["deviceSigned"]["deviceAuth"]["deviceMac"]
        mac[3] = bytes([mac[3][0] ^ 1]) + mac[3][1:]

    assert refused(data=changed(RESPONSE, flip)) == "device_mismatch"


def test_a_mac_by_another_algorithm_is_refused() -> None:
    def weaken(response: Any) -> None:
        response["documents"][0]["deviceSigned"]["deviceAuth"]["deviceMac"][0] = bytes.fromhex("a10104")  # HMAC 256/64

    assert refused(data=changed(RESPONSE, weaken)) == "algorithm_not_allowed"


def test_issuer_data_alone_is_verified_too() -> None:
    issuer_signed = write(read(RESPONSE)["documents"][0]["issuerSigned"])
    mdoc = verify_issuer_signed(issuer_signed, ROOTS, DURING)
    assert (mdoc.present, len(mdoc.elements["org.iso.18013.5.1"])) == (False, 6)
