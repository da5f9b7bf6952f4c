"""Examples of documents in the forms of other wallets."""

from typing import Any

BODIES: dict[str, Any] = {}

ANSWERS: dict[str, dict[str, Any]] = {
    "read_sd_jwt": {"200": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCJ9.eyJfc2QiOltdfQ.c2lnbmF0dXJl~WyJzYWx0Il0~"},
}

_KNOWN = (
    "step_up_required",
    "not_found",
    "form_not_available",
    "form_needs_valid_document",
    "form_needs_device",
    "signing_unavailable",
)
REFUSALS: dict[str, tuple[str, ...]] = {
    "read_sd_jwt": _KNOWN,
    "read_mdoc": _KNOWN,
    "read_pdf": (*(code for code in _KNOWN if code != "form_needs_device"), "form_not_installed"),
}

STATUSES = {"form_needs_device": 409, "signing_unavailable": 503}
"""Problem code to the status that it comes with, beside those of FHIR."""
