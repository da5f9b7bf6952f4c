"""What a document states: claims, what each is, where each comes from, and who gets to see it.

Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

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
    """Where a claim comes from: one of these registers, another register by its own code, or one of the last three.

    DERIVED: computed by the plug-in. DECLARED: what the applicant stated in the form; only a paper that says so of
    itself, a receipt for instance, carries it. REQUEST: the request's own facts (`REQUEST_FACTS`).
    """

    POPULATION = "population"
    RESIDENCE = "residence"
    CRIMINAL_RECORDS = "criminal_records"
    PORTRAITS = "portraits"
    HEALTH_INSURANCE = "health_insurance"
    HEALTH_RECORDS = "health_records"
    DRIVING_LICENCES = "driving_licences"
    VEHICLES = "vehicles"
    SOCIAL_SECURITY = "social_security"
    SECURITY_CASES = "security_cases"
    CIVIL_STATUS = "civil_status"
    DERIVED = "derived"
    DECLARED = "declared"
    REQUEST = "request"


NO_REGISTER = frozenset({Source.DERIVED, Source.DECLARED, Source.REQUEST})

REQUEST_FACTS: Mapping[str, Kind] = {
    "request_number": Kind.TEXT,
    "submitted_at": Kind.TIME,
    "due_on": Kind.DAY,
    "office": Kind.TEXT,
    "organisation": Kind.TEXT,
    "organisation_code": Kind.TEXT,
    "decided_on": Kind.DAY,
    "issued_on": Kind.DAY,
}
"""What the request itself states, once it is known. A claim from Source.REQUEST has one of these names."""


class Paper(StrEnum):
    """Whether a claim stands in the code that is printed, where everyone can read it."""

    HIDDEN = "hidden"
    SHOWN = "shown"
    REQUIRED = "required"


class Asking(StrEnum):
    """Whether a verifier may ask for a kind of document; what a holder presents unasked is theirs to present."""

    ANYONE = "anyone"
    LEGAL_GROUND = "legal_ground"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Claim:
    """One named statement in a document.

    number: the claim's key in a compact body, never used again for another claim of this kind of document. source: a
    Source, or the code of another register. fact: what the source calls it, where that is another name.
    required: a document without it is not issued. basis: the register that a DERIVED claim is computed from; it is read
    for the claim, and how fresh it is is how fresh the claim is. parts: of RECORDS, the names of what one record holds,
    in the order in which it is shown; their words stand in `texts.json` under `parts.<claim>.<part>`.
    undated: when its register last changed is not told, for that day alone may hint at what the claim leaves out.
    """

    number: int
    name: str
    kind: Kind = Kind.TEXT
    source: str = Source.DERIVED
    paper: Paper = Paper.HIDDEN
    required: bool = True
    fact: str = ""
    basis: str = ""
    parts: tuple[str, ...] = ()
    undated: bool = False

    @property
    def from_register(self) -> bool:
        return self.source not in NO_REGISTER

    @property
    def stated_as(self) -> str:
        """The name of the fact at its source."""
        return self.fact or self.name

    @property
    def register(self) -> str:
        """The register that it comes from or is computed from, "" for none."""
        return self.source if self.from_register else self.basis


def plain_value(value: Any) -> Any:
    """Return a value as JSON carries it: a day as `"YYYY-MM-DD"`, a time in seconds."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain_value(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(part) for part in value]
    return value


def stated_by(claims: Iterable[Claim], sources: Mapping[str, Claims]) -> dict[str, Any]:
    """Return what sources state of the claims that come straight from them, by claim. sources: by code, their facts."""
    return {
        claim.name: sources[claim.source][claim.stated_as]
        for claim in claims
        if claim.source != Source.DERIVED and claim.stated_as in sources.get(claim.source, {})
    }


def still_stated(stated: Claims, names: Iterable[str], claims: Claims) -> bool:
    """Return whether a document states these claims. stated: as JSON carries them; names: those that are compared."""
    return all(stated.get(name) == plain_value(claims.get(name)) for name in names)
