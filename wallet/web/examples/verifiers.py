"""Examples of verifiers: an airline that is let in, its purposes, its desks and their keys."""

from typing import Any

_ID = "vrf_3b5d7f9a1c3e507294b6d8fa1c3e5072"
_DESK = "vsd_9e1c3b5d7f0a2b4c6d8e0f1a3c5e7092"
_NAME = {"vi": "Hãng hàng không Mẫu", "en": "Sample Airline"}
_PURPOSE: dict[str, Any] = {
    "code": "boarding",
    "kind": "gate",
    "title": {"vi": "Cửa ra máy bay", "en": "Boarding gate"},
    "legal_ground": "Nghị định 69/2024/NĐ-CP",
    "claims": {"driving_licence": ["birth_date", "full_name"]},
    "portrait": True,
    "quotas": {"citizens_an_hour": 2000, "checks_a_minute": 60},
}

BODIES: dict[str, Any] = {}
ANSWERS: dict[str, dict[str, Any]] = {
    "read_own_desk": {
        "200": {
            "id": _DESK,
            "name": "Cửa 12",
            "gate_id": "HAN-T1-12",
            "organisation": {"id": _ID, "name": _NAME},
            "test": True,
            "purposes": [_PURPOSE | {"strict_ground": ""}],
        }
    },
}
REFUSALS: dict[str, tuple[str, ...]] = {"read_own_desk": ("dependency_unavailable",)}
STATUSES = {"desk_key_missing": 401, "invalid_desk_key": 401}
