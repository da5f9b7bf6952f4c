"""What a document of a kind states in a case: taken from where each claim comes from, computed, checked."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wallet.errors import ClaimsRejected
from wallet.utilities.base import Case, Claims, DocumentType, Source, stated_by

MISSING = "missing_in_register"


def claims_of(kind: DocumentType, case: Case) -> dict[str, Any]:
    """Return what a document of this kind states in a case, checked by the plug-in. Raises ClaimsRejected."""
    stated: dict[str, Claims] = {**case.facts, Source.DECLARED: case.answers, Source.REQUEST: case.request}
    claims = stated_by(kind.claims, stated)
    _assert_complete(kind, claims, derived=False)
    derived: Mapping[str, Any] = kind.derive(replace(case, claims=claims))
    names = {claim.name for claim in kind.claims if claim.source == Source.DERIVED}
    claims |= {name: value for name, value in derived.items() if name in names}
    _assert_complete(kind, claims, derived=True)
    kind.check(claims, case.today)
    return claims


def _assert_complete(kind: DocumentType, claims: Claims, *, derived: bool) -> None:
    missing = [
        claim.name
        for claim in kind.claims
        if claim.required and (claim.source == Source.DERIVED) is derived and claim.name not in claims
    ]
    if missing:
        raise ClaimsRejected(**dict.fromkeys(missing, MISSING))
