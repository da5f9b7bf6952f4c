"""Pictures of a code as a camera sees them: blurred, tilted, noisy; the same each time."""

import io
import random
from collections.abc import Callable, Sequence
from functools import partial

import zxingcpp
from PIL import Image, ImageFilter

PIXELS_A_MODULE = 6
Point = tuple[float, float]


def opened(picture: bytes) -> Image.Image:
    """Return a picture in grey."""
    return Image.open(io.BytesIO(picture)).convert("L")


def seen(image: Image.Image) -> list[str]:
    """Return what stands in the codes of a picture, as software reads it that nobody here wrote."""
    return [found.text for found in zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)]


def blurred(image: Image.Image, radius: float = PIXELS_A_MODULE / 3) -> Image.Image:
    """Return it out of focus. radius: standard deviation, in pixels."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def tilted(image: Image.Image, share: float = 0.2) -> Image.Image:
    """Return it seen from aside and below. share: of the width, by which the upper edge is shorter on each side."""
    width, height = image.size
    cut = width * share
    seen_at = [(cut, 0), (width - cut, height * share / 2), (width, height), (0, height * (1 - share / 3))]
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    coefficients = _perspective(seen_at, corners)
    return image.transform(
        (width, height), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=255
    )


def turned(image: Image.Image, degrees: float = 11) -> Image.Image:
    return image.rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)


def noisy(image: Image.Image, share: float = 0.35) -> Image.Image:
    """Return it with grain: each pixel a mixture of itself and of chance. share: of chance."""
    grain = Image.frombytes("L", image.size, random.Random(1).randbytes(image.width * image.height))
    return Image.blend(image, grain, share)


def held_badly(image: Image.Image) -> Image.Image:
    """Return it turned, tilted, out of focus and with grain at once, each by half."""
    return noisy(blurred(tilted(turned(image, 6), 0.08), PIXELS_A_MODULE / 6), 0.18)


def smaller(image: Image.Image, pixels: float) -> Image.Image:
    """Return it made smaller. pixels: a module."""
    width, height = (round(side * pixels / PIXELS_A_MODULE) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


WEAR: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as drawn": lambda image: image,
    "blurred": blurred,
    "tilted": tilted,
    "turned": turned,
    "noisy": noisy,
    "all at once": held_badly,
}

MEASURED: dict[str, tuple[Callable[[Image.Image], Image.Image], ...]] = {
    "out of focus by 0.33, 0.40, 0.45, 0.50 of a module (standard deviation)": tuple(
        partial(blurred, radius=share * PIXELS_A_MODULE) for share in (0.33, 0.4, 0.45, 0.5)
    ),
    "tilted: the far edge shorter by 20 %, 40 %, 50 %, 60 %": tuple(
        partial(tilted, share=share / 2) for share in (0.2, 0.4, 0.5, 0.6)
    ),
    "grain: 35 %, 50 %, 60 %, 70 % of each pixel is chance": tuple(
        partial(noisy, share=share) for share in (0.35, 0.5, 0.6, 0.7)
    ),
    "turned by 6°, tilted, out of focus and with grain at once": (held_badly,),
    "made smaller (bicubic) to two pixels a module, to one and a half": tuple(
        partial(smaller, pixels=pixels) for pixels in (2, 1.5)
    ),
}
"""What docs/paper.md tells of wear, row by row."""


def _perspective(to: Sequence[Point], of: Sequence[Point]) -> list[float]:
    """Return the eight coefficients that map points `to` in the result to points `of` in the picture."""
    rows = []
    for (x, y), (u, v) in zip(to, of, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for column in range(8):
        pivot = max(range(column, 8), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(8):
            if row != column:
                factor = rows[row][column] / rows[column][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    return [rows[row][8] / rows[row][row] for row in range(8)]
