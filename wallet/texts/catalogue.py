"""Every text that a person reads, by code, Vietnamese first and English second.

Rendered only in `wallet/web/`, on the command line, in a text message as it leaves and on a paper as it is made; what
lies below raises and returns codes.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("vi", "en")


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the catalogue of one language: section to code to text."""
    text = files("wallet.texts").joinpath(f"{language}.json").read_text(encoding="utf-8")
    whole: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return whole


def lookup(section: str, code: str, language: str, /, **values: Any) -> str:
    """Return one text, filled with `values`. A code without a text is a defect: KeyError."""
    text: str = catalogue(language)[section][code]
    return text.format_map(_Lenient(values)) if values else text


def both(section: str, code: str, /, **values: Any) -> dict[str, str]:
    """Return one text in every language, filled with `values`. A code without a text is a defect: KeyError."""
    return {language: lookup(section, code, language, **values) for language in LANGUAGES}


def problem(code: str, language: str, **values: Any) -> tuple[str, str]:
    """Return title and detail of a problem code."""
    entry = catalogue(language)["problems"].get(code) or catalogue(language)["problems"]["internal_error"]
    return entry["title"], entry["detail"].format_map(_Lenient(values))


def notice(code: str, language: str, /, **values: Any) -> tuple[str, str]:
    """Return title and body of a notice. An old one, of a kind that is no more, still has words."""
    entry = catalogue(language)["notices"].get(code) or catalogue(language)["notices"]["unknown"]
    return entry["title"], entry["body"].format_map(_Lenient(values))


def sms(code: str, language: str, /, **values: Any) -> str:
    """Return a text message. A `purpose` among the values is a code of the section `sms_purposes`.

    A code or a purpose without a text is a defect: KeyError.
    """
    if "purpose" in values:
        values["purpose"] = catalogue(language)["sms_purposes"][values["purpose"]]
    return lookup("sms", code, language, **values)


class _Lenient(dict[str, Any]):
    """A value that was not given stays visible as its name; a text must never fail to render."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
