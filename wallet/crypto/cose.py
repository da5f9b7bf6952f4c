"""COSE_Sign1 by hand: tagged 18, nothing unprotected, the payload attached, no external data.

What is signed is put together from the bytes as they came, never from a second encoding of what was read.
Source: RFC 9052, sections 4.2 and 4.4; docs/wire.md, "Common rules".
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import cbor
from wallet.crypto.signing import KID_BYTES, verify_es256
from wallet.errors import Malformed, VerificationFailed

TAG = 18
ES256 = -7

_ALG, _CRIT, _KID, _TYP = 1, 2, 4, 16
_CONTEXT = b"\x84\x6aSignature1"
_NO_EXTERNAL_DATA = b"\x40"


class UnverifiedSign1(NamedTuple):
    """A COSE_Sign1 as it was read: a tuple, because one is built for every code.

    content: the payload decoded. kid: 8 bytes, None where a device signed.
    """

    protected: bytes
    payload: bytes
    signature: bytes
    alg: int
    kid: bytes | None
    content: dict[int | str, Any]

    def verify(self, public_key: ec.EllipticCurvePublicKey) -> None:
        """Return if the signature is ES256 by `public_key`; else raise VerificationFailed("bad_signature").

        Source: RFC 9052, section 4.4.
        """
        if self.alg != ES256:
            raise VerificationFailed("bad_signature", "another algorithm")
        verify_es256(public_key, to_be_signed(self.protected, self.payload), self.signature)


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of a COSE_Sign1 without external data. Source: RFC 9052, section 4.4."""
    head = cbor.byte_string_head
    return b"".join((_CONTEXT, head(len(protected)), protected, _NO_EXTERNAL_DATA, head(len(payload)), payload))


def sign1(payload: bytes, sign: Callable[[bytes], bytes], *, typ: str, kid: bytes | None = None) -> bytes:
    """Return the tagged COSE_Sign1 over `payload`; `sign` gives the raw ES256 signature. Source: RFC 9052, 4.2."""
    headers: dict[int, int | bytes | str] = {_ALG: ES256, _TYP: typ}
    if kid is not None:
        headers[_KID] = kid
    protected = cbor.encode(headers)
    signature = sign(to_be_signed(protected, payload))
    return cbor.encode([protected, {}, payload, signature], tag=TAG)


def parse_sign1(
    data: bytes, *, typ: str, kid_needed: bool = True, max_bytes: int = cbor.MAX_CODE_BYTES
) -> UnverifiedSign1:
    """Return the COSE_Sign1 that `data` is, unverified, its payload decoded.

    typ: the one header 16 that is taken, compared byte for byte; another raises VerificationFailed("wrong_type"), once
    all the CBOR was read and before its shape is looked at. kid_needed: False for what a device signs, whose header 4
    means nothing here. Everything else that is not as docs/wire.md has it raises Malformed.
    Source: RFC 9052, sections 3 and 4.2; RFC 9596.
    """
    parts = cbor.decode(data, tag=TAG, max_bytes=max_bytes)
    if parts.__class__ is not list or len(parts) != 4:
        raise Malformed("not a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if protected.__class__ is not bytes or payload.__class__ is not bytes or signature.__class__ is not bytes:
        raise Malformed("not a COSE_Sign1 with its payload")
    if unprotected != {}:
        raise Malformed("something is not protected")
    headers = cbor.decode(protected)
    content = cbor.decode(payload, max_bytes=max_bytes)
    if headers.__class__ is not dict or content.__class__ is not dict:
        raise Malformed("headers or payload are no map")
    found, alg = headers.get(_TYP), headers.get(_ALG)
    if found.__class__ is not str:
        raise Malformed("the typ is missing or of another type")
    if found != typ:
        raise VerificationFailed("wrong_type", "another typ")
    if _CRIT in headers:
        raise Malformed("a critical header")
    if alg.__class__ is not int:
        raise Malformed("the algorithm is missing or of another type")
    kid = headers.get(_KID) if kid_needed else None
    if kid_needed and (kid.__class__ is not bytes or len(kid) != KID_BYTES):
        raise Malformed("the key is not named, or not by 8 bytes")
    return UnverifiedSign1(protected, payload, signature, alg, kid, content)
