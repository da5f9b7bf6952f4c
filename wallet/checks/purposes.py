"""For what an organisation checks: one purpose, the claims that it shows, and which claims no gate ever sees.

Claims are named by the code of the kind of document, as a verdict names it (docs/wire.md, section 3), and by the
claim's own name. Source: docs/domain.md, section 5; Law 91/2025/QH15 (data kinds and purposes are stated beforehand).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wallet.errors import pointer_step
from wallet.utilities.base import Asking, DocumentType
from wallet.utilities.catalogue import Catalogue

MAX_PURPOSES = 20


class PurposeKind(StrEnum):
    """How a purpose looks at people: passing by, being served, or before an authority that a law names."""

    GATE = "gate"
    COUNTER = "counter"
    OFFICE = "office"


STRICT: Mapping[str, frozenset[PurposeKind]] = {
    **dict.fromkeys(
        (
            "permanent_address",
            "permanent_commune",
            "permanent_province",
            "permanent_commune_code",
            "permanent_province_code",
            "permanent_old_address",
            "temporary_address",
            "current_address",
            "residence_address",
            "earlier_places",
            "native_place",
            "household_head_name",
            "household_head_last4",
            "relation_to_head",
            "household_members",
            "head_of_household",
            "relation",
            "member_name",
            "member_last4",
            "father_name",
            "mother_name",
            "spouse_name",
        ),
        frozenset({PurposeKind.COUNTER, PurposeKind.OFFICE}),
    ),
    **dict.fromkeys(("religion", "ethnicity"), frozenset({PurposeKind.OFFICE})),
}
"""Claims that tell where, with whom and of which faith somebody lives, and the kinds of purpose that may ask for them.

A purpose that asks for one of them names the law that lets it (`strict_ground`).
"""


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose of an organisation, as two people agreed to it.

    title: `vi` and `en`. claims: kind of document to the names that it may show. portrait: whether the picture may be
    asked for, with the holder's consent. strict_ground: the law that lets it ask for what is strict, "" where
    it asks for nothing of that sort. citizens_an_hour: distinct people, of the whole organisation. checks_a_minute:
    of one desk.
    """

    code: str
    title: Mapping[str, str]
    legal_ground: str
    claims: Mapping[str, frozenset[str]]
    portrait: bool
    citizens_an_hour: int
    checks_a_minute: int
    kind: PurposeKind = PurposeKind.GATE
    strict_ground: str = field(default="")

    def is_within(self, other: "Purpose") -> bool:
        """Return whether this shows no more, to no more, than another does, for the same stated ends."""
        same = all(getattr(self, name) == getattr(other, name) for name in ("code", "title", "legal_ground", "kind"))
        narrower = all(names <= other.claims.get(document, frozenset()) for document, names in self.claims.items())
        grounds = self.strict_ground in ("", other.strict_ground)
        fewer = self.citizens_an_hour <= other.citizens_an_hour and self.checks_a_minute <= other.checks_a_minute
        return same and narrower and grounds and fewer and self.portrait <= other.portrait

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored and told."""
        return {
            "code": self.code,
            "kind": str(self.kind),
            "title": dict(self.title),
            "legal_ground": self.legal_ground,
            "strict_ground": self.strict_ground,
            "claims": {document: sorted(names) for document, names in sorted(self.claims.items())},
            "portrait": self.portrait,
            "quotas": {"citizens_an_hour": self.citizens_an_hour, "checks_a_minute": self.checks_a_minute},
        }


def purpose_among(registered: Iterable[Mapping[str, Any]], code: str) -> Purpose | None:
    """Return the purpose of this code among those of a registration, None where it has none."""
    stated = next((each for each in registered if each["code"] == code), None)
    return None if stated is None else purpose_of(stated)


def purpose_of(stated: Mapping[str, Any]) -> Purpose:
    """Return the purpose that `Purpose.to_json` gave, or that an order of the same shape states."""
    return Purpose(
        code=stated["code"],
        title=stated["title"],
        legal_ground=stated["legal_ground"],
        claims={document: frozenset(names) for document, names in stated["claims"].items()},
        portrait=stated["portrait"],
        citizens_an_hour=stated["quotas"]["citizens_an_hour"],
        checks_a_minute=stated["quotas"]["checks_a_minute"],
        kind=PurposeKind(stated["kind"]),
        strict_ground=stated["strict_ground"],
    )


def faults_of(stated: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> dict[str, str]:
    """Return everything that stands against these purposes, by JSON Pointer below their list."""
    known = {document.code: document for plugin in catalogue for document in plugin.utility.documents}
    faults: dict[str, str] = {}
    codes = [purpose["code"] for purpose in stated]
    for index, purpose in enumerate(stated):
        at = f"/{index}"
        if purpose["code"] in codes[:index]:
            faults[f"{at}/code"] = "repeated"
        if not purpose["claims"] and not purpose["portrait"]:
            faults[f"{at}/claims"] = "required"
        strict = False
        for code, names in purpose["claims"].items():
            there = f"{at}/claims{pointer_step(code)}"
            document = known.get(code)
            if document is None or document.asking is Asking.NEVER:
                faults[there] = "no_such_document" if document is None else "never_asked_for"
                continue
            found, grounded = _faults_of_names(document, names, PurposeKind(purpose["kind"]))
            faults |= {f"{there}{below}": fault for below, fault in found.items()}
            strict = strict or grounded
        if strict and not purpose["strict_ground"]:
            faults[f"{at}/strict_ground"] = "required"
    return faults


def _faults_of_names(document: DocumentType, names: list[str], kind: PurposeKind) -> tuple[dict[str, str], bool]:
    """Return what stands against claims of one kind of document, and whether they need a law of their own."""
    faults, strict = {}, document.sensitive or document.asking is Asking.LEGAL_GROUND
    if strict and kind is PurposeKind.GATE:
        return {"": "too_strict_for_purpose"}, False
    if not names:
        faults[""] = "required"
    for place, name in enumerate(names):
        if name not in document.names:
            faults[f"/{place}"] = "no_such_claim"
        elif name in names[:place]:
            faults[f"/{place}"] = "repeated"
        elif kind not in STRICT.get(name, frozenset(PurposeKind)):
            faults[f"/{place}"] = "too_strict_for_purpose"
        else:
            strict = strict or name in STRICT
    return faults, strict
