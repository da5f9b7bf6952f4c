"""Examples of documents in the forms of other wallets."""

from typing import Any

_PROOF = "eyJhbGciOiJFUzI1NiIsInR5cCI6Im9wZW5pZDR2Y2ktcHJvb2Yrand0IiwiandrIjp7fX0.eyJub25jZSI6IiJ9.c2lnbmF0dXJl"
_COPY = "cpy_8f2f6f0c1d3b4a5e9c7d6e5f4a3b2c1d"

_CARD = "0oREoQEmBKBYQA"

BODIES: dict[str, Any] = {
    "make_copies": {"form": "sd_jwt", "proofs": [_PROOF]},
    "make_cards": {"view": "check_in", "count": 5},
    "make_live_code": {"view": "check_in"},
}

ANSWERS: dict[str, dict[str, Any]] = {
    "read_sd_jwt": {"200": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCJ9.eyJfc2QiOltdfQ.c2lnbmF0dXJl~WyJzYWx0Il0~"},
    "make_cards": {
        "201": {
            "data": [
                {
                    "id": _COPY,
                    "card": _CARD,
                    "view": "check_in",
                    "issued_at": "2026-03-02T02:00:00Z",
                    "expires_at": "2026-03-03T02:00:00Z",
                }
            ]
        }
    },
    "make_live_code": {
        "200": {"code": "VL1:6BF...", "expires_at": "2026-03-02T02:15:30Z", "signed_by": "server"},
    },
    "make_copies": {
        "201": {
            "data": [
                {
                    "id": _COPY,
                    "form": "sd_jwt",
                    "media_type": "application/dc+sd-jwt",
                    "href": f"/v1/documents/doc_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e/copies/{_COPY}",
                    "key": "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
                    "expires_at": "2027-03-02T17:00:00Z",
                }
            ]
        }
    },
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
    "make_copies": (*_KNOWN, "invalid_input", "too_many_attempts"),
    "make_cards": (*_KNOWN, "copy_over", "account_locked", "invalid_input", "too_many_attempts"),
    "make_live_code": (
        *(code for code in _KNOWN if code != "form_needs_device"),
        "copy_over",
        "account_locked",
        "invalid_input",
        "too_many_attempts",
    ),
    "read_copy": (*(code for code in _KNOWN if code != "form_needs_device"), "copy_over"),
    "read_pdf": (*(code for code in _KNOWN if code != "form_needs_device"), "form_not_installed"),
}

STATUSES = {"form_needs_device": 409, "copy_over": 409, "signing_unavailable": 503}
"""Problem code to the status that it comes with, beside those of FHIR."""
