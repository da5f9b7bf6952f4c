"""Utilities for tests: made up, and the longest that the real ones can meet."""

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from wallet.demo.places import places
from wallet.utilities.base import Claim, Claims, Kind, Paper, Source, Utility
from wallet.utilities.catalogue import Plugin

NUMBER = Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED)
MADE_UP = Utility(
    code="made-up",
    version=1,
    title={"vi": "Giấy mẫu", "en": "Sample document"},
    claims=(NUMBER, Claim(2, "since", Kind.DAY, Source.RESIDENCE, Paper.SHOWN)),
    validity=timedelta(days=30),
)
TEXTS = {
    "vi": {"claims": {"full_name": "Họ và tên", "since": "Từ ngày"}},
    "en": {"claims": {"full_name": "Full name", "since": "Since"}},
}

LONGEST_NAME = "Nguyễn Phước Nghiệm Tôn Nữ Thượng Uyển Khuông Truồng Quyền Nghiễng Huỳnh Hưởng"
"""66 letters; every kind of stacked mark: circumflex, breve and horn under each of the five tones."""


def plugin(texts: Any = None, **changes: Any) -> Plugin:
    return Plugin(replace(MADE_UP, **changes), TEXTS if texts is None else texts, "made.up")


def examples(module: str) -> dict[str, Any]:
    """Return what stands in a plug-in's examples.json."""
    return json.loads(files(module).joinpath("examples.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def claims_of(utility: Utility, example: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of an example as registers state them: a day is a date, or the year alone."""
    kinds = {claim.name: claim.kind for claim in utility.claims}

    def value(name: str, given: Any) -> Any:
        return date.fromisoformat(given) if kinds[name] is Kind.DAY and len(given) == 10 else given

    return {name: value(name, given) for name, given in example.items()}


@cache
def longest_places() -> tuple[str, str]:
    """Return the longest commune and the longest province there are, by the room they take in a code."""
    found = places()
    communes = [commune.name for commune in found.communes.values()]
    return max(communes, key=lambda name: len(name.encode())), max(
        found.provinces.values(), key=lambda name: len(name.encode())
    )


def longest(utility: Utility, example: Claims) -> dict[str, Any]:
    """Return the claims of an example with the longest legal text in every claim that is text."""
    commune, province = longest_places()
    address = f"Số 399, ngách 60, ngõ 250, đường Nguyễn Thị Minh Khai, {commune}, {province}"
    found = dict(example)
    for claim in utility.claims:
        if claim.kind is Kind.TEXT and claim.source is not Source.DERIVED:
            for part, text in (
                ("commune", commune),
                ("province", province),
                ("address", address),
                ("name", LONGEST_NAME),
            ):
                if part in claim.name:
                    found[claim.name] = text
    return found
