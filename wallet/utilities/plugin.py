"""A utility that was found, and the words that stand beside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

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

    def words(self, section: str, key: str) -> dict[str, str]:
        """Return one text of `texts.json` in both languages. Raises KeyError."""
        return {language: self.texts[language][section][key] for language in LANGUAGES}

    def reason(self, code: str, language: str) -> str | None:
        """Return the plug-in's own words for a refusal, None when it has none for this code."""
        return self.texts[language].get("reasons", {}).get(code)


@contextmanager
def in_words_of(utility: Utility) -> Iterator[None]:
    """Let a plug-in's refusal say whose it is: two plug-ins may use one code, and each has words of its own for it."""
    try:
        yield
    except InvalidInput as error:
        error.utility = utility.code
        raise
