"""Examples of enrolment: registering at home, and the desk."""

from typing import Any

from wallet.enrolment.consent import STATEMENTS, VERSIONS

_REGISTRATION = "reg_3d5f7092b4d6f8a1c3e5072d5e7a9c1b"
_APPLICATION = "app_7092b4d6f8a1c3e5072d5e7a9c1b3d5f"
_OFFICER = "acc_5e7a9c1b3d5f7092b4d6f8a1c3e5072d"
_SAMPLE = "VlNCMUEf8Q0JBQ"
_RECEIVED: dict[str, Any] = {
    "registration_id": _REGISTRATION,
    "state": "received",
    "due_at": "2026-03-03T17:00:00Z",
    "next_poll_after": "2026-03-02T05:00:30Z",
}
_FORM: dict[str, Any] = {
    "full_name": "Trần Thị Mẫu Bình",
    "birth_date": "1998-09-03",
    "phone": "0999000002",
    "papers": ["health_insurance"],
}
_CARD: dict[str, Any] = {"number": "099198000002", "issued": "2021-06-01"}
_SUMMARY: dict[str, Any] = {
    "id": _APPLICATION,
    "kind": "level_2",
    "state": "recorded",
    "agency": "Công an phường mẫu, Hà Nội",
    "province": "01",
    "received_at": "2026-03-02T05:00:00Z",
    "due_at": "2026-03-05T17:00:00Z",
    "overdue": False,
    "matched": True,
    "checks": {
        "person": "matched",
        "age": "matched",
        "phone": "own",
        "card": "valid",
        "face": "matched",
        "finger": "matched",
    },
    "recorded_by": _OFFICER,
}
_WHOLE: dict[str, Any] = _SUMMARY | {"scores": {"face": 0.7071, "finger": 0.6588}}

BODIES: dict[str, Any] = {
    "register_at_home": {
        "number": "099090000001",
        "full_name": "Nguyễn Mẫu An",
        "birth_date": "1990-06-15",
        "phone": "0999000001",
        "face_sample": _SAMPLE,
        "device_id": "dev_9a1c3e5b7d9f20416c8e0a2b4d6f8071",
        "public_key": {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        "consent": True,
        "consent_version": VERSIONS[0],
    },
    "read_card_text": {"text": "099099000123||Nguyễn Văn An|05021999|Nam|Tổ 5, Phường Nghĩa Đô, Hà Nội|15042021"},
    "record_application": {
        "number": "099198000002",
        "form": _FORM,
        "card": _CARD,
        "face_sample": _SAMPLE,
        "finger_sample": "VlNCMUYf8Q0JBQ",
        "consent": {"given": True, "version": VERSIONS[0], "statements": list(STATEMENTS)},
    },
    "decide_application": {"decision": "approve"},
}

ANSWERS: dict[str, dict[str, Any]] = {
    "register_at_home": {"202": _RECEIVED},
    "read_registration": {"200": _RECEIVED | {"state": "answered"}},
    "read_card_text": {
        "200": {
            "number": "099099000123",
            "full_name": "Nguyễn Văn An",
            "birth_date": "1999-02-05",
            "sex": "Nam",
            "permanent_address": "Tổ 5, Phường Nghĩa Đô, Hà Nội",
            "card_issued": "2021-04-15",
            "rest": [],
        }
    },
    "record_application": {"201": _WHOLE},
    "list_applications": {"200": {"data": [_SUMMARY], "next_cursor": None}},
    "read_application": {"200": _WHOLE | {"form": {"number": "099198000002", **_FORM, "card": _CARD}}},
    "decide_application": {
        "200": _WHOLE
        | {
            "state": "approved",
            "decided_by": "acc_7092b4d6f8a1c3e5072d5e7a9c1b3d5f",
            "decided_at": "2026-03-02T06:00:00Z",
            "account_id": "acc_1c3e5b7d9f2a4c6e8092b4d6f8a0c1e3",
        }
    },
}

REFUSALS: dict[str, tuple[str, ...]] = {
    "register_at_home": ("invalid_input", "too_many_attempts"),
    "read_registration": ("not_found",),
    "read_card_text": ("not_allowed", "invalid_input"),
    "record_application": ("not_an_immigration_office", "self_enrolment", "already_level_two"),
    "list_applications": ("not_allowed", "invalid_cursor"),
    "read_application": ("not_found", "too_many_reads"),
    "decide_application": ("self_approval", "application_closed", "application_unmatched", "card_not_valid"),
}

STATUSES = {
    "too_many_attempts": 429,
    "too_many_reads": 429,
    "not_an_immigration_office": 403,
    "self_enrolment": 403,
    "already_level_two": 409,
    "application_closed": 409,
    "application_unmatched": 409,
    "card_not_valid": 409,
}
