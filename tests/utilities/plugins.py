"""Utilities for tests: made up, and as broken as they need to be."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import Claim, DocumentType, Kind, Paper, Rules, Source, Utility
from wallet.utilities.catalogue import Plugin

NAME = Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED)
SINCE = Claim(2, "since", Kind.DAY, Source.RESIDENCE, Paper.SHOWN)
PAPER = DocumentType(
    code="made-up",
    title={"vi": "Giấy mẫu", "en": "Sample document"},
    claims=(NAME, SINCE),
    validity=timedelta(days=30),
)
RULES = Rules("2026", date(2026, 1, 1), "Luật mẫu 1/2026")
MADE_UP = Utility(
    code="made-up",
    version=1,
    title={"vi": "Giấy mẫu", "en": "Sample document"},
    agency="c06",
    documents=(PAPER,),
    rules=(RULES,),
)
TEXTS = {
    "vi": {"claims": {"full_name": "Họ và tên", "since": "Từ ngày"}},
    "en": {"claims": {"full_name": "Full name", "since": "Since"}},
}
ACCEPTED = {
    "name": "all is there",
    "number": "099090000001",
    "facts": {
        "population": {"number": "099090000001", "full_name": "Nguyễn Văn An"},
        "residence": {"since": "2020-01-02"},
    },
}
EXAMPLES = {"today": "2026-11-20", "accepted": [ACCEPTED], "rejected": []}


def plugin(texts: Any = None, **changes: Any) -> Plugin:
    """Return the made-up utility with changes to itself, or to its one document (`paper=`)."""
    if "paper" in changes:
        changes["documents"] = (replace(PAPER, **changes.pop("paper")),)
    return Plugin(replace(MADE_UP, **changes), TEXTS if texts is None else texts, "made.up")


def example(**changes: Any) -> dict[str, Any]:
    """Return an accepted example of the made-up utility with changes."""
    return {**ACCEPTED, **changes}


def words(section: str, **both: tuple[str, str]) -> dict[str, Any]:
    """Return the texts of the made-up utility and a section more: code to Vietnamese and English."""
    return {
        language: {**TEXTS[language], section: {code: pair[place] for code, pair in both.items()}}
        for place, language in enumerate(("vi", "en"))
    }
