"""IssuerSigned: the elements a holder may show one by one, and the issuer's signature over their digests.

Source: ISO/IEC 18013-5:2021, sections 8.3.2.1.2.2, 9.1.2.4 and 9.1.2.5.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.cbor import Tagged
from wallet.crypto.signing import Signer
from wallet.entropy import Entropy
from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc import envelope
from wallet.formats.mdoc.envelope import Envelope
from wallet.formats.mdoc.mso import DIGEST_BYTES, MAX_DIGEST_ID, MobileSecurityObject, encode_mso, parse_mso
from wallet.formats.mdoc.values import ENCODED, map_of, read, unwrapped, wrapped, write

RANDOM_BYTES = 32
LEAST_RANDOM_BYTES = 16
"""Without it, whoever sees a digest could guess what it is of. Source: 18013-5, section 9.1.2.5."""

_HASHES = {"SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Item:
    """One element. encoded: IssuerSignedItemBytes, tag and all, as it came: its digest is over these bytes."""

    digest_id: int
    identifier: str
    value: Any
    encoded: bytes

    def digest(self, algorithm: str) -> bytes:
        return _HASHES[algorithm](self.encoded).digest()


@dataclass(frozen=True, slots=True)
class Terms:
    """What an issuer says beside the elements. Whole seconds count. status: None if it cannot be revoked."""

    doc_type: str
    device_key: ec.EllipticCurvePublicKey
    signed: datetime
    valid_from: datetime
    valid_until: datetime
    status: StatusReference | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedIssuerSigned:
    """An IssuerSigned as it was read: nothing in it is true yet.

    items: namespace to the elements that were shown. auth: the issuer's signature. mso: what it is over.
    """

    items: Mapping[str, tuple[Item, ...]]
    auth: Envelope
    mso: MobileSecurityObject


def issue(
    elements: Mapping[str, Mapping[str, Any]], terms: Terms, signer: Signer, entropy: Entropy, *, fill: int = 1
) -> bytes:
    """Return the IssuerSigned over all elements, as CBOR; a holder shows those that are asked for.

    elements: namespace to identifier to value; days and moments as `values.full_date` and `values.tdate` give them.
    signer: a document signer, whose certificate goes along without the root's. Numbers of digests are drawn, so that
    they tell nothing of the elements. fill: a namespace has a multiple of so many digests, those without an element
    being random; whoever is shown one element does not learn how many there are.
    Raises Malformed for what CBOR here cannot hold. Source: 18013-5, sections 9.1.2.4 and 9.1.2.5.
    """
    shown, digests = {}, {}
    for namespace, members in elements.items():
        numbers = _shuffled(-(-len(members) // fill) * fill, entropy)
        items = [_make_item(numbers.pop(), name, value, entropy) for name, value in members.items()]
        shown[namespace] = [Tagged(ENCODED, b"", item.encoded) for item in items]
        digests[namespace] = {item.digest_id: item.digest("SHA-256") for item in items} | {
            number: entropy.bytes(DIGEST_BYTES["SHA-256"]) for number in numbers
        }
    mso = MobileSecurityObject(
        terms.doc_type, digests, terms.device_key, terms.signed, terms.valid_from, terms.valid_until, terms.status
    )
    auth = envelope.sign1(encode_mso(mso), signer.sign, chain=(signer.certificate_der,))
    return write({"nameSpaces": shown, "issuerAuth": auth})


def parse_issuer_signed(data: bytes) -> UnverifiedIssuerSigned:
    """Return the IssuerSigned that `data` is, unverified. Raises Malformed, or MdocRefused for a curve."""
    return issuer_signed_of(read(data))


def issuer_signed_of(value: Any) -> UnverifiedIssuerSigned:
    """Return the IssuerSigned that a value is which was read as part of something, such as a DeviceResponse."""
    members = map_of(value)
    auth = envelope.parse(members.get("issuerAuth"))
    items = {}
    for namespace, found in map_of(members.get("nameSpaces", {})).items():
        if not isinstance(namespace, str) or not isinstance(found, list):
            raise Malformed("a namespace that is no text, or holds no list")
        items[namespace] = tuple(_read_item(each) for each in found)
    return UnverifiedIssuerSigned(items, auth, parse_mso(envelope.payload_of(auth)))


def _make_item(digest_id: int, identifier: str, value: Any, entropy: Entropy) -> Item:
    content = {
        "digestID": digest_id,
        "random": entropy.bytes(RANDOM_BYTES),
        "elementIdentifier": identifier,
        "elementValue": value,
    }
    return Item(digest_id, identifier, value, wrapped(write(content)))


def _read_item(value: Any) -> Item:
    content = map_of(read(unwrapped(value)))
    digest_id, random, identifier = (content.get(name) for name in ("digestID", "random", "elementIdentifier"))
    if digest_id.__class__ is not int or not 0 <= digest_id <= MAX_DIGEST_ID:
        raise Malformed("not a digestID")
    if not isinstance(random, bytes) or len(random) < LEAST_RANDOM_BYTES:
        raise Malformed("too little random in an item")
    if not isinstance(identifier, str) or "elementValue" not in content:
        raise Malformed("an item without its name or its value")
    return Item(digest_id, identifier, content["elementValue"], write(value))


def _shuffled(count: int, entropy: Entropy) -> list[int]:
    """Return 0 to count - 1 in an order that nobody can guess: sorted by a draw that has no ties worth a thought."""
    return sorted(range(count), key=lambda _: entropy.bytes(16))
