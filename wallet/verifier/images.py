"""A code from a picture. Pillow and zxing-cpp are imported here alone, and only when a picture is read."""

import os
from pathlib import Path
from typing import Any, BinaryIO

from wallet.errors import WalletError
from wallet.formats import cwt_code, live_code
from wallet.verifier.files import regular_file

MAX_PIXELS = 40_000_000
MAX_FILE_BYTES = 64 * 1024 * 1024
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


class ImageRefused(WalletError):
    """A picture that gives no code. code: a key of the texts; `detail` says what was wrong."""


def code_from_image(path: Path) -> str:
    """Return the text of the one code of ours in a picture.

    Its size is read before its pixels are: more than 40 million are refused undecoded. Raises ImageRefused.
    """
    try:
        import zxingcpp
        from PIL import Image
    except ImportError as error:
        raise ImageRefused("image_tools", detail=str(error)) from error
    try:
        with regular_file(path) as file, Image.open(_bounded(file, path), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageRefused("image_too_large", limit=MAX_PIXELS // 1_000_000, detail=str(path))
            if image.has_transparency_data:  # on white, or a code on transparent ground is black on black
                both = image.convert("LA")
                flat = Image.new("L", image.size, 255)
                flat.paste(both.getchannel("L"), mask=both.getchannel("A"))
            else:
                flat = image.convert("L")
            wanted = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
            found = {result.text for result in zxingcpp.read_barcodes(flat, formats=wanted)}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageRefused("image_too_large", limit=MAX_PIXELS // 1_000_000, detail=str(path)) from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, MemoryError) as error:
        raise ImageRefused("image_unreadable", detail=f"{path}: {error}") from error  # Pillow raises all of these
    codes = [text for text in found if text.strip().startswith((cwt_code.PREFIX, live_code.PREFIX))]
    if len(codes) > 1:
        raise ImageRefused("image_no_code", detail=f"{path}: {len(codes)} codes; show one")
    if codes:
        return codes[0]
    if len(found) == 1:
        return found.pop()  # some other code: the verdict says so
    raise ImageRefused("image_no_code", detail=str(path))


def _bounded(file: BinaryIO, path: Path) -> BinaryIO:
    if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
        raise ImageRefused("image_unreadable", detail=f"{path}: more than {MAX_FILE_BYTES} bytes")
    return file


def drawn(text: str) -> str | None:
    """Return a QR code in half blocks for a dark terminal; None without the tools to draw it."""
    try:
        import zxingcpp
    except ImportError:
        return None
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    pixels: Any = memoryview(zxingcpp.write_barcode_to_image(barcode, scale=1))  # type: ignore[arg-type]
    rows = [[value > 127 for value in row] for row in pixels.tolist()]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))
    blocks = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return "\n".join(
        "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
