"""Portraits, as the identity database keeps them: what a check compares a person with.

A deployment's own come from whoever keeps them (`Portraits`). The embedded ones are drawn: an abstract figure for each
person, with the mark of a sample, and nobody's face. Which it is follows from the number by a keyed hash, so that a
drawing, or the hash of one, tells no number.
"""

import base64
import hmac
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Protocol, cast

from sqlalchemy import Table, select

from wallet.clock import Clock
from wallet.db import Database
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.models import Citizen
from wallet.sources.tables import current_number, rows_of

SVG = "image/svg+xml"
_PURPOSE = b"portrait:"
_citizens = cast(Table, Citizen.__table__)
_PERSON = select(_citizens.c.number, _citizens.c.updated_at).where(_citizens.c.number == current_number())


@dataclass(frozen=True)
class Portrait:
    """A portrait. content: what documents bind by its SHA-256."""

    media_type: str
    content: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """The hash of the content as documents carry it: base64url without padding."""
        return base64.urlsafe_b64encode(sha256(self.content).digest()).rstrip(b"=").decode("ascii")


class Portraits(Protocol):
    """Whoever keeps the portraits."""

    def of(self, number: str) -> Portrait:
        """Return the portrait of the person with this number, or a former one of theirs.

        Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        ...


PICTURES = "pictures"
"""The code under which portraits are asked for between transactions (`wallet.sources.asking`)."""


class Pictures:
    """Whoever keeps the portraits, as a partner that is asked between transactions: a picture may be long in coming."""

    code = PICTURES

    def __init__(self, portraits: Portraits, clock: Clock) -> None:
        self._portraits, self._clock = portraits, clock

    def read(self, number: str, ground: Ground) -> Facts:
        """Return a portrait as facts. Raises what `Portraits.of` raises."""
        found = self._portraits.of(number)
        content = base64.b64encode(found.content).decode("ascii")
        return Facts(self.code, {"media_type": found.media_type, "content": content}, self._clock.now())

    @staticmethod
    def portrait_in(facts: Facts) -> Portrait:
        """Return the portrait that facts are."""
        return Portrait(str(facts.values["media_type"]), base64.b64decode(str(facts.values["content"])))


class EmbeddedPortraits:
    """Drawn portraits of whom the embedded population register knows, and the register of their hashes.

    secret: what the drawings follow from, beside the number.
    """

    code = RegisterCode.PORTRAITS

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database, self._secret = database, secret

    def of(self, number: str) -> Portrait:
        return self._drawn(rows_of(self._database, self.code, _PERSON, number)[0]["number"])

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the fact `portrait_hash`: SHA-256 of the portrait, base64url without padding.

        number: 12 digits, current or former. Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        row = rows_of(self._database, self.code, _PERSON, number)[0]
        return Facts(self.code, {"portrait_hash": self._drawn(row["number"]).sha256}, row["updated_at"])

    def _drawn(self, number: str) -> Portrait:
        return Portrait(SVG, draw(hmac.digest(self._secret, _PURPOSE + number.encode("ascii"), "sha256")))


def draw(seed: bytes) -> bytes:
    """Return the figure that follows from 32 bytes, as SVG: a head, shoulders and a pattern, no face."""
    hue, other = seed[0] * 360 // 256, (seed[0] * 360 // 256 + 60 + seed[1] % 240) % 360
    head, neck, width = 26 + seed[2] % 8, 72 + seed[3] % 8, 38 + seed[4] % 14
    dots = "".join(
        f'<circle cx="{10 + column * 20}" cy="{12 + row * 20}" r="{2 + seed[8 + row * 6 + column] % 6}"/>'
        for row in range(2)
        for column in range(6)
    )
    stripes = "".join(f'<path d="M{32 + seed[20 + n] % 56} 112v48"/>' for n in range(4))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 160" width="240" height="320">'
        f'<rect width="120" height="160" fill="hsl({hue} 45% 88%)"/>'
        f'<g fill="hsl({other} 40% 78%)">{dots}</g>'
        f'<path d="M{60 - width} 160C{60 - width} 118 44 108 60 108s{width} 10 {width} 52z" '
        f'fill="hsl({hue} 42% 42%)"/>'
        f'<g stroke="hsl({other} 50% 62%)" stroke-width="3" stroke-linecap="round">{stripes}</g>'
        f'<ellipse cx="60" cy="{neck}" rx="{head}" ry="{head + 6}" fill="hsl({other} 32% 60%)"/>'
        '<text x="60" y="152" text-anchor="middle" font-family="sans-serif" font-size="20" font-weight="700" '
        'fill="#fff" stroke="#222" stroke-width=".6">MẪU</text></svg>'
    ).encode()
