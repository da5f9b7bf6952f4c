"""Published COSE examples. Source: cose-wg/Examples, commit 53c9d63 (`tests/vectors/cose/SOURCE.md`); RFC 8392, A.3.

Our messages protect every header and name a `typ`, so no foreign example passes `parse_sign1` whole. What a signature
means is the same for all, so each example is judged on what it was made for:

- ecdsa-sig-01, A_3: the signed bytes are put together as published, and the signature verifies.
- ecdsa-sig-04 is ES512 with a P-256 key: refused. A reader knows ES256 alone (docs/wire.md), and RFC 9053 lets SHA-512
  meet P-256 only where nobody has said otherwise.
- sign-pass-01 has its `alg` unprotected, sign-pass-02 signs external data: refused, as docs/wire.md has neither.
- sign-pass-03 is untagged: refused. COSE_Sign1 is tagged 18 here, so one message has one form.
- sign-fail-01 to 07: refused.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import cbor
from wallet.crypto.certificates import public_key_from_point
from wallet.crypto.cose import ES256, UnverifiedSign1, parse_sign1, to_be_signed
from wallet.errors import Malformed, VerificationFailed

FOLDER = Path(__file__).parents[1] / "vectors" / "cose"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
REFUSED_BY_SHAPE = {"sign-fail-01", "sign-pass-03"}
GOOD = {"A_3", "ecdsa-sig-01"}


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def key_of(vector: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    key = vector["input"]["sign0"]["key"]
    if "x_hex" in key:
        return public_key_from_point(bytes.fromhex(key["x_hex"]), bytes.fromhex(key["y_hex"]))
    return public_key_from_point(*(base64.urlsafe_b64decode(key[name] + "=") for name in "xy"))


def message_of(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["output"]["cbor"])


def parts_of(vector: dict[str, Any]) -> UnverifiedSign1:
    """Return the message without the rules that are ours alone: headers unprotected, and no `typ`."""
    protected, _, payload, signature = cbor.decode(message_of(vector), tag=18)
    headers = cbor.decode(protected) if protected else {}
    return UnverifiedSign1(protected, payload, signature, headers.get(1, 0), None, {})


def test_every_example_is_decided() -> None:
    assert len(NAMES) == 12


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_signatures_verify(name: str) -> None:
    vector = load(name)
    parts = parts_of(vector)
    assert to_be_signed(parts.protected, parts.payload).hex().upper() == vector["intermediates"]["ToBeSign_hex"]
    parts.verify(key_of(vector))


@pytest.mark.parametrize("name", sorted(set(NAMES) - GOOD - REFUSED_BY_SHAPE))
def test_bad_and_foreign_signatures_do_not_verify(name: str) -> None:
    vector = load(name)
    with pytest.raises((VerificationFailed, Malformed)):
        parts_of(vector).verify(key_of(vector))


@pytest.mark.parametrize("name", sorted(REFUSED_BY_SHAPE))
def test_another_tag_and_none_are_malformed(name: str) -> None:
    with pytest.raises(Malformed, match="malformed"):
        parts_of(load(name))


def test_es512_with_a_p256_key_is_refused_for_its_algorithm() -> None:
    assert parts_of(load("ecdsa-sig-04")).alg == -36 != ES256


@pytest.mark.parametrize("name", NAMES)
def test_no_foreign_message_is_one_of_ours(name: str) -> None:
    with pytest.raises(Malformed):
        parse_sign1(message_of(load(name)), typ="viso-doc+cwt")


def test_the_claims_of_cwt_a3_are_read() -> None:
    claims = cbor.decode(parts_of(load("A_3")).payload)
    assert claims[1] == "coap://as.example.com"
    assert (claims[4], claims[6], claims[7]) == (1444064944, 1443944944, b"\x0bq")
