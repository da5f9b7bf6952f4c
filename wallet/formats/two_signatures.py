"""A compact JWS and a second, post-quantum signature over the very same payload, as one JSON document.

The first signature is that of the compact form, letter for letter, so that both forms are one statement: whoever
believes ES256 reads the compact form, whoever distrusts it demands both. Source: RFC 7515, section 7.2.1 (general
JSON serialization); RFC 9964.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from wallet.crypto.jws import b64url_decode, b64url_encode, json_object
from wallet.crypto.post_quantum import ALG, post_quantum_key, verify_ml_dsa
from wallet.crypto.signing import Signer
from wallet.errors import Malformed, VerificationFailed

MEDIA_TYPE = "application/jose+json"
MAX_CHARACTERS = 33 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TwiceSigned:
    """What was read: nothing in it is true yet. compact: the first signature's compact JWS.

    certificate_der: of the second signer, as the document itself names it.
    """

    compact: str
    certificate_der: bytes
    header: dict[str, Any]
    signing_input: bytes
    signature: bytes

    def verify_second(self) -> None:
        """Return if the second signature is by the certificate's key. Whether to trust that one is the caller's affair.

        Raises VerificationFailed("bad_signature"), ("key_not_allowed"), Malformed.
        """
        verify_ml_dsa(post_quantum_key(self.certificate_der), self.signing_input, self.signature)


def add_second_signature(compact: str, signer: Signer) -> str:
    """Return the JSON document of a compact JWS and a signature by `signer` (ML-DSA-65) over its payload.

    The second header repeats the first one's `typ`: a reader takes both for the same kind of thing.
    """
    header, payload, signature = compact.split(".")
    typ = json_object(b64url_decode(header)).get("typ")
    x5c = [base64.b64encode(signer.certificate_der).decode("ascii")]
    members = {"alg": ALG, "typ": typ, "kid": signer.kid, "x5c": x5c}
    second = b64url_encode(json.dumps(members, separators=(",", ":")).encode()).decode("ascii")
    signed = signer.sign(f"{second}.{payload}".encode("ascii"))
    signatures = [
        {"protected": header, "signature": signature},
        {"protected": second, "signature": b64url_encode(signed).decode("ascii")},
    ]
    return json.dumps({"payload": payload, "signatures": signatures}, separators=(",", ":"))


def parse_twice_signed(text: str, *, typ: str) -> TwiceSigned:
    """Return the document that `text` is, unverified: exactly two signatures, ES256 first, ML-DSA-65 second.

    Raises Malformed; VerificationFailed("wrong_type") when the second header is of another `typ`, ("key_not_allowed")
    when it names another algorithm. The first signature is judged as the compact JWS that it is.
    """
    if len(text) > MAX_CHARACTERS:
        raise Malformed("more JSON than is read here")
    whole = json_object(text.encode())
    payload, signatures = whole.get("payload"), whole.get("signatures")
    if not isinstance(payload, str) or not isinstance(signatures, list) or len(signatures) != 2:
        raise Malformed("not a payload with two signatures")
    (first, first_signature), (second, second_signature) = (_parts(each) for each in signatures)
    header = json_object(b64url_decode(second))
    if "crit" in header:
        raise Malformed("a critical header")
    if header.get("typ") != typ:
        raise VerificationFailed("wrong_type", "another typ")
    if header.get("alg") != ALG:
        raise VerificationFailed("key_not_allowed", "another algorithm")
    return TwiceSigned(
        compact=f"{first}.{payload}.{first_signature}",
        certificate_der=_certificate(header.get("x5c")),
        header=header,
        signing_input=f"{second}.{payload}".encode(),
        signature=b64url_decode(second_signature),
    )


def _parts(signature: Any) -> tuple[str, str]:
    if not isinstance(signature, dict) or "header" in signature:
        raise Malformed("an unprotected header, or no signature")
    protected, value = signature.get("protected"), signature.get("signature")
    if not isinstance(protected, str) or not isinstance(value, str):
        raise Malformed("a signature without its parts")
    return protected, value


def _certificate(chain: Any) -> bytes:
    if not isinstance(chain, list) or len(chain) != 1 or not isinstance(chain[0], str):
        raise Malformed("x5c is not the signer's certificate alone")
    try:
        return base64.b64decode(chain[0], validate=True)
    except ValueError as error:
        raise Malformed("a certificate that is not base64") from error
