"""Examples of utilities as data: one that is proposed and agreed to."""

from typing import Any

_ID = "def_1c3e5a7b9d0f2a4c6e8b0d1f3a5c7e90"
_APPROVAL = "apr_6d8f0a2c4e6b8d0f1a3c5e7b9d2f4a6c"
_ADMIN = "acc_5e7a9c1b3d5f7092b4d6f8a1c3e5072d"
_SECOND = "acc_7b9d1f3a5c7e9012b4d6f8a0c2e4a6b8"

DEFINITION: dict[str, Any] = {
    "code": "library_card",
    "title": {"vi": "Cấp thẻ thư viện", "en": "Library card"},
    "agency": {"code": "library", "name": {"vi": "Thư viện tỉnh", "en": "Library of the province"}},
    "rules": [{"version": "1", "effective_from": "2026-01-01", "legal_basis": "Quyết định 1/2026/QĐ-UBND (ví dụ)"}],
    "document": {
        "title": {"vi": "Thẻ thư viện", "en": "Library card"},
        "validity_days": 365,
        "claims": [
            {
                "number": 1,
                "name": "full_name",
                "label": {"vi": "Họ, chữ đệm và tên", "en": "Full name"},
                "source": "population",
                "paper": "required",
            }
        ],
    },
}
_SUMMARY: dict[str, Any] = {
    "id": _ID,
    "code": "library_card",
    "version": 1,
    "state": "awaiting",
    "comment": "Thẻ dùng chung cho các thư viện trong tỉnh.",
    "approval": _APPROVAL,
    "proposed_by": _ADMIN,
    "proposed_at": "2026-03-02T05:00:00Z",
}
_WHOLE = _SUMMARY | {"definition": DEFINITION}

BODIES: dict[str, Any] = {
    "propose_definition": {"definition": DEFINITION, "comment": "Thẻ dùng chung cho các thư viện trong tỉnh."},
    "decide_definition": {"decision": "approve"},
}
ANSWERS: dict[str, dict[str, Any]] = {
    "propose_definition": {"201": _WHOLE},
    "list_definitions": {"200": {"data": [_SUMMARY]}},
    "read_definition": {"200": _WHOLE},
    "decide_definition": {
        "200": _WHOLE | {"state": "approved", "decided_by": _SECOND, "decided_at": "2026-03-02T06:00:00Z"}
    },
}
REFUSALS: dict[str, tuple[str, ...]] = {
    "propose_definition": ("not_allowed", "definition_refused", "approval_pending"),
    "list_definitions": ("not_allowed",),
    "read_definition": ("not_allowed", "not_found"),
    "decide_definition": ("self_approval", "approval_closed", "approval_expired", "not_found"),
}
STATUSES: dict[str, int] = {"definition_refused": 422, "approval_pending": 409, "approval_expired": 409}
