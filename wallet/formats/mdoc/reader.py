"""Reading an mdoc: what the issuer signed, and that the device is the one it was issued to.

The steps of ISO/IEC 18013-5:2021, section 9.3, each with reasons of its own (`refusal.REASONS`); the first that fails
ends it, and nothing is said of what was not verified:

1. shape and caps
2. the signer's certificate: whom this reader believes (9.3.3)
3. the issuer's signature (9.3.1)
4. digests of every element that was shown; signed while the certificate was valid (9.3.1)
5. docType: the one that was asked for (9.3.1)
6. dates (9.3.1)
7. the device's signature or MAC over this session (9.3.2)

Whether it was revoked stands in the status list that `status` names; that is the caller's to look up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc import envelope
from wallet.formats.mdoc.chain import MdocSigner, SignerTrust
from wallet.formats.mdoc.device_response import UnverifiedDocument, mac_key, parse_device_response
from wallet.formats.mdoc.issuer_signed import Item, UnverifiedIssuerSigned, parse_issuer_signed
from wallet.formats.mdoc.mso import MobileSecurityObject
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.transcript import device_authentication

SKEW = timedelta(seconds=60)
"""Between two clocks, as docs/wire.md, section 3, step 5, has it."""


@dataclass(frozen=True, slots=True)
class VerifiedMdoc:
    """An mdoc whose issuer is believed.

    elements: namespace to identifier to value, of what was shown; days and moments are `Tagged` (`values.plain`).
    stated: the same, of what the device says by itself, having been allowed to. status: where its status stands, None
    also when another mechanism is named (`other_status`). present: the device it was issued to answered just now.
    """

    doc_type: str
    elements: Mapping[str, Mapping[str, Any]]
    status: StatusReference | None
    other_status: bool
    signed: datetime
    valid_from: datetime
    valid_until: datetime
    device_key: ec.EllipticCurvePublicKey
    signer: MdocSigner
    stated: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    present: bool = False


def verify_issuer_signed(
    data: bytes, trust: SignerTrust, now: datetime, *, doc_type: str | None = None
) -> VerifiedMdoc:
    """Return what the issuer signed: steps 1 to 6. Who holds it is not asked.

    trust: `chain.IacaRoots`, or another. doc_type: the one that is wanted, None for any.
    Raises Malformed, or MdocRefused.
    """
    return _issuer_signed(parse_issuer_signed(data), trust, now, doc_type)


def verify_device_response(
    data: bytes,
    trust: SignerTrust,
    transcript: bytes,
    now: datetime,
    *,
    doc_type: str | None = None,
    reader_key: ec.EllipticCurvePrivateKey | None = None,
) -> tuple[VerifiedMdoc, ...]:
    """Return every document of a response, all seven steps done; one that fails refuses the whole.

    transcript: SessionTranscript of this session as CBOR (`transcript.openid4vp`), made by this reader, never read from
    the response. reader_key: the reader's ephemeral key, where a device may prove itself by a MAC.
    Raises Malformed, or MdocRefused.
    """
    documents = parse_device_response(data)
    return tuple(_document(each, trust, transcript, now, doc_type, reader_key) for each in documents)


def authenticated(found: UnverifiedIssuerSigned, signer: MdocSigner) -> VerifiedMdoc:
    """Return what this signer signed, whatever the day is: steps 3 and 4.

    Raises Malformed, or MdocRefused. Source: 18013-5, section 9.3.1.
    """
    mso = found.mso
    payload = envelope.payload_of(found.auth)
    envelope.verify_sign1(found.auth, signer.public_key, payload, reason="bad_signature")
    elements = {namespace: _shown(namespace, items, mso) for namespace, items in found.items.items()}
    if not signer.not_before <= mso.signed <= signer.not_after:
        raise MdocRefused("signed_outside_certificate")
    return VerifiedMdoc(
        doc_type=mso.doc_type,
        elements=elements,
        status=mso.status,
        other_status=mso.other_status,
        signed=mso.signed,
        valid_from=mso.valid_from,
        valid_until=mso.valid_until,
        device_key=mso.device_key,
        signer=signer,
    )


def proven(
    mdoc: VerifiedMdoc,
    found: UnverifiedDocument,
    transcript: bytes,
    reader_key: ec.EllipticCurvePrivateKey | None = None,
) -> VerifiedMdoc:
    """Return the same mdoc once its device has proven itself in this session: step 7.

    Raises Malformed for a transcript that is none, or MdocRefused. Source: 18013-5, section 9.3.2.
    """
    content = device_authentication(transcript, mdoc.doc_type, found.namespaces)
    if not found.is_mac:
        envelope.verify_sign1(found.proof, mdoc.device_key, content, reason="device_mismatch")
    elif reader_key is None:
        raise MdocRefused("reader_key_needed")
    else:
        key = mac_key(reader_key, mdoc.device_key, transcript)
        envelope.verify_mac0(found.proof, key, content, reason="device_mismatch")
    allowed = found.issuer_signed.mso.authorizations
    for namespace, elements in found.stated.items():
        if not all(allowed.allow(namespace, name) for name in elements):
            raise MdocRefused("key_not_authorized")
    return replace(mdoc, stated=found.stated, present=True)


def fault_of_dates(mdoc: VerifiedMdoc, now: datetime) -> str | None:
    """Return `not_yet_valid` or `expired`, None for an mdoc of this time: step 6. Source: 18013-5, section 9.3.1."""
    if mdoc.valid_from > now + SKEW:
        return "not_yet_valid"
    return "expired" if now >= mdoc.valid_until + SKEW else None


def _issuer_signed(
    found: UnverifiedIssuerSigned, trust: SignerTrust, now: datetime, doc_type: str | None
) -> VerifiedMdoc:
    mdoc = authenticated(found, trust.signer_of(found.auth.chain, now))
    if doc_type is not None and mdoc.doc_type != doc_type:
        raise MdocRefused("wrong_doctype", "not the one that was asked for")
    fault = fault_of_dates(mdoc, now)
    if fault is not None:
        raise MdocRefused(fault)
    return mdoc


def _document(
    found: UnverifiedDocument,
    trust: SignerTrust,
    transcript: bytes,
    now: datetime,
    doc_type: str | None,
    reader_key: ec.EllipticCurvePrivateKey | None,
) -> VerifiedMdoc:
    mdoc = _issuer_signed(found.issuer_signed, trust, now, doc_type)
    if found.doc_type != mdoc.doc_type:
        raise MdocRefused("wrong_doctype", "the response names another than was signed")
    return proven(mdoc, found, transcript, reader_key)


def _shown(namespace: str, items: tuple[Item, ...], mso: MobileSecurityObject) -> dict[str, Any]:
    """Return identifier to value of items whose digests the issuer signed. Source: 18013-5, sections 9.1.2.5, 9.3.1."""
    digests, numbers = mso.digests.get(namespace, {}), set()
    elements: dict[str, Any] = {}
    for item in items:
        if item.digest_id not in digests:
            raise MdocRefused("digest_missing")
        if item.digest(mso.digest_algorithm) != digests[item.digest_id]:
            raise MdocRefused("digest_mismatch")
        if item.digest_id in numbers:
            raise MdocRefused("digest_twice")
        if item.identifier in elements:
            raise MdocRefused("element_twice")
        numbers.add(item.digest_id)
        elements[item.identifier] = item.value
    return elements
