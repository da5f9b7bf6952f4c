"""The Mobile Security Object: the digests of every element, the holder's key, the dates, and where the status stands.

Source: ISO/IEC 18013-5:2021, sections 9.1.2.4 and 9.1.2.5; Token Status List, draft-ietf-oauth-status-list-21, section
6.3 (the `status` member, as the second edition of ISO/IEC 18013-5 has it).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference, read_status, status_claim
from wallet.formats.mdoc.device_key import cose_key, read_cose_key
from wallet.formats.mdoc.values import map_of, read, read_tdate, tdate, unwrapped, wrapped, write

VERSION = "1.0"
DIGEST_BYTES: Mapping[str, int] = MappingProxyType({"SHA-256": 32, "SHA-384": 48, "SHA-512": 64})
"""Algorithms that a reader must know, and how long a digest of each is. Ours are SHA-256. Source: 9.1.2.5, table 21."""

MAX_DIGEST_ID = 2**32 - 1
"""The standard ends at 2^31 - 1 (9.1.2.5), as ours do; issuers in use draw 32 bits, and a number is only looked up."""

Digests = Mapping[str, Mapping[int, bytes]]
"""Namespace to digestID to digest."""


@dataclass(frozen=True, slots=True)
class Authorizations:
    """What the device may state by itself: whole namespaces, and single elements. Source: 18013-5, 9.1.2.4."""

    namespaces: frozenset[str] = frozenset()
    elements: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def allow(self, namespace: str, element: str) -> bool:
        return namespace in self.namespaces or element in self.elements.get(namespace, frozenset())


@dataclass(frozen=True, slots=True)
class MobileSecurityObject:
    """What the issuer signs. Whole seconds count.

    status: None also when another mechanism is named (`other_status`): its status cannot be told here.
    """

    doc_type: str
    digests: Digests
    device_key: ec.EllipticCurvePublicKey
    signed: datetime
    valid_from: datetime
    valid_until: datetime
    status: StatusReference | None = None
    other_status: bool = False
    digest_algorithm: str = "SHA-256"
    authorizations: Authorizations = Authorizations()


def encode_mso(mso: MobileSecurityObject) -> bytes:
    """Return MobileSecurityObjectBytes. Device authorizations are never given by this issuer. Source: 9.1.2.4."""
    content: dict[str, Any] = {
        "version": VERSION,
        "digestAlgorithm": mso.digest_algorithm,
        "docType": mso.doc_type,
        "valueDigests": mso.digests,
        "deviceKeyInfo": {"deviceKey": cose_key(mso.device_key)},
        "validityInfo": {
            "signed": tdate(mso.signed),
            "validFrom": tdate(mso.valid_from),
            "validUntil": tdate(mso.valid_until),
        },
    }
    if mso.status is not None:
        content["status"] = status_claim(mso.status)
    return wrapped(write(content))


def parse_mso(payload: bytes) -> MobileSecurityObject:
    """Return what the payload of an issuerAuth says; nothing in it is true yet.

    Unknown members are ignored; a known one that is missing or of another type raises Malformed, another curve of the
    device's key MdocRefused("curve_not_allowed"). Source: 18013-5, section 9.1.2.4.
    """
    mso = map_of(read(unwrapped(read(payload))))
    version, algorithm, doc_type = mso.get("version"), mso.get("digestAlgorithm"), mso.get("docType")
    if version != VERSION:
        raise Malformed("another version of the security object")
    if not isinstance(algorithm, str) or algorithm not in DIGEST_BYTES:
        raise Malformed("another digest algorithm")
    if not isinstance(doc_type, str) or not doc_type:
        raise Malformed("no docType")
    device, validity = map_of(mso.get("deviceKeyInfo")), map_of(mso.get("validityInfo"))
    signed, begin, end = (read_tdate(validity.get(name)) for name in ("signed", "validFrom", "validUntil"))
    if not signed <= begin <= end:
        raise Malformed("it would end before it began, or begin before it was signed")
    status, other_status = read_status(mso["status"]) if "status" in mso else (None, False)
    return MobileSecurityObject(
        doc_type=doc_type,
        digests=_read_digests(mso.get("valueDigests"), DIGEST_BYTES[algorithm]),
        device_key=read_cose_key(device.get("deviceKey")),
        signed=signed,
        valid_from=begin,
        valid_until=end,
        status=status,
        other_status=other_status,
        digest_algorithm=algorithm,
        authorizations=_read_authorizations(device["keyAuthorizations"])
        if "keyAuthorizations" in device
        else Authorizations(),
    )


def _read_digests(value: Any, length: int) -> Digests:
    found: dict[str, Mapping[int, bytes]] = {}
    for namespace, digests in map_of(value).items():
        if not isinstance(namespace, str):
            raise Malformed("a namespace that is no text")
        for number, digest in map_of(digests).items():
            if not isinstance(number, int) or not 0 <= number <= MAX_DIGEST_ID:
                raise Malformed("not a digestID")
            if not isinstance(digest, bytes) or len(digest) != length:
                raise Malformed("a digest of another length")
        found[namespace] = digests
    return found


def _read_authorizations(value: Any) -> Authorizations:
    granted = map_of(value)
    elements = {
        _name(namespace): frozenset(_names(names))
        for namespace, names in map_of(granted.get("dataElements", {})).items()
    }
    return Authorizations(frozenset(_names(granted.get("nameSpaces", []))), elements)


def _names(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Malformed("names that are no list")
    return [_name(each) for each in value]


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("a name that is no text")
    return value
