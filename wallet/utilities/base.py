"""The contract between the wallet and a utility: what a plug-in declares. A plug-in imports this and nothing else.

A utility is a kind of document. It names its claims and where each comes from; the wallet fetches, checks,
signs, stores and revokes. A plug-in is handed no Flask, no database and no network.

A plug-in is one folder beside this file, or a package that registers the entry point group `wallet.utilities`. Its
`__init__.py` holds one value named `utility`; `texts.json` and `examples.json` stand beside it. `catalogue.py` finds
it and holds it against the contract (`faults`); the contract tests run for it without being told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from wallet.errors import ClaimsRejected
from wallet.terms import AccountLevel, AuthLevel

__all__ = [
    "AccountLevel",
    "AuthLevel",
    "Claim",
    "ClaimsRejected",
    "Kind",
    "Lifecycle",
    "Paper",
    "Source",
    "Utility",
]

Claims = Mapping[str, Any]
"""Claim name to value. A day is a `date`, or the text `"1948"` where only the year is known. Absent means absent."""


class Kind(StrEnum):
    """What a value is. All but RECORDS have a compact form in a code (docs/wire.md, section 4)."""

    TEXT = "text"
    DAY = "day"
    TIME = "time"
    INT = "int"
    BOOL = "bool"
    LIST = "list"
    RECORDS = "records"


class Source(StrEnum):
    """Where a claim comes from. Never from the caller: what someone typed is an answer, not a claim."""

    POPULATION = "population"
    RESIDENCE = "residence"
    DERIVED = "derived"


class Paper(StrEnum):
    """Whether a claim stands in the code that is printed, where everyone can read it."""

    HIDDEN = "hidden"
    SHOWN = "shown"
    REQUIRED = "required"


class Lifecycle(StrEnum):
    """Whether a request is answered at once or by a person."""

    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Claim:
    """One named statement in a document.

    number: the claim's key in a compact body, never used again for another claim of this utility.
    required: a document without it is not issued.
    """

    number: int
    name: str
    kind: Kind = Kind.TEXT
    source: Source = Source.DERIVED
    paper: Paper = Paper.HIDDEN
    required: bool = True


def _nothing_derived(_claims: Claims) -> Claims:
    return {}


def _nothing_refused(_claims: Claims, _today: date) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Utility:
    """A kind of document, whole. Optional fields have defaults; a change of meaning is a new `version`.

    title: `vi` and `en`. legal_basis: what law it stands on, as printed. minimum_level, minimum_auth: of the
    account and of the session that asks. validity: whole days; it ends at 24:00 in Asia/Ho_Chi_Minh.
    derive(claims): further claims computed from those that came from registers.
    check(claims, today): raises ClaimsRejected(name="code") when no document may be made of these claims.
    Texts for people (labels of claims, reasons of refusal) stand in `texts.json` beside the plug-in.
    """

    code: str
    version: int
    title: Mapping[str, str]
    claims: tuple[Claim, ...]
    validity: timedelta
    legal_basis: str = ""
    owner: str = ""
    minimum_level: AccountLevel = AccountLevel.TWO
    minimum_auth: AuthLevel = AuthLevel.TWO
    lifecycle: Lifecycle = Lifecycle.INSTANT
    derive: Callable[[Claims], Claims] = _nothing_derived
    check: Callable[[Claims, date], None] = _nothing_refused

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(claim.name for claim in self.claims)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The registers that must be read, each once, in the order of first use."""
        return tuple(dict.fromkeys(claim.source for claim in self.claims if claim.source is not Source.DERIVED))
