"""Files that people send as evidence: of three kinds, small, and pictures only as they look.

A picture is decoded under a limit and written anew: place, camera and whatever else hides in a file stay behind. A PDF
cannot be cleaned like that; it is stored as it came and only ever handed out as an attachment.
"""

import struct
from io import BytesIO

from PIL import Image, ImageOps

from wallet.errors import InvalidInput

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
SUFFIXES = {JPEG: ".jpg", PNG: ".png", PDF: ".pdf"}
MAX_FILES = 3
MAX_BYTES = 1 << 20
MAX_STORED_BYTES = 2 << 20
"""A picture that is written anew may grow, but not without end."""
MAX_PIXELS = 16_000_000
QUALITY = 90

_MAGIC = {JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n", PDF: b"%PDF-"}
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError)


def cleaned(media_type: str, content: bytes) -> bytes:
    """Return a file as it is stored: a picture without metadata, a PDF as it is.

    media_type: one of SUFFIXES. Raises InvalidInput("/content": "evidence_too_large", "evidence_other_type",
    "evidence_too_many_pixels" or "evidence_unreadable").
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput({"/content": "evidence_too_large"})
    if not content.startswith(_MAGIC[media_type]):
        raise InvalidInput({"/content": "evidence_other_type"})
    return content if media_type == PDF else _redrawn(media_type, content)


def _redrawn(media_type: str, content: bytes) -> bytes:
    """Decode a picture, whose size is read before its pixels are, and write it anew."""
    kind = "JPEG" if media_type == JPEG else "PNG"
    drawn = BytesIO()
    try:
        with Image.open(BytesIO(content), formats=[kind]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidInput({"/content": "evidence_too_many_pixels"})
            upright = ImageOps.exif_transpose(image)
            plain = upright.convert("RGBA" if kind == "PNG" and upright.has_transparency_data else "RGB")
            # A picture of pixels alone: what was read beside them is not carried over.
            bare = Image.frombytes(plain.mode, plain.size, plain.tobytes())
            bare.save(drawn, kind, **({"quality": QUALITY} if kind == "JPEG" else {"optimize": True}))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput({"/content": "evidence_too_many_pixels"}) from error
    except (*_BROKEN, struct.error) as error:  # Pillow raises all of these
        raise InvalidInput({"/content": "evidence_unreadable"}) from error
    if drawn.tell() > MAX_STORED_BYTES:
        raise InvalidInput({"/content": "evidence_too_large"})
    return drawn.getvalue()
