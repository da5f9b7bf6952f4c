"""From claims to what stands in a code: the minimised view that a utility declares for paper.

Source: docs/wire.md, section 1 (compact claims) and section 4 (`kind`).
"""

from datetime import date, datetime
from typing import Any

from wallet.utilities.base import Claims, DocumentType, Kind, Paper
from wallet.utilities.claims import plain_value

EPOCH = date(1970, 1, 1)


def compact_claims(document: DocumentType, claims: Claims, *, least: bool = False) -> dict[int, Any]:
    """Return claim number to compact value. least: only what the utility marked as required on paper."""
    wanted = (Paper.REQUIRED,) if least else (Paper.REQUIRED, Paper.SHOWN)
    return {
        claim.number: compact_value(claim.kind, claims[claim.name])
        for claim in document.claims
        if claim.paper in wanted and claim.name in claims and claim.kind is not Kind.RECORDS
    }


def compact_value(kind: Kind, value: Any) -> Any:
    """Return a value as compact CBOR carries it: a day counts days since 1970-01-01, or is the text `"1948"`."""
    if kind is Kind.DAY and isinstance(value, date):
        return (value - EPOCH).days
    if kind is Kind.TIME and isinstance(value, datetime):
        return int(value.timestamp())
    return list(value) if kind is Kind.LIST else value


def full_claims(document: DocumentType, claims: Claims) -> dict[str, Any]:
    """Return the claims as JSON carries them and as they are hashed: `"YYYY-MM-DD"` or `"YYYY"`, absent left out."""
    return {claim.name: plain_value(claims[claim.name]) for claim in document.claims if claim.name in claims}
