"""Pictures of a code: read back by software that nobody here wrote, also when they are worn, and marked as samples."""

import io
import random
import re
import struct
import zlib
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter
from qrcode.util import MODE_ALPHA_NUM

from tests.documents.people import ISSUED, issue, on_one_database
from wallet.documents import qr_image
from wallet.documents.pixel_text import MARK_HEIGHT, MARK_WIDTH, mark_rows
from wallet.documents.qr_image import PNG_SCALE, QUIET_ZONE, RULES, matrix, png, svg, terminal
from wallet.errors import InvalidInput
from wallet.formats.base45 import ALPHABET
from wallet.terms import SAMPLE_MARK
from wallet.wiring import Wallet

MAX_VERSION = RULES["VD1:"].max_version
SIZES = (5, 20, 21, 60, 200, 400, 600, 800, 970)


def text_of(length: int) -> str:
    """Return a code's text of this length, its alphabet and nothing else; the same each time."""
    rng = random.Random(length)
    return "VD1:" + "".join(rng.choice(ALPHABET.replace(" ", "")) for _ in range(length - 4))


def version(modules: qr_image.Matrix) -> int:
    return (len(modules) - 17) // 4


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


def seen(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)]


def modules_of(image: Image.Image, scale: int, side: int) -> qr_image.Matrix:
    """Return what stands in the middle of each module of a picture."""
    grey, top = image.convert("L"), QUIET_ZONE * scale + scale // 2
    left = top + (grey.width - (side + 2 * QUIET_ZONE) * scale) // 2
    return tuple(
        tuple(grey.getpixel((left + x * scale, top + y * scale)) < 128 for x in range(side)) for y in range(side)
    )


# --- Read back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", SIZES)
def test_png_is_read_back(length: int) -> None:
    text = text_of(length)
    image = opened(png(text))
    assert seen(image) == [text]
    modules = matrix(text)
    assert modules_of(image, PNG_SCALE, len(modules)) == modules


@pytest.mark.parametrize("scale", [2, 3, 4, 6, 10])
def test_png_is_read_back_at_every_scale(scale: int) -> None:
    assert seen(opened(png(text_of(600), scale))) == [text_of(600)]


@pytest.mark.parametrize("length", SIZES)
def test_svg_path_draws_the_modules(length: int) -> None:
    text = text_of(length)
    modules = matrix(text)
    root = ElementTree.fromstring(svg(text))
    space = "{http://www.w3.org/2000/svg}"
    width, height = (int(part) for part in root.attrib["viewBox"].split()[2:])
    assert (width, height) == (len(modules) + 8, len(modules) + 12)
    background, path = root.findall(f"{space}path")
    assert background.attrib == {"fill": "#fff", "d": f"M0 0h{width}v{height}H0z"}
    image = Image.new("1", (width, height), 1)
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path.attrib["d"])
    assert "".join(f"M{x} {y}h{n}v1h-{back}z" for x, y, n, back in runs) == path.attrib["d"]
    for x, y, length_of_run, back in runs:
        assert length_of_run == back
        for step in range(int(length_of_run)):
            assert image.getpixel((int(x) + step, int(y))) == 1  # no module is drawn twice
            image.putpixel((int(x) + step, int(y)), 0)
    assert modules_of(image, 1, len(modules)) == modules
    assert seen(image.resize((width * 4, height * 4), Image.Resampling.NEAREST)) == [text]


@pytest.mark.parametrize("length", SIZES)
def test_terminal_drawing_is_read_back(length: int) -> None:
    text = text_of(length)
    *lines, mark = terminal(text).split("\n")
    assert mark == SAMPLE_MARK
    halves = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
    image = Image.new("1", (len(lines[0]), 2 * len(lines)))
    for y, line in enumerate(lines):
        assert len(line) == len(matrix(text)) + 2 * QUIET_ZONE
        for x, block in enumerate(line):
            upper, lower = halves[block]  # a block is ink on a dark ground, so a light module is a full one
            image.putpixel((x, 2 * y), upper)
            image.putpixel((x, 2 * y + 1), lower)
    assert seen(image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)) == [text]


# --- Worn -----------------------------------------------------------------------------------------------------------


def noisy(image: Image.Image, share: float) -> Image.Image:
    rng, worn = random.Random(1), image.convert("L")
    for _ in range(int(worn.width * worn.height * share)):
        worn.putpixel((rng.randrange(worn.width), rng.randrange(worn.height)), rng.randrange(256))
    return worn


def stained(image: Image.Image) -> Image.Image:
    worn = image.convert("L")
    middle, size = worn.width // 2, worn.width // 12
    ImageDraw.Draw(worn).ellipse((middle, middle, middle + size, middle + size), fill=90)
    return worn


WEAR = {
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "rotated": lambda image: image.rotate(17, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC),
    "upside-down": lambda image: image.rotate(180),
    "askew-and-blurred": lambda image: image.rotate(-5, expand=True, fillcolor=255).filter(ImageFilter.GaussianBlur(1)),
    "noisy": lambda image: noisy(image, 0.02),
    "stained": stained,
    "faint": lambda image: image.point(lambda grey: 120 + grey * 100 // 255),
    "small": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR),
    "stretched": lambda image: image.resize((image.width * 11 // 10, image.height)),
}


@pytest.mark.parametrize("wear", WEAR)
@pytest.mark.parametrize("length", [600, 970])
def test_worn_picture_is_still_read(wear: str, length: int) -> None:
    text = text_of(length)
    assert seen(WEAR[wear](opened(png(text)).convert("L"))) == [text]


@on_one_database
def test_codes_of_every_persona_are_read_from_paper(wallet: Wallet) -> None:
    for key in ISSUED:
        code = issue(wallet, key).code
        assert version(matrix(code)) <= MAX_VERSION
        image = opened(png(code)).convert("L")
        assert seen(image) == [code]
        assert seen(WEAR["askew-and-blurred"](image)) == [code]


# --- Size and mode --------------------------------------------------------------------------------------------------


def test_970_characters_are_the_most_that_version_20_holds() -> None:
    assert version(matrix(text_of(970))) == MAX_VERSION == 20
    for length in (971, 1000, 2000, 4296, 5000):
        with pytest.raises(InvalidInput) as caught:
            matrix(text_of(length))
        assert caught.value.code == "code_too_large"


def test_code_is_alphanumeric_and_at_level_m() -> None:
    """As the picture says it itself: format bits and the first segment."""
    for length in (60, 970):
        (found,) = zxingcpp.read_barcodes(
            opened(png(text_of(length))).convert("L"), formats=zxingcpp.BarcodeFormat.QRCode
        )
        assert found.ec_level == "M"
        assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert MODE_ALPHA_NUM == 2


def test_854_characters_are_the_most_that_a_screen_shows() -> None:
    """Version 16 at level L: fewer and larger modules than on paper, and no more of them."""
    live = "VL1:" + text_of(854)[4:]
    assert version(matrix(live)) == RULES["VL1:"].max_version == 16
    (found,) = zxingcpp.read_barcodes(opened(png(live)).convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    assert (found.text, found.ec_level) == (live, "L")
    assert version(matrix("VD1:" + live[4:])) > 16
    for longer in (live + "A", live + "A" * 116):
        assert version(matrix("VD1:" + longer[4:])) <= MAX_VERSION
        with pytest.raises(InvalidInput) as caught:
            matrix(longer)
        assert caught.value.code == "code_too_large"


@pytest.mark.parametrize("text", ["VD1:abc", "VD1:#", "VD1:\n", "VD1:Ễ"])
def test_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        qr_image.matrix(text)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("text", ["", "VD", "vd1:A", "VD2:A", " VD1:A", "HTTPS://VI-SO.EXAMPLE", "VG1:A"])
def test_text_without_a_rule_of_size_is_not_drawn(text: str) -> None:
    """What has no rule has no reader of ours either."""
    for draw in (matrix, svg, png, terminal):
        with pytest.raises(InvalidInput) as caught:
            draw(text)
        assert caught.value.code == "malformed"


# --- The PNG file ---------------------------------------------------------------------------------------------------


def chunks(picture: bytes) -> list[tuple[bytes, bytes]]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(picture):
        (size,) = struct.unpack_from(">I", picture, at)
        kind, content = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", picture, at + 8 + size)[0] == zlib.crc32(kind + content)
        found.append((kind, content))
        at += 12 + size
    return found


def test_png_is_well_formed() -> None:
    picture = png(text_of(600))
    kinds = [kind for kind, _ in chunks(picture)]
    assert kinds == [b"IHDR", b"PLTE", b"iTXt", b"IDAT", b"IEND"]
    image = opened(picture)
    assert (image.format, image.mode) == ("PNG", "P")
    Image.open(io.BytesIO(picture)).verify()
    content = dict(chunks(picture))
    width, height = struct.unpack(">II", content[b"IHDR"][:8])
    assert image.size == (width, height)
    assert len(zlib.decompress(content[b"IDAT"])) == height * (1 + (width + 7) // 8)
    assert image.text == {"Comment": SAMPLE_MARK}  # type: ignore[attr-defined]


@pytest.mark.parametrize("scale", [1, 2, PNG_SCALE])
@pytest.mark.parametrize("length", SIZES)
def test_picture_carries_the_mark_whole(length: int, scale: int) -> None:
    """Beneath the code, outside its quiet zone, every pixel of it."""
    text = text_of(length)
    image = opened(png(text, scale)).convert("L")
    top = (len(matrix(text)) + 2 * QUIET_ZONE) * scale
    factor = max(1, image.width // (MARK_WIDTH + 8))
    left = (image.width - MARK_WIDTH * factor) // 2
    assert left >= 0
    for y, row in enumerate(mark_rows()):
        drawn = tuple(image.getpixel((left + x * factor, top + y * factor)) < 128 for x in range(MARK_WIDTH))
        assert drawn == row
    assert image.height >= top + MARK_HEIGHT * factor


def test_quiet_zone_is_light_on_all_four_sides() -> None:
    image = opened(png(text_of(600))).convert("L")
    side, zone = (len(matrix(text_of(600))) + 2 * QUIET_ZONE) * PNG_SCALE, QUIET_ZONE * PNG_SCALE
    for box in ((0, 0, side, zone), (0, 0, zone, side), (side - zone, 0, side, side), (0, side - zone, side, side)):
        assert image.crop(box).getextrema() == (255, 255)


def test_svg_says_that_it_is_a_sample_and_loads_nothing() -> None:
    drawing = svg(text_of(600))
    root = ElementTree.fromstring(drawing)
    assert "".join(root.itertext()) == SAMPLE_MARK
    assert root.attrib["aria-label"] == SAMPLE_MARK
    for part in ("script", "href", "url(", "<image", "onload", "http://www.w3.org/1999"):
        assert part not in drawing
    assert text_of(600) not in drawing  # the picture says it, the file does not


def test_unmarked_svg_is_the_square_of_a_page_that_has_the_mark() -> None:
    side = len(matrix(text_of(600))) + 2 * QUIET_ZONE
    marked, bare = (ElementTree.fromstring(svg(text_of(600), marked=marked)) for marked in (True, False))
    assert bare.attrib["viewBox"] == f"0 0 {side} {side}"
    assert "".join(bare.itertext()) == ""
    assert bare[1].attrib == marked[1].attrib


def test_same_text_is_the_same_picture() -> None:
    assert png(text_of(600)) == png(text_of(600))
    assert svg(text_of(600)) == svg(text_of(600))
    assert png(text_of(600)) != png(text_of(600)[:-1] + "%")
