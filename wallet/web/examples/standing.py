"""Examples of locking and unlocking, of wards, of organisations."""

from typing import Any

_ACCOUNT = "acc_1c3e5b7d9f2a4c6e8092b4d6f8a0c1e3"
_WARD = "acc_3e5b7d9f2a4c6e8092b4d6f8a0c1e31c"
_OFFICER = "acc_5b7d9f2a4c6e8092b4d6f8a0c1e31c3e"
_APPROVER = "acc_7d9f2a4c6e8092b4d6f8a0c1e31c3e5b"
_AUTHORITY = "Cơ quan Cảnh sát điều tra Công an thành phố Hà Nội"
_REF = "12/2026/YC-CSĐT"

_RECEIVED: dict[str, Any] = {
    "id": "lko_9f2a4c6e8092b4d6f8a0c1e31c3e5b7d",
    "account_id": _ACCOUNT,
    "kind": "lock",
    "ground": "authority_request",
    "authority": _AUTHORITY,
    "legal_ref": _REF,
    "state": "received",
    "overdue": False,
    "received_by": _OFFICER,
    "received_at": "2026-03-02T05:00:00Z",
    "forward_due_at": "2026-03-03T17:00:00Z",
}
_FORWARDED = _RECEIVED | {
    "state": "forwarded",
    "forwarded_by": _OFFICER,
    "forwarded_at": "2026-03-02T06:00:00Z",
    "decision_due_at": "2026-03-04T17:00:00Z",
}
_GRANTED = _FORWARDED | {"state": "granted", "decided_by": _APPROVER, "decided_at": "2026-03-03T02:00:00Z"}
_WARD_SEEN: dict[str, Any] = {
    "account_id": _WARD,
    "relation": "father",
    "since": "2026-03-02T05:00:00Z",
    "account_level": 1,
    "state": "approved",
    "full_name": "Nguyễn Mẫu Minh",
    "birth_date": "2016-09-05",
}
_ORGANISATION: dict[str, Any] = {
    "id": "org_2a4c6e8092b4d6f8a0c1e31c3e5b7d9f",
    "enterprise_code": "0990000001",
    "tax_code": "0990000001",
    "name": "Công ty TNHH Mẫu An",
    "head_office": "Số 12, ngõ 34, đường Nguyễn Khang, phường Nghĩa Đô, Hà Nội",
    "founded_on": "2019-04-01",
    "state": "active",
    "received_at": "2026-03-02T05:00:00Z",
    "due_at": "2026-03-05T17:00:00Z",
    "decided_at": "2026-03-02T05:00:00Z",
}
_CASE: dict[str, Any] = {
    name: value for name, value in _ORGANISATION.items() if name not in ("decided_at", "founded_on")
} | {
    "state": "pending",
    "due_at": "2026-03-17T05:00:00Z",
    "representative_account_id": _ACCOUNT,
    "overdue": False,
}

BODIES: dict[str, Any] = {
    "lock_at_desk": {"number": "099090000001", "ground": "card_revoked", "legal_ref": "45/QĐ-CAHN"},
    "unlock_at_desk": {
        "number": "099090000001",
        "form": {"full_name": "Nguyễn Mẫu An", "birth_date": "1990-06-15"},
    },
    "receive_lock_order": {"account_id": _ACCOUNT, "kind": "lock", "authority": _AUTHORITY, "legal_ref": _REF},
    "decide_lock_order": {"decision": "grant"},
    "register_ward": {"number": "099216000071"},
    "register_organisation": {"enterprise_code": "0990000001"},
    "decide_organisation": {"decision": "approve"},
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "lock_at_desk": {
        "201": {
            "account_id": _ACCOUNT,
            "state": "locked",
            "ground": "card_revoked",
            "legal_ref": "45/QĐ-CAHN",
            "locked_at": "2026-03-02T05:00:00Z",
        }
    },
    "unlock_at_desk": {"201": {"account_id": _ACCOUNT, "state": "active"}},
    "receive_lock_order": {"201": _RECEIVED},
    "list_lock_orders": {"200": {"data": [_RECEIVED], "next_cursor": None}},
    "read_lock_order": {"200": _FORWARDED},
    "forward_lock_order": {"201": _FORWARDED},
    "decide_lock_order": {"201": _GRANTED},
    "register_ward": {"201": _WARD_SEEN},
    "list_wards": {"200": {"data": [_WARD_SEEN]}},
    "register_organisation": {"201": _ORGANISATION},
    "list_sources": {
        "200": {
            "data": [
                {"code": "population", "name": "dân cư", "kind": "embedded"},
                {
                    "code": "residence",
                    "name": "cư trú",
                    "kind": "partner",
                    "place": "https://api.example.vn",
                    "state": "open",
                    "failures_in_a_row": 5,
                    "last_answer_at": "2026-03-02T04:58:10Z",
                    "last_failure_at": "2026-03-02T04:59:30Z",
                    "last_reason": "timeout",
                    "outcomes": {"answered": 812, "unknown": 3, "timeout": 5, "left_alone": 2},
                },
            ]
        }
    },
    "list_organisations": {"200": {"data": [_ORGANISATION]}},
    "list_organisation_cases": {"200": {"data": [_CASE], "next_cursor": None}},
    "decide_organisation": {"201": _CASE | {"state": "active", "decided_at": "2026-03-03T02:00:00Z"}},
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "lock_own_account": ("step_up_required",),
    "lock_at_desk": (
        *("step_up_required", "not_allowed", "account_unknown", "ground_not_yours"),
        *("account_not_active", "ground_stands", "death_not_recorded", "source_unavailable"),
    ),
    "unlock_at_desk": ("step_up_required", "not_allowed", "account_unknown", "account_not_locked", "ground_remains"),
    "receive_lock_order": ("step_up_required", "not_allowed", "account_unknown", "account_closed"),
    "list_lock_orders": ("not_allowed", "invalid_cursor"),
    "read_lock_order": ("not_allowed", "not_found"),
    "forward_lock_order": ("step_up_required", "not_allowed", "not_found", "order_closed"),
    "decide_lock_order": (
        *("step_up_required", "not_allowed", "self_approval", "not_found"),
        *("order_closed", "ground_remains", "ground_stands"),
    ),
    "register_ward": ("too_many_attempts", "not_your_ward", "ward_of_age", "ward_card_not_valid", "person_deceased"),
    "list_wards": ("level_too_low",),
    "register_organisation": ("not_representative", "organisation_dissolved", "already_exists", "source_unavailable"),
    "list_sources": ("not_allowed",),
    "list_organisations": ("level_too_low",),
    "list_organisation_cases": ("not_allowed", "invalid_cursor"),
    "decide_organisation": ("step_up_required", "not_allowed", "self_approval", "not_found", "order_closed"),
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {
    "ground_not_yours": 403,
    "not_your_ward": 403,
    "not_representative": 403,
    "account_unknown": 404,
    "account_not_active": 409,
    "account_not_locked": 409,
    "account_closed": 409,
    "account_locked": 409,
    "ground_remains": 409,
    "ground_stands": 409,
    "death_not_recorded": 409,
    "order_closed": 409,
    "ward_of_age": 409,
    "ward_card_not_valid": 409,
    "person_deceased": 409,
    "organisation_dissolved": 409,
    "already_exists": 409,
    "source_unavailable": 503,
}
"""Problem code to the status that it comes with."""
