"""SessionTranscript: what a device's signature is tied to, so that it proves nothing in another session.

Source: ISO/IEC 18013-5:2021, sections 9.1.3.4 and 9.1.5.1; OpenID for Verifiable Presentations 1.0, Appendix B.2.6.
"""

import hashlib

from wallet.crypto import cbor
from wallet.errors import Malformed
from wallet.formats.mdoc.values import read, wrapped, write

_MEMBERS = 3


def openid4vp(client_id: str, nonce: str, response_uri: str, jwk_thumbprint: bytes | None = None) -> bytes:
    """Return the transcript of a presentation through a redirect.

    client_id, nonce, response_uri (or redirect_uri): of the request, letter for letter. jwk_thumbprint: 32 bytes, RFC
    7638 with SHA-256, of the key that the response is encrypted to; None when it is not.
    Source: OpenID4VP 1.0, B.2.6.1.
    """
    return _handed_over("OpenID4VPHandover", [client_id, nonce, jwk_thumbprint, response_uri])


def digital_credentials(origin: str, nonce: str, jwk_thumbprint: bytes | None = None) -> bytes:
    """Return the transcript of a presentation through a browser's Digital Credentials API.

    origin: of the page that asked, such as `https://example.com`. Source: OpenID4VP 1.0, B.2.6.2.
    """
    return _handed_over("OpenID4VPDCAPIHandover", [origin, nonce, jwk_thumbprint])


def device_authentication(transcript: bytes, doc_type: str, device_namespaces: bytes) -> bytes:
    """Return DeviceAuthenticationBytes, which the device signs.

    transcript: SessionTranscript as CBOR. device_namespaces: DeviceNameSpacesBytes, tag and all, as it came; neither
    is encoded a second time. Raises Malformed for a transcript that is none. Source: 18013-5, section 9.1.3.4.
    """
    if not isinstance(found := read(transcript), list) or len(found) != _MEMBERS:
        raise Malformed("not a SessionTranscript")
    return wrapped(
        b"".join((b"\x84", cbor.encode("DeviceAuthentication"), transcript, cbor.encode(doc_type), device_namespaces))
    )


def salt_of(transcript: bytes) -> bytes:
    """Return SHA-256 over SessionTranscriptBytes, from which keys of the session are derived. Source: 9.1.3.5."""
    return hashlib.sha256(wrapped(transcript)).digest()


def _handed_over(name: str, info: list[str | bytes | None]) -> bytes:
    return write([None, None, [name, hashlib.sha256(write(info)).digest()]])
