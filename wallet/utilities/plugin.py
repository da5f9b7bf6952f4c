"""A utility that was found, and the words that stand beside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wallet.errors import InvalidInput
from wallet.utilities.base import Utility

LANGUAGES = ("vi", "en")

Texts = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Language to section to code to text, as in a `texts.json`."""


@dataclass(frozen=True)
class Plugin:
    """A utility and its texts. module: what it was imported from; "" for one that is defined as data."""

    utility: Utility
    texts: Texts
    module: str

    def label(self, claim_name: str) -> dict[str, str]:
        """Return what a claim is called, in both languages."""
        return self.words("claims", claim_name)

    def section_of_finding(self, name: str) -> str:
        """Return where the label of something that a sub-task reports is: a claim has the one of the document."""
        return "claims" if name in self.texts[LANGUAGES[0]].get("claims", {}) else "findings"

    def words(self, section: str, key: str) -> dict[str, str]:
        """Return one text of `texts.json` in both languages. Raises KeyError."""
        return {language: self.texts[language][section][key] for language in LANGUAGES}

    def value_words(self, name: str, code: str) -> dict[str, str] | None:
        """Return the words for a code that a fact, a part of a record, a claim or a report has as its value, else None.

        One that was answered in the form has the words of the choice; one that a register made up since has itself.
        """
        found = {}
        for language in LANGUAGES:
            texts = self.texts[language]
            own = texts.get("values", {}).get(f"{name}.{code}") or texts.get("choices", {}).get(f"{name}.{code}")
            found[language] = own or (code if name in self.utility.codes else "")
        return found if all(found.values()) else None

    def reason(self, code: str, language: str) -> str | None:
        """Return the plug-in's own words for a refusal, None when it has none for this code."""
        return self.texts[language].get("reasons", {}).get(code)


def named_texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a value with the name of what it is the value of: the innermost, in records."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for inner, stated in value.items():
            yield from named_texts(stated, str(inner))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from named_texts(each, name)


@contextmanager
def in_words_of(utility: Utility) -> Iterator[None]:
    """Let a plug-in's refusal say whose it is: two plug-ins may use one code, and each has words of its own for it."""
    try:
        yield
    except InvalidInput as error:
        error.utility = utility.code
        raise
