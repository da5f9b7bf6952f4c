"""Examples of verifiers: an airline that is let in, its purposes, its desks and their keys."""

from typing import Any

_ID = "vrf_3b5d7f9a1c3e507294b6d8fa1c3e5072"
_DESK_ID = "vsd_9e1c3b5d7f0a2b4c6d8e0f1a3c5e7092"
_ADMIN = "acc_5e7a9c1b3d5f7092b4d6f8a1c3e5072d"
_APPROVAL = "apr_6d8f0a2c4e6b8d0f1a3c5e7b9d2f4a6c"
_NAME = {"vi": "Hãng hàng không Mẫu", "en": "Sample Airline"}
_AT = "2026-03-02T05:00:00Z"
_ORDERED: dict[str, Any] = {
    "code": "car_rental",
    "kind": "counter",
    "title": {"vi": "Cho thuê xe ở sân bay", "en": "Car rental at the airport"},
    "legal_ground": "Nghị định 69/2024/NĐ-CP",
    "claims": {"driving_licence": ["birth_date", "classes", "full_name"]},
    "portrait": True,
    "quotas": {"citizens_an_hour": 200, "checks_a_minute": 20},
}
_PURPOSE = _ORDERED | {"strict_ground": ""}
_FEWER = _PURPOSE | {"claims": {"driving_licence": ["classes", "full_name"]}}
_VERIFIER: dict[str, Any] = {
    "id": _ID,
    "name": _NAME,
    "enterprise_code": "0100107518",
    "template": "airline",
    "legal_ground": "Nghị định 69/2024/NĐ-CP",
    "purposes": [_PURPOSE],
    "state": "active",
    "test": True,
    "version": 2,
    "registered_by": _ADMIN,
    "registered_at": _AT,
    "changed_at": _AT,
}
_AWAITING: dict[str, Any] = {
    "approval": _APPROVAL,
    "state": "awaiting_approval",
    "wish": "register",
    "purposes": [_PURPOSE],
    "comment": "Hợp đồng 12/2026",
    "requested_by": _ADMIN,
    "requested_at": _AT,
    "expires_at": "2026-03-09T05:00:00Z",
}
_REGISTERED = _VERIFIER | {"purposes": [], "state": "awaiting_approval", "version": 1, "awaiting": _AWAITING}
_RESUMING = {name: value for name, value in _AWAITING.items() if name != "purposes"} | {"wish": "resume"}
_SUSPENDED = _VERIFIER | {"state": "suspended", "reason": "misuse", "version": 3}
_DESK: dict[str, Any] = {
    "id": _DESK_ID,
    "verifier_id": _ID,
    "name": "Quầy 12",
    "gate_id": "HAN-T1-12",
    "purposes": ["car_rental"],
    "state": "active",
    "created_by": _ADMIN,
    "created_at": _AT,
}
_KEY = "vsd_test_9e1c3b5d7f0a2b4c6d8e0f1a3c5e7092_" + "5f" * 32

BODIES: dict[str, Any] = {
    "register_verifier": {
        "name": _NAME,
        "enterprise_code": "0100107518",
        "template": "airline",
        "legal_ground": "Nghị định 69/2024/NĐ-CP",
        "purposes": [_ORDERED],
        "comment": "Hợp đồng 12/2026",
    },
    "change_verifier_purposes": {"purposes": [_FEWER], "comment": "Không cần ngày sinh."},
    "decide_verifier": {"approval": _APPROVAL, "decision": "approve"},
    "suspend_verifier": {"reason": "misuse"},
    "resume_verifier": {"comment": "Đã làm rõ."},
    "end_verifier": {"reason": "ground_ended"},
    "create_verifier_desk": {"name": "Quầy 12", "gate_id": "HAN-T1-12", "purposes": ["car_rental"]},
    "rotate_verifier_desk_key": {"overlap_seconds": 600},
}
ANSWERS: dict[str, dict[str, Any]] = {
    "list_verifier_templates": {
        "200": {
            "data": [
                {
                    "code": "airline",
                    "title": {"vi": "Hãng hàng không", "en": "Airline"},
                    "purposes": [_PURPOSE],
                }
            ]
        }
    },
    "register_verifier": {"202": _REGISTERED},
    "list_verifiers": {"200": {"data": [_VERIFIER], "next_cursor": None}},
    "read_verifier": {"200": _REGISTERED},
    "change_verifier_purposes": {
        "200": _VERIFIER | {"purposes": [_FEWER], "version": 3},
        "202": _VERIFIER | {"awaiting": _AWAITING | {"wish": "change_purposes"}},
    },
    "decide_verifier": {"200": _VERIFIER},
    "suspend_verifier": {"200": _SUSPENDED},
    "resume_verifier": {"202": _SUSPENDED | {"awaiting": _RESUMING}},
    "end_verifier": {"200": _VERIFIER | {"state": "ended", "reason": "ground_ended", "version": 3}},
    "create_verifier_desk": {"201": _DESK | {"key": _KEY}},
    "list_verifier_desks": {"200": {"data": [_DESK], "next_cursor": None}},
    "read_verifier_desk": {"200": _DESK},
    "rotate_verifier_desk_key": {
        "201": _DESK | {"key": _KEY, "rotated_at": _AT, "former_until": "2026-03-02T05:10:00Z"}
    },
    "read_own_desk": {
        "200": {
            "id": _DESK_ID,
            "name": "Quầy 12",
            "gate_id": "HAN-T1-12",
            "organisation": {"id": _ID, "name": _NAME},
            "test": True,
            "purposes": [_PURPOSE],
        }
    },
}
REFUSALS: dict[str, tuple[str, ...]] = {
    "list_verifier_templates": ("not_allowed",),
    "register_verifier": ("not_allowed", "invalid_input"),
    "list_verifiers": ("not_allowed", "invalid_cursor"),
    "read_verifier": ("not_allowed", "not_found"),
    "change_verifier_purposes": ("not_allowed", "invalid_input", "approval_pending", "verifier_over", "not_found"),
    "decide_verifier": (
        "self_approval",
        "approval_closed",
        "approval_expired",
        "verifier_changed",
        "not_allowed",
        "not_found",
    ),
    "suspend_verifier": ("not_allowed", "verifier_not_active", "not_found"),
    "resume_verifier": ("not_allowed", "verifier_not_suspended", "approval_pending", "not_found"),
    "end_verifier": ("not_allowed", "verifier_over", "not_found"),
    "create_verifier_desk": (
        "not_allowed",
        "step_up_required",
        "invalid_input",
        "verifier_not_active",
        "too_many_desks",
        "gate_taken",
        "not_found",
    ),
    "list_verifier_desks": ("not_allowed", "not_found"),
    "read_verifier_desk": ("not_allowed", "not_found"),
    "rotate_verifier_desk_key": ("not_allowed", "step_up_required", "desk_revoked", "not_found"),
    "revoke_verifier_desk": ("not_allowed", "not_found"),
    "read_own_desk": ("dependency_unavailable",),
}
STATUSES = {
    "desk_key_missing": 401,
    "invalid_desk_key": 401,
    "desk_key_suspended": 401,
    "verifier_over": 409,
    "verifier_changed": 409,
    "verifier_not_active": 409,
    "verifier_not_suspended": 409,
    "too_many_desks": 409,
    "gate_taken": 409,
    "desk_revoked": 409,
}
