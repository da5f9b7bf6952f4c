"""A judgement as JSON: the same for the command, the service and the browser. Source: docs/wire.md, section 3, end."""

from datetime import UTC, datetime
from typing import Any

from wallet.formats.compact_values import readable_value
from wallet.terms import SAMPLE_MARK
from wallet.verifier.judgement import STEP_NAMES, Judgement, VerifiedClaim, VerifiedDocument

NO_BINDING = "none"
"""What is said where nobody signed that the holder is here: of a paper, and of what was presented beforehand."""


def answer_json(judgement: Judgement) -> dict[str, Any]:
    """Return the answer in no one language: names come in Vietnamese and English. Absent values are left out."""
    answer: dict[str, Any] = {
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "accepted": judgement.accepted,
        "checked": [STEP_NAMES[step] for step in judgement.checked],
        "holder_binding": judgement.device or NO_BINDING,
        "checked_at": rfc3339(judgement.checked_at),
        "bundle_age_seconds": judgement.bundle_age_seconds,
        "sample_mark": SAMPLE_MARK,
    }
    if judgement.status_age_seconds is not None:
        answer["status_age_seconds"] = judgement.status_age_seconds
    if judgement.document is not None:
        answer["document"] = document_json(judgement.document)
    return answer


def first_seen_json(judgement: Judgement) -> dict[str, Any]:
    """Return when, and at which gate, a code that is `live_replayed` was first seen; nothing where that is not known.

    What a gate, or the service for a desk, adds to the answer: its own memory alone knows it.
    """
    if judgement.first_seen is None:
        return {}
    seen_at, gate_id = judgement.first_seen
    found = {"at": rfc3339(datetime.fromtimestamp(seen_at, UTC))}
    return {"first_seen": found | ({"gate": gate_id} if gate_id else {})}


def document_json(document: VerifiedDocument) -> dict[str, Any]:
    """Return what was signed. A day is "YYYY-MM-DD" or "YYYY", a time an integer (docs/wire.md, section 1)."""
    utility: dict[str, Any] = {"code": document.utility, "version": document.utility_version}
    if document.title is not None:
        utility["title"] = dict(document.title)
    found: dict[str, Any] = {} if document.document_id is None else {"id": document.document_id}
    found |= {
        "issuer": {"code": document.issuer, "name": dict(document.issuer_name)},
        "utility": utility,
        "issued_at": rfc3339(document.issued_at),
        "expires_at": rfc3339(document.expires_at),
        "claims": [claim_json(claim) for claim in document.claims],
    }
    if document.recipient is not None:
        found["recipient"] = document.recipient
    return found


def claim_json(claim: VerifiedClaim) -> dict[str, Any]:
    """Return one claim; a number that the trust bundle lacks stays unnamed, a name that it lacks without a label."""
    kind, value = readable_value(claim.kind, claim.value)
    found: dict[str, Any] = {} if claim.n is None else {"n": claim.n}
    if claim.name is not None:
        found["name"] = claim.name
    if claim.label is not None:
        found["label"] = dict(claim.label)
    if kind is not None:
        found["kind"] = kind
    found["value"] = value
    return found


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC to the second. Source: RFC 3339, section 5.6."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
