"""COSE as mdoc has it: untagged, the certificates unprotected, the payload of a device left out.

What is signed is put together from the bytes as they came. ES256 alone, and HMAC 256/256 for a device's MAC.
Source: ISO/IEC 18013-5:2021, sections 9.1.2.4 and 9.1.3; RFC 9052, sections 3, 4.2, 4.4 and 6.2; RFC 9360, section 2.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import cbor
from wallet.crypto.cose import ES256, to_be_signed
from wallet.crypto.signing import verify_es256
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.values import write

HMAC_256 = 5
X5CHAIN = 33

_ALG, _CRIT = 1, 2


class Envelope(NamedTuple):
    """A COSE_Sign1 or COSE_Mac0 as it was read. payload: None when it travels by another way. proof: of the content."""

    protected: bytes
    unprotected: Mapping[int | str, Any]
    payload: bytes | None
    proof: bytes
    alg: int | str

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates, the signer's first; () when there are none. Source: RFC 9360, section 2."""
        found = self.unprotected.get(X5CHAIN, [])
        chain = found if isinstance(found, list) else [found]
        if not all(isinstance(each, bytes) for each in chain):
            raise Malformed("a certificate that is no bytes")
        return tuple(chain)


def sign1(
    payload: bytes, sign: Callable[[bytes], bytes], *, chain: tuple[bytes, ...] = (), detached: bool = False
) -> list[Any]:
    """Return the COSE_Sign1 over `payload`, as a value that is yet to be written.

    sign: gives the raw ES256 signature. chain: certificates for header 33, the signer's first. detached: leave the
    payload out. Source: RFC 9052, section 4.2; 18013-5, section 9.1.2.4.
    """
    protected = cbor.encode({_ALG: ES256})
    unprotected = {X5CHAIN: chain[0] if len(chain) == 1 else list(chain)} if chain else {}
    return [protected, unprotected, None if detached else payload, sign(to_be_signed(protected, payload))]


def parse(value: Any) -> Envelope:
    """Return the COSE_Sign1 or COSE_Mac0 that a value is, unverified; both have the same four members.

    Raises Malformed, also for a header in both maps and for a critical one. Source: RFC 9052, sections 3, 4.2, 6.2.
    """
    if not isinstance(value, list) or len(value) != 4:
        raise Malformed("not a COSE_Sign1 or COSE_Mac0, untagged")
    protected, unprotected, payload, proof = value
    if not isinstance(protected, bytes) or not isinstance(unprotected, dict) or not isinstance(proof, bytes):
        raise Malformed("not a COSE_Sign1 or COSE_Mac0")
    if payload is not None and not isinstance(payload, bytes):
        raise Malformed("a payload that is no bytes")
    headers = cbor.decode(protected) if protected else {}
    if not isinstance(headers, dict):
        raise Malformed("headers that are no map")
    if headers.keys() & unprotected.keys():
        raise Malformed("one header in both maps")
    if _CRIT in headers or _CRIT in unprotected:
        raise Malformed("a critical header")
    alg = headers.get(_ALG)
    if isinstance(alg, bool) or not isinstance(alg, int | str):
        raise Malformed("the algorithm is missing, not protected, or of another type")
    return Envelope(protected, unprotected, payload, proof, alg)


def verify_sign1(envelope: Envelope, public_key: ec.EllipticCurvePublicKey, payload: bytes, *, reason: str) -> None:
    """Return if `public_key` signed `payload` with ES256; else raise MdocRefused with `reason`.

    Another algorithm is `algorithm_not_allowed`. Source: RFC 9052, section 4.4.
    """
    if envelope.alg != ES256:
        raise MdocRefused("algorithm_not_allowed", f"{envelope.alg} where ES256 is read")
    try:
        verify_es256(public_key, to_be_signed(envelope.protected, payload), envelope.proof)
    except VerificationFailed as error:
        raise MdocRefused(reason, error.detail) from error


def verify_mac0(envelope: Envelope, key: bytes, payload: bytes, *, reason: str) -> None:
    """Return if the MAC over `payload` is by `key`, 32 bytes; else raise MdocRefused with `reason`.

    Source: RFC 9052, sections 6.2 and 6.3; RFC 9053, section 3.1; 18013-5, section 9.1.3.5.
    """
    if envelope.alg != HMAC_256:
        raise MdocRefused("algorithm_not_allowed", f"{envelope.alg} where HMAC 256/256 is read")
    structure = write(["MAC0", envelope.protected, b"", payload])
    if not hmac.compare_digest(hmac.digest(key, structure, "sha256"), envelope.proof):
        raise MdocRefused(reason, "another MAC")


def payload_of(envelope: Envelope) -> bytes:
    """Return the payload that must be inside; else raise Malformed."""
    if envelope.payload is None:
        raise Malformed("the payload is missing")
    return envelope.payload
