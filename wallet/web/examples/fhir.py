"""Examples of documents of health in the form of FHIR."""

from typing import Any

from wallet.terms import SAMPLE_MARK

BODIES: dict[str, Any] = {}

ANSWERS: dict[str, dict[str, Any]] = {
    "read_patient_summary": {
        "200": {
            "resourceType": "Bundle",
            "type": "document",
            "timestamp": "2026-03-02T05:00:00Z",
            "entry": [
                {
                    "fullUrl": "urn:uuid:d13db516-de25-56ca-89c4-28c1286b5a9b",
                    "resource": {
                        "resourceType": "Composition",
                        "status": "final",
                        "title": f"Tóm tắt người bệnh quốc tế / International Patient Summary - {SAMPLE_MARK}",
                    },
                }
            ],
        }
    },
}

REFUSALS: dict[str, tuple[str, ...]] = {
    "read_patient_summary": (
        "step_up_required",
        "level_too_low",
        "not_found",
        "form_not_available",
        "form_needs_valid_document",
        "form_not_installed",
    ),
}

STATUSES = {"form_not_available": 404, "form_needs_valid_document": 409, "form_not_installed": 503}
