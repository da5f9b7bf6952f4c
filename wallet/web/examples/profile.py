"""Examples of the profile: settings, export, corrections and the end of an account."""

from typing import Any

from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, both, catalogue

_ACCOUNT = "acc_1c3e5b7d9f2a4c6e8092b4d6f8a0c1e3"
_CORRECTION = "cor_3b5d7f9012a4c6e8f1a3c5e7092b4d6f"
_SETTINGS: dict[str, Any] = {
    "language": "vi",
    "optional_sms": True,
    "email": "an@example.vn",
    "phone_masked": "•••••••••001",
    "notice_kinds": [
        {"code": "device_bound", "sms": True, "optional": False},
        {"code": "correction_answered", "sms": True, "optional": True},
    ],
}
_EFFECTS: dict[str, Any] = {
    "documents_revoked": 2,
    "sessions_ended": 1,
    "devices_unbound": 1,
    "passkeys_removed": 0,
    "relations_ended": 0,
    "ceremonies_ended": 0,
    "applications_ended": 0,
    "corrections_ended": 1,
    "requests_ended": 1,
    "notices_erased": 14,
}


def _summary(state: str) -> dict[str, Any]:
    return {
        "id": _CORRECTION,
        "register": "residence",
        "fact": "permanent_since",
        "owner": {"code": "commune_police", "name": both("agencies", "commune_police")},
        "state": state,
        "meaning": both("correction_states", state),
        "created_at": "2026-03-02T05:00:00Z",
        "receipt_due_at": "2026-03-04T17:00:00Z",
        "due_at": "2026-03-12T17:00:00Z",
    }


_STATED: dict[str, Any] = {
    "should_be": "2016-05-20",
    "explanation": "Ngày đăng ký thường trú bị nhập nhầm năm; sổ hộ khẩu cũ ghi năm 2016.",
    "evidence": [
        {
            "id": "evd_5d7f9012a4c6e8f13b5d7f9012a4c6e8",
            "media_type": "image/jpeg",
            "size": 184320,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
    ],
}
_DECIDED: dict[str, Any] = {
    "decided_at": "2026-03-05T03:00:00Z",
    "answer": "Đã đối chiếu hồ sơ gốc; ngày đăng ký sẽ được sửa.",
}
_PAGE = {"data": [_summary("received")], "next_cursor": None}

BODIES: dict[str, Any] = {
    "change_settings": {"language": "en", "optional_sms": False},
    "export_everything": {},
    "submit_correction": {
        "register": "residence",
        "fact": "permanent_since",
        "should_be": _STATED["should_be"],
        "explanation": _STATED["explanation"],
        "evidence": [{"media_type": "application/pdf", "content": "JVBERi0xLjQKJSVFT0YK"}],
    },
    "decide_correction": {"decision": "accept", "answer": _DECIDED["answer"]},
    "close_account": {"confirm": "close"},
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "read_settings": {"200": _SETTINGS},
    "change_settings": {"200": _SETTINGS | {"language": "en", "optional_sms": False}},
    "export_everything": {
        "201": {
            "schema_version": 1,
            "made_at": "2026-03-02T05:00:00Z",
            "account_id": _ACCOUNT,
            "sample_mark": SAMPLE_MARK,
            "sections": [
                {
                    "code": "history",
                    "title": {language: catalogue(language)["held"]["history"]["title"] for language in LANGUAGES},
                    "explanation": {
                        language: catalogue(language)["held"]["history"]["explanation"] for language in LANGUAGES
                    },
                    "complete": True,
                    "rows": [
                        {
                            "at": "2026-03-02T05:00:00Z",
                            "action": "source.read",
                            "actor": "you",
                            "purpose": "issue_document",
                            "source": "residence",
                            "outcome": "answered",
                        }
                    ],
                }
            ],
        }
    },
    "preview_closure": {"200": {"effects": _EFFECTS, "blocked_by": []}},
    "close_account": {"201": {"closed_at": "2026-03-02T05:00:00Z", "effects": _EFFECTS}},
    "submit_correction": {"201": _summary("received") | _STATED},
    "list_corrections": {"200": _PAGE},
    "read_correction": {"200": _summary("accepted") | _STATED | _DECIDED},
    "list_corrections_for_desk": {
        "200": {"data": [_summary("received") | {"province": "01"}], "next_cursor": None},
    },
    "read_correction_for_desk": {
        "200": _summary("forwarded")
        | _STATED
        | {
            "province": "01",
            "holder": {"full_name": "Nguyễn Mẫu An", "number": "099090000001", "birth_date": "1990-06-15"},
        }
    },
    "decide_correction": {"200": _summary("accepted") | _STATED | _DECIDED},
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "change_settings": ("version_changed", "if_match_required", "phone_missing", "invalid_input"),
    "export_everything": ("step_up_required", "cooling_off", "too_many_attempts"),
    "preview_closure": ("step_up_required",),
    "close_account": (
        *("step_up_required", "cooling_off", "wards_depend_on_you", "organisations_depend_on_you"),
        "procedure_unfinished",
    ),
    "submit_correction": ("invalid_input", "not_in_register", "body_too_large", "too_many_attempts"),
    "list_corrections": ("invalid_cursor",),
    "read_correction": ("not_found",),
    "read_evidence": ("not_found",),
    "list_corrections_for_desk": ("not_allowed", "invalid_cursor"),
    "read_correction_for_desk": ("not_found", "not_for_oneself", "too_many_reads"),
    "read_evidence_for_desk": ("not_found", "not_for_oneself", "too_many_reads"),
    "decide_correction": ("step_up_required", "not_found", "correction_closed", "not_for_oneself"),
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {
    "phone_missing": 409,
    "if_match_required": 428,
    "not_in_register": 409,
    "body_too_large": 413,
    "too_many_attempts": 429,
    "too_many_reads": 429,
    "cooling_off": 403,
    "wards_depend_on_you": 409,
    "organisations_depend_on_you": 409,
    "procedure_unfinished": 409,
    "correction_closed": 409,
    "not_for_oneself": 403,
}
"""Problem code to the status that it comes with."""
