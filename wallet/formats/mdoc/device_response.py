"""DeviceResponse: documents as a device shows them, each with proof that the device is the one it was issued to.

Source: ISO/IEC 18013-5:2021, sections 8.3.2.1.2.2, 9.1.3.4 and 9.1.3.5.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wallet.crypto.cbor import Tagged
from wallet.errors import Malformed
from wallet.formats.mdoc import envelope
from wallet.formats.mdoc.envelope import Envelope
from wallet.formats.mdoc.issuer_signed import UnverifiedIssuerSigned, issuer_signed_of, parse_issuer_signed
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.transcript import device_authentication, salt_of
from wallet.formats.mdoc.values import ENCODED, map_of, read, unwrapped, wrapped, write

VERSION = "1.0"
OK = 0
MAX_DOCUMENTS = 16


@dataclass(frozen=True, slots=True)
class UnverifiedDocument:
    """One document of a response as it was read.

    namespaces: DeviceNameSpacesBytes as they came; stated: what they hold, which the device says by itself. proof:
    the device's signature, or its MAC (`is_mac`).
    """

    doc_type: str
    issuer_signed: UnverifiedIssuerSigned
    namespaces: bytes
    stated: Mapping[str, Mapping[str, Any]]
    proof: Envelope
    is_mac: bool


def present(
    issuer_signed: bytes, wanted: Mapping[str, Collection[str]], transcript: bytes, sign: Callable[[bytes], bytes]
) -> bytes:
    """Return a DeviceResponse that shows the wanted elements of one document and no other.

    wanted: namespace to identifiers; what the document lacks is left out. transcript: SessionTranscript as CBOR.
    sign: the device's, raw ES256. Raises Malformed. Source: 18013-5, sections 8.3.2.1.2.2 and 9.1.3.4.
    """
    parsed, members = parse_issuer_signed(issuer_signed), read(issuer_signed)
    shown = {
        namespace: [
            Tagged(ENCODED, b"", item.encoded) for item in items if item.identifier in wanted.get(namespace, ())
        ]
        for namespace, items in parsed.items.items()
    }
    namespaces = wrapped(write({}))
    proof = envelope.sign1(device_authentication(transcript, parsed.mso.doc_type, namespaces), sign, detached=True)
    document = {
        "docType": parsed.mso.doc_type,
        "issuerSigned": {
            "nameSpaces": {namespace: items for namespace, items in shown.items() if items},
            "issuerAuth": members["issuerAuth"],
        },
        "deviceSigned": {
            "nameSpaces": Tagged(ENCODED, b"", namespaces),
            "deviceAuth": {"deviceSignature": proof},
        },
    }
    return write({"version": VERSION, "documents": [document], "status": OK})


def parse_device_response(data: bytes) -> tuple[UnverifiedDocument, ...]:
    """Return the documents of the response that `data` is, as `device_response_of` does."""
    return device_response_of(read(data))


def device_response_of(value: Any) -> tuple[UnverifiedDocument, ...]:
    """Return the documents of a response that was read, unverified: at least one.

    Raises Malformed; MdocRefused for a response that says it failed (`response_error`), holds nothing (`no_document`)
    or a document without proof (`device_auth_missing`). Source: 18013-5, section 8.3.2.1.2.2, tables 8 and 9.
    """
    response = map_of(value)
    version, status, documents = response.get("version"), response.get("status"), response.get("documents", [])
    if not isinstance(version, str) or not version.startswith("1."):
        raise Malformed("another version of the response")
    if status.__class__ is not int or not isinstance(documents, list):
        raise Malformed("the status is missing, or the documents are no list")
    if status != OK:
        raise MdocRefused("response_error", f"status {status}")
    if not documents:
        raise MdocRefused("no_document")
    if len(documents) > MAX_DOCUMENTS:
        raise Malformed("more documents than are read here")
    return tuple(_read_document(each) for each in documents)


def mac_key(reader_key: ec.EllipticCurvePrivateKey, device_key: ec.EllipticCurvePublicKey, transcript: bytes) -> bytes:
    """Return EMacKey, 32 bytes: of the reader's ephemeral key and the holder's. Source: 18013-5, section 9.1.3.5."""
    shared = reader_key.exchange(ec.ECDH(), device_key)
    return HKDF(hashes.SHA256(), 32, salt_of(transcript), b"EMacKey").derive(shared)


def _read_document(value: Any) -> UnverifiedDocument:
    members = map_of(value)
    doc_type = members.get("docType")
    if not isinstance(doc_type, str):
        raise Malformed("a document without its docType")
    issuer_signed = issuer_signed_of(members.get("issuerSigned"))
    if "deviceSigned" not in members:
        raise MdocRefused("device_auth_missing")
    device_signed = map_of(members["deviceSigned"])
    namespaces, auth = device_signed.get("nameSpaces"), map_of(device_signed.get("deviceAuth"))
    stated = _read_stated(read(unwrapped(namespaces)))
    proofs = auth.keys() & {"deviceSignature", "deviceMac"}
    if not proofs:
        raise MdocRefused("device_auth_missing")
    if len(proofs) > 1:
        raise Malformed("a signature and a MAC")
    name = proofs.pop()
    proof = envelope.parse(auth[name])
    if proof.payload is not None:
        raise Malformed("a device's proof with its payload inside")
    return UnverifiedDocument(doc_type, issuer_signed, write(namespaces), stated, proof, name == "deviceMac")


def _read_stated(value: Any) -> dict[str, Mapping[str, Any]]:
    stated: dict[str, Mapping[str, Any]] = {}
    for namespace, elements in map_of(value).items():
        if not isinstance(namespace, str):
            raise Malformed("a namespace that is no text")
        stated[namespace] = {name: each for name, each in map_of(elements).items() if isinstance(name, str)}
        if len(stated[namespace]) != len(elements):
            raise Malformed("a name that is no text")
    return stated
