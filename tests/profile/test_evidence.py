"""Files of evidence: what they say they are, small, and without what hides in them."""

import io
import struct
import zlib
from contextlib import suppress

import pytest
from PIL import Image
from PIL.ExifTags import Base as Tag
from PIL.PngImagePlugin import PngInfo

from wallet.errors import InvalidInput
from wallet.evidence import JPEG, MAX_BYTES, MAX_PIXELS, PDF, PNG, SUFFIXES, cleaned

SECRET = "Nha so 5, ngo 7 duong Lang"


def picture(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: object) -> bytes:
    drawn = io.BytesIO()
    Image.new(mode, size, 200 if mode == "L" else None).save(drawn, kind, **options)  # type: ignore[arg-type]
    return drawn.getvalue()


def jpeg_with_place() -> bytes:
    exif = Image.Exif()
    exif[Tag.ImageDescription] = SECRET
    exif[Tag.Make] = "Camera"
    exif[Tag.Orientation] = 6
    return picture("JPEG", exif=exif, comment=SECRET.encode())


def png_with_text() -> bytes:
    info = PngInfo()
    info.add_text("Comment", SECRET)
    info.add_itxt("Location", SECRET)
    return picture("PNG", pnginfo=info)


def refused(media_type: str, content: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        cleaned(media_type, content)
    assert caught.value.fields.keys() == {"/content"}
    return caught.value.fields["/content"]


def png_header(width: int, height: int) -> bytes:
    """Make a PNG that says it is large and holds a small, deeply compressed stream."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    body = zlib.compress(b"\0" * 1_000_000, 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_metadata_of_a_jpeg_is_left_behind_and_its_turn_is_carried_out() -> None:
    given = jpeg_with_place()
    assert SECRET.encode() in given
    kept = cleaned(JPEG, given)
    assert SECRET.encode() not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (20, 40)
        assert dict(image.getexif()) == {}
        assert "comment" not in image.info


def test_metadata_of_a_png_is_left_behind() -> None:
    given = png_with_text()
    assert SECRET.encode() in given
    kept = cleaned(PNG, given)
    assert SECRET.encode() not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (40, 20)
        assert image.info == {}


def test_what_follows_a_picture_is_left_behind() -> None:
    for media_type, given in ((JPEG, picture("JPEG")), (PNG, picture("PNG"))):
        assert b"<script>" not in cleaned(media_type, given + b"<script>alert(1)</script>")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_mode_of_a_jpeg_is_taken(mode: str) -> None:
    assert cleaned(JPEG, picture("JPEG", mode=mode)).startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_a_png_is_taken(mode: str) -> None:
    assert cleaned(PNG, picture("PNG", mode=mode)).startswith(b"\x89PNG")


def test_transparency_of_a_png_is_kept() -> None:
    drawn = io.BytesIO()
    Image.new("RGBA", (4, 4), (1, 2, 3, 4)).save(drawn, "PNG")
    with Image.open(io.BytesIO(cleaned(PNG, drawn.getvalue()))) as image:
        assert image.getpixel((0, 0)) == (1, 2, 3, 4)


def test_a_pdf_is_kept_as_it_is() -> None:
    assert cleaned(PDF, b"%PDF-1.4\n%%EOF\n") == b"%PDF-1.4\n%%EOF\n"


@pytest.mark.parametrize("media_type", SUFFIXES)
@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * 64, b"MZ\x90\0", b" %PDF-1.4"]
)
def test_what_is_not_of_its_type_is_refused(media_type: str, content: bytes) -> None:
    assert refused(media_type, content) == "evidence_other_type"


def test_a_picture_under_another_type_is_refused() -> None:
    given = {JPEG: picture("JPEG"), PNG: picture("PNG"), PDF: b"%PDF-1.4\n"}
    for stated in given:
        for real, content in given.items():
            if real != stated:
                assert refused(stated, content) == "evidence_other_type"


def test_one_byte_too_many_is_refused() -> None:
    assert refused(PDF, b"%PDF-1.4\n".ljust(MAX_BYTES + 1, b" ")) == "evidence_too_large"
    assert len(cleaned(PDF, b"%PDF-1.4\n".ljust(MAX_BYTES, b" "))) == MAX_BYTES


@pytest.mark.parametrize("size", [(20_000, 20_000), (4001, 4000), (65_000, 65_000), (2**31 - 1, 1), (1, 2**31 - 1)])
def test_a_picture_of_too_many_pixels_is_refused_undecoded(size: tuple[int, int]) -> None:
    given = png_header(*size)
    assert len(given) < 10_000
    assert size[0] * size[1] > MAX_PIXELS
    assert refused(PNG, given) == "evidence_too_many_pixels"


def test_a_jpeg_of_too_many_pixels_is_refused() -> None:
    given = bytearray(picture("JPEG"))
    frame = given.index(b"\xff\xc0")
    given[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    assert refused(JPEG, bytes(given)) == "evidence_too_many_pixels"


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_a_picture_that_breaks_off_is_refused(share: float) -> None:
    drawn = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(drawn, "PNG")
    whole = drawn.getvalue()
    assert refused(PNG, whole[: int(len(whole) * share)]) == "evidence_unreadable"
    jpeg = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(jpeg, "JPEG")
    whole = jpeg.getvalue()
    assert refused(JPEG, whole[: int(len(whole) * share)]) == "evidence_unreadable"


def test_a_header_alone_is_refused() -> None:
    for media_type, magic in ((JPEG, b"\xff\xd8\xff\xe0"), (PNG, b"\x89PNG\r\n\x1a\n")):
        assert refused(media_type, magic) == "evidence_unreadable"


def test_a_changed_byte_is_refused_or_read_and_never_anything_else() -> None:
    for media_type, kind in ((PNG, "PNG"), (JPEG, "JPEG")):
        whole = picture(kind, (16, 16))
        for place in range(len(whole)):
            changed = bytearray(whole)
            changed[place] ^= 0xFF
            with suppress(InvalidInput):
                cleaned(media_type, bytes(changed))


def test_a_picture_that_grows_too_large_is_refused() -> None:
    drawn = io.BytesIO()
    noise = Image.effect_noise((1800, 1800), 120)
    noise.save(drawn, "JPEG", quality=20)
    assert len(drawn.getvalue()) <= MAX_BYTES
    assert refused(JPEG, drawn.getvalue()) == "evidence_too_large"
