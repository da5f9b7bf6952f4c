"""A paper that is no document: a slip, a letter. Words in their places, typeset as documents are, without code or seal.

It has the frame of every administrative paper and the sample mark on each page; nothing can be checked by it, and its
foot says so. The same paper gives the same bytes.
Source: Decree 30/2020/NĐ-CP, appendix I; docs/domain.md, section 4.5.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from wallet.documents.forms.page import Printable, Words, body_of
from wallet.documents.forms.pdf import INSTALL, RETRY_AFTER_SECONDS
from wallet.errors import Unavailable
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, both
from wallet.working_days import vietnamese_day


@dataclass(frozen=True, slots=True)
class Line:
    """What stands behind a label: one value, or several, each on a line of its own."""

    label: Mapping[str, str]
    values: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class PlainPaper:
    """What stands on the paper, in both languages. body: lines, and paragraphs between them.

    number: its own. agency: who made it out; a desk's name ends with its province. about: what kind of paper it is.
    """

    title: Mapping[str, str]
    number: str
    agency: Mapping[str, str]
    made_at: datetime
    body: tuple[Line | Mapping[str, str], ...]
    about: Mapping[str, str]


def make(paper: PlainPaper) -> bytes:
    """Return the paper as PDF/A-3a. Takes about 0.1 s of computing: never inside a transaction.

    Raises Unavailable("form_not_installed") without the extra `[pdf]`.
    """
    try:
        typesetting = import_module("wallet.documents.forms.typesetting")
        glyphs = typesetting.glyphs()
    except ModuleNotFoundError as error:
        raise Unavailable("form_not_installed", RETRY_AFTER_SECONDS, command=INSTALL) from error
    made: bytes = typesetting.typeset(content(paper, glyphs.printable), None, (), paper.made_at.astimezone(UTC))
    return made


def content(paper: PlainPaper, printable: Printable) -> dict[str, Any]:
    """Return everything that stands on the paper, as JSON carries it. printable: applied to every text."""

    def shown(words: Mapping[str, str]) -> Words:
        texts = {language: words[language] for language in LANGUAGES if words.get(language)}
        return {language: printable(unicodedata.normalize("NFC", text)) for language, text in texts.items()}

    def text(code: str, **values: str) -> Words:
        return shown(both("paper", code, **values))

    def row(part: Line | Mapping[str, str]) -> dict[str, Any]:
        if not isinstance(part, Line):
            return {"label": None, "as": "prose", "words": shown(part)}
        values = [" / ".join(dict.fromkeys(shown(value).values())) for value in part.values]
        if len(values) == 1:
            return {"label": shown(part.label), "as": "line", "value": values[0]}
        return {"label": shown(part.label), "as": "list", "items": values}

    body, place = body_of(paper.agency)
    day = vietnamese_day(paper.made_at)
    dated = {"place": place, "day": f"{day:%d}", "month": f"{day:%m}", "year": str(day.year)}
    return {
        "mark": SAMPLE_MARK,
        "bilingual": True,
        "title": shown(paper.title),
        "nation": text("nation"),
        "motto": text("motto"),
        "body": {part: shown(words) for part, words in body.items()},
        "number": text("number", number=paper.number),
        "day": text("day_at_place" if place else "day", **dated),
        "sections": [{"heading": None, "rows": [row(part) for part in paper.body]}],
        "numbered": False,
        "signatory": shown(paper.agency),
        "about": shown(paper.about),
        "sample": text("sample"),
        "row_number": text("row_number"),
        "leaf": text("leaf"),
        "id": paper.number,
        "day_of_issue": day.isoformat(),
    }
