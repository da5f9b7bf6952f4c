"""Examples of documents in the forms of other wallets."""

from typing import Any

_PROOF = "eyJhbGciOiJFUzI1NiIsInR5cCI6Im9wZW5pZDR2Y2ktcHJvb2Yrand0IiwiandrIjp7fX0.eyJub25jZSI6IiJ9.c2lnbmF0dXJl"
_COPY = "cpy_8f2f6f0c1d3b4a5e9c7d6e5f4a3b2c1d"

BODIES: dict[str, Any] = {"make_copies": {"form": "sd_jwt", "proofs": [_PROOF]}}

ANSWERS: dict[str, dict[str, Any]] = {
    "read_sd_jwt": {"200": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCJ9.eyJfc2QiOltdfQ.c2lnbmF0dXJl~WyJzYWx0Il0~"},
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
    "read_copy": (*(code for code in _KNOWN if code != "form_needs_device"), "copy_over"),
    "read_pdf": (*(code for code in _KNOWN if code != "form_needs_device"), "form_not_installed"),
}

STATUSES = {"form_needs_device": 409, "copy_over": 409, "signing_unavailable": 503}
"""Problem code to the status that it comes with, beside those of FHIR."""
