"""Reading the book: records of the health register as mappings, and the claims every paper has in common."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from wallet.utilities.base import Case, Claim, Claims, Kind, Paper, Source, unmarked

Record = Mapping[str, Any]

PERSON = (
    Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
    Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
    Claim(3, "number", source=Source.POPULATION),
    Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
    Claim(5, "sex", source=Source.POPULATION),
)
"""Claims 1 to 5 of every paper."""

NAMED = ("full_name", "number_last4", "birth_date")
"""What a verifier compares with the person in front of them, whatever the purpose."""


ID = r"[A-Za-z0-9][A-Za-z0-9._-]*"
"""What a facility numbers its visits and slips with."""

DISEASE = ("name", "code", "since")
ALLERGY = ("substance", "reaction", "severity")
SEVERITIES = {"severe": "nặng", "moderate": "vừa", "mild": "nhẹ"}
"""Severity of an allergy, as the register codes it and as people read it."""

NAMED_BY = {"diseases": "name", "allergies": "substance", "vaccinations": "vaccine"}
"""What names a record of a group. One whose name says that there was none is no record: facilities write so, too."""

NOTHING = frozenset({"", "khong", "khong co"})
"""How facilities write that there was none."""


def records(case: Case, name: str) -> tuple[Record, ...]:
    """Return records of the book; none where the register states none."""
    stated = case.fact(Source.HEALTH_RECORDS, name, ())
    named_by = NAMED_BY.get(name)
    return tuple(each for each in stated if named_by is None or not _says_nothing(each.get(named_by)))


def lines(value: Any) -> tuple[str, ...]:
    """Return what a register states as one text or as several, as lines; a blank or a "none" is no line."""
    stated = (value,) if isinstance(value, str) else tuple(value or ())
    return tuple(line for line in (str(each).strip() for each in stated) if not _says_nothing(line))


def only(source: Record, names: Iterable[str]) -> dict[str, Any]:
    """Return what a record states of some names. What says nothing is left out."""
    return {name: source[name] for name in names if name in source and not _says_nothing(source[name])}


def allergy(stated: Record) -> dict[str, Any]:
    """Return an allergy as people read it."""
    severity = stated.get("severity")
    return only({**stated, "severity": SEVERITIES.get(severity or "", severity)}, ALLERGY)


def closed(visit: Record, today: date) -> bool:
    """Return whether a visit has ended: its summary exists only then.

    A stay in a hospital ends with the day of discharge. A visit of one day has none: it ended when its course was
    written down.
    """
    ended = visit.get("discharged_on")
    if ended is None:
        return visit["admitted_on"] <= today and not _says_nothing(visit.get("course"))
    return bool(ended <= today)


def last4(case: Case) -> dict[str, str]:
    return {"number_last4": case.claims["number"][-4:]}


def changed(stated: Claims, book: Claims) -> bool:
    """Return whether the book says something else now. stated: claims of a document, as JSON carries them."""
    return any(stated[name] != _plain(book.get(name)) for name in book if name in stated)


def of_book(claims: Iterable[Claim], named: Record) -> dict[str, Any]:
    """Return what a record states of the claims that are of the book, None for what it does not."""
    return {
        claim.name: None if _says_nothing(named.get(claim.name)) else named[claim.name]
        for claim in claims
        if claim.basis == Source.HEALTH_RECORDS
    }


def stated_ones(book: Claims) -> dict[str, Any]:
    """Return what the book does state."""
    return {name: value for name, value in book.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def _says_nothing(value: Any) -> bool:
    return value is None or value == () or (isinstance(value, str) and unmarked(value) in NOTHING)
