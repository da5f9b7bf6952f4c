"""A seal read back, by other code than wrote it: its structure, what it covers, its digest and its signature.

It reads PDFs of our own making, as they are kept, and no others: one seal, over the whole file. It loads nothing of the
extra `[pdf]`, so that whoever looks after papers needs nothing that makes them. Whom a certificate stands for is the
caller's to say. Source: ETSI EN 319 142-1, sections 5 and 6; ISO 32000-2, section 12.8; RFC 5652; RFC 5035.
"""

import re
import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import read_certificate
from wallet.errors import Malformed, VerificationFailed

MAXIMUM_BYTES = 16_777_216
MAXIMUM_ATTACHMENT = 1_048_576

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s*\]")
_STREAM = (
    rb"<<[^<>]{0,200}/Type\s*/EmbeddedFile[^<>]{0,200}/Subtype\s*/%s(?:[^<>]|<<[^<>]{0,200}>>){0,200}>>\s*stream\r?\n"
)
_LENGTH = re.compile(rb"/Length\s+(\d{1,9})\b")

_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID = 0x30, 0x31, 0x02, 0x04, 0x06
_FIRST = 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE = bytes.fromhex("2a864886f70d010910022f")
_SHA256 = bytes.fromhex("608648016503040201")
_ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")


class _Value(NamedTuple):
    """One value of DER: its content, and all of it."""

    tag: int
    content: bytes
    whole: bytes


def sealed_by(pdf: bytes) -> bytes:
    """Return the certificate (DER) of who sealed this PDF, all of it.

    Raises Malformed for what is no such file, VerificationFailed("bad_signature") where the seal does not hold.
    """
    if len(pdf) > MAXIMUM_BYTES or not pdf.startswith(b"%PDF-") or not pdf.rstrip(b"\r\n").endswith(b"%%EOF"):
        raise Malformed("not a PDF")
    begin, end = _gap(pdf)
    covered = sha256(pdf[:begin] + pdf[end:]).digest()
    try:
        padded = bytes.fromhex(pdf[begin + 1 : end - 1].decode("ascii"))
    except ValueError as error:
        raise Malformed("a seal that is no hexadecimal") from error
    message, rest = _next(padded)
    if rest.strip(b"\0"):
        raise Malformed("something after the seal")
    return _verified(message, covered)


def attached(pdf: bytes, media_type: str) -> bytes:
    """Return the one attachment of this media type. Raises Malformed."""
    name = re.escape(media_type.replace("/", "#2F").encode("ascii"))
    found = list(re.finditer(_STREAM % name, pdf))
    length = _LENGTH.search(found[0][0]) if len(found) == 1 else None
    if length is None:
        raise Malformed("not one attachment of this kind")
    begin = found[0].end()
    inflating = zlib.decompressobj()
    try:
        content = inflating.decompress(pdf[begin : begin + int(length[1])], MAXIMUM_ATTACHMENT)
    except zlib.error as error:
        raise Malformed("an attachment that does not inflate") from error
    if not inflating.eof:
        raise Malformed("an attachment that is cut, or too large")
    return content


def _gap(pdf: bytes) -> tuple[int, int]:
    """Return where the seal's own bytes begin and end: with that, it says that it covers every other byte."""
    found = _BYTE_RANGE.search(pdf)
    if found is None or pdf.count(b"/ByteRange") != 1:
        raise Malformed("not one seal")
    begin, end, length = map(int, found.groups())
    if not begin < end < len(pdf) or end + length != len(pdf):
        raise VerificationFailed("bad_signature", "not over the whole file")
    opened, closed = pdf.rfind(b" obj", 0, begin), pdf.find(b"endobj", end)
    around = pdf[opened:begin] + b" " + pdf[end:closed]
    if not opened < found.start() < closed or b"endobj" in pdf[opened:begin]:
        raise Malformed("what is left out is not the seal")
    if not pdf[:begin].rstrip().endswith(b"/Contents") or pdf[begin : begin + 1] + pdf[end - 1 : end] != b"<>":
        raise Malformed("what is left out is not the seal")
    for entry in (rb"/Type\s*/Sig\b", rb"/SubFilter\s*/ETSI\.CAdES\.detached\b", rb"/TransformMethod\s*/DocMDP\b"):
        if re.search(entry, around) is None:
            raise Malformed("not a seal that certifies")
    return begin, end


def _verified(message: _Value, covered: bytes) -> bytes:
    """Return the certificate of who signed a CMS message over this digest. Source: RFC 5652, sections 5.1 to 5.4."""
    kind, wrapped = _parts(_sequence(message), 2)
    if kind.whole[2:] != _SIGNED_DATA:
        raise Malformed("not a signed message")
    parts = list(_values(_sequence(_single(wrapped, _FIRST))))
    if len(parts) != 5 or [part.tag for part in parts[2:]] != [_SEQUENCE, _FIRST, _SET]:
        raise Malformed("not the shape of a seal")
    if _identifier(parts[2]) != _DATA or len(list(_values(parts[2].content))) != 1:
        raise Malformed("a message that is not about the file")
    certificates = [each.whole for each in _values(parts[3].content)]
    signer = list(_values(_sequence(_single(parts[4], _SET))))
    if [part.tag for part in signer] != [_INTEGER, _SEQUENCE, _SEQUENCE, _FIRST, _SEQUENCE, _OCTETS]:
        raise Malformed("not the shape of a seal")
    if _identifier(signer[2]) != _SHA256 or _identifier(signer[4]) != _ECDSA_SHA256:
        raise VerificationFailed("bad_signature", "another algorithm")
    attributes = _attributes(signer[3])
    if attributes.get(_CONTENT_TYPE, b"")[2:] != _DATA:
        raise Malformed("no content type")
    if attributes.get(_MESSAGE_DIGEST, b"")[2:] != covered:
        raise VerificationFailed("bad_signature", "the file is another")
    named = _named(attributes.get(_SIGNING_CERTIFICATE, b""))
    certificate = next((each for each in certificates if sha256(each).digest() == named), None)
    if certificate is None:
        raise VerificationFailed("bad_signature", "the certificate that it names is not in it")
    public_key = read_certificate(certificate).public_key
    if public_key is None:
        raise VerificationFailed("bad_signature", "not a key on P-256")
    try:
        attributes_as_signed = b"\x31" + signer[3].whole[1:]  # RFC 5652, section 5.4
        public_key.verify(signer[5].content, attributes_as_signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise VerificationFailed("bad_signature") from error
    return certificate


def _attributes(signed: _Value) -> dict[bytes, bytes]:
    """Return each signed attribute's one value by its identifier."""
    found: dict[bytes, bytes] = {}
    for attribute in _values(signed.content):
        name, values = _parts(_sequence(attribute), 2)
        if name.tag != _OID or name.content in found:
            raise Malformed("an attribute twice")
        found[name.content] = _single(values, _SET).whole
    return found


def _named(value: bytes) -> bytes:
    """Return the SHA-256 of the certificate that a seal names. Source: RFC 5035, section 3 (ESSCertIDv2)."""
    if not value:
        raise Malformed("it does not name its certificate")
    certificates = next(_values(_sequence(_next(value)[0])), None)
    first = None if certificates is None else next(_values(_sequence(certificates)), None)
    if first is None:
        raise Malformed("it does not name its certificate")
    parts = [part for part in _values(_sequence(first)) if part.tag == _OCTETS]
    if not parts:
        raise Malformed("it does not name its certificate")
    return parts[0].content


def _identifier(value: _Value) -> bytes:
    """Return the object identifier that a sequence begins with."""
    first = next(_values(_sequence(value)), None)
    if first is None or first.tag != _OID:
        raise Malformed("no identifier")
    return first.content


def _sequence(value: _Value) -> bytes:
    if value.tag != _SEQUENCE:
        raise Malformed("not a sequence")
    return value.content


def _single(value: _Value, tag: int) -> _Value:
    """Return the one value inside another."""
    if value.tag != tag:
        raise Malformed("not the shape of a seal")
    return _parts(value.content, 1)[0]


def _parts(content: bytes, count: int) -> list[_Value]:
    found = list(_values(content))
    if len(found) != count:
        raise Malformed("not the shape of a seal")
    return found


def _values(content: bytes) -> Iterator[_Value]:
    while content:
        value, content = _next(content)
        yield value


def _next(data: bytes) -> tuple[_Value, bytes]:
    """Return the first value of DER, and what follows. Source: X.690, sections 8.1 and 10.1."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise Malformed("not DER")
    length, head = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, head = int.from_bytes(data[2 : 2 + count]), 2 + count
        if not 1 <= count <= 4 or length < 0x80 or data[2] == 0:
            raise Malformed("not DER")
    if head + length > len(data):
        raise Malformed("cut short")
    return _Value(data[0], data[head : head + length], data[: head + length]), data[head + length :]
