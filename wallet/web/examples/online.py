"""Examples of online checks: a gate that checks a code, a holder who shares, presents, and sees who looked."""

from typing import Any

from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, catalogue

_DOCUMENT = "doc_5d7f9012a4c6e8f13b5d7f9012a4c6e8"
_SHARE = "shr_7f9012a4c6e8f13b5d7f9012a4c6e85d"
_CONSENT = "cns_9012a4c6e8f13b5d7f9012a4c6e85d7f"
_PRESENTATION = "prs_12a4c6e8f13b5d7f9012a4c6e85d7f90"
_BATCH = "bat_a4c6e8f13b5d7f9012a4c6e85d7f9012"
_ACCESS = "acs_c6e8f13b5d7f9012a4c6e85d7f9012a4"
_REPORT = "mis_e8f13b5d7f9012a4c6e85d7f9012a4c6"
_ORGANISATION = {
    "id": "vrf_3b5d7f9a1c3e507294b6d8fa1c3e5072",
    "name": {"vi": "Hãng hàng không Mẫu", "en": "Sample Airline"},
}
_PURPOSE = {"purpose": "boarding", "purpose_name": {"vi": "Cửa ra máy bay", "en": "Boarding gate"}}
_GROUND = "Nghị định 69/2024/NĐ-CP"
_TITLE = {"vi": "Giấy phép lái xe", "en": "Driving licence"}
_NAME = {"name": "full_name", "label": {"vi": "Họ, chữ đệm và tên", "en": "Full name"}}
_BIRTH = {"name": "birth_date", "label": {"vi": "Ngày, tháng, năm sinh", "en": "Date of birth"}}
_PICTURE = {"name": "portrait", "label": {"vi": "Ảnh chân dung", "en": "Portrait"}}
_PORTRAIT = {
    "media_type": "image/svg+xml",
    "content": "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=",
    "sha256": "MV9b5bdb2s0k1m3J7vPqXo4hWw8nYt6Ue5Rr2Lc1BaA",
}
_CLAIMS = [_BIRTH | {"value": "1990-05-20"}]
_TEXT = {
    language: catalogue(language)["consent_texts"]["2026-03"].format(
        organisation=_ORGANISATION["name"][language],  # type: ignore[index]
        purpose=_PURPOSE["purpose_name"][language],  # type: ignore[index]
        ground=_GROUND,
    )
    for language in LANGUAGES
}
_CODE = "VL1:6BFOXN%TSMAHN-H3Y8K..."
_CHECK: dict[str, Any] = {
    "verdict": "valid",
    "reasons": ["ok"],
    "accepted": True,
    "checked": ["code", "shape", "key", "signature", "dates", "status", "holder", "policy"],
    "holder_binding": "device",
    "checked_at": "2026-03-02T05:00:00Z",
    "bundle_age_seconds": 12,
    "status_age_seconds": 0,
    "sample_mark": SAMPLE_MARK,
    "data_as_of": "2026-03-01",
    "document": {
        "issuer": {"code": "VN-MAU", "name": {"vi": "Ví Số (cơ quan cấp mẫu)", "en": "Ví Số (sample issuer)"}},
        "utility": {"code": "driving_licence", "version": 1, "title": _TITLE},
        "claims": [_NAME | {"n": 1, "kind": "text", "value": "Nguyễn Văn An"}],
    },
    "ticket": {"name": "match"},
    "share": {"id": _SHARE, "state": "awaiting", "answer_until": "2026-03-02T05:10:00Z"},
}
_ASKED: dict[str, Any] = {
    "id": _SHARE,
    "organisation": _ORGANISATION,
    "desk_name": "Cửa 12",
    **_PURPOSE,
    "legal_ground": _GROUND,
    "document_id": _DOCUMENT,
    "utility": "driving_licence",
    "title": _TITLE,
    "required": [_BIRTH],
    "optional": [_PICTURE],
    "text_version": "2026-03",
    "text": _TEXT,
    "state": "awaiting",
    "asked_at": "2026-03-02T05:00:00Z",
    "answer_until": "2026-03-02T05:10:00Z",
}
_AGREED = _ASKED | {
    "state": "agreed",
    "decided_at": "2026-03-02T05:00:20Z",
    "readable_until": "2026-03-02T05:10:20Z",
    "consent_id": _CONSENT,
}
_CONSENTED: dict[str, Any] = {
    "id": _CONSENT,
    "organisation": _ORGANISATION,
    **_PURPOSE,
    "legal_ground": _GROUND,
    "utility": "driving_licence",
    "title": _TITLE,
    "fields": [_BIRTH, _PICTURE],
    "text_version": "2026-03",
    "text": _TEXT,
    "remembered": True,
    "state": "active",
    "given_at": "2026-03-02T05:00:20Z",
    "expires_at": "2026-04-01T05:00:20Z",
}
_PRESENTED: dict[str, Any] = {
    "id": _PRESENTATION,
    "document_id": _DOCUMENT,
    "utility": "driving_licence",
    "title": _TITLE,
    "organisation": _ORGANISATION,
    **_PURPOSE,
    "fields": [_NAME, _BIRTH],
    "consent_id": _CONSENT,
    "state": "ready",
    "created_at": "2026-03-02T05:00:00Z",
    "expires_at": "2026-03-04T05:00:00Z",
}
_PREVIEWED: dict[str, Any] = {
    "document_id": _DOCUMENT,
    "utility": "driving_licence",
    "title": _TITLE,
    "organisation": _ORGANISATION,
    **_PURPOSE,
    "legal_ground": _GROUND,
    "required": [],
    "optional": [_BIRTH, _NAME, _PICTURE],
    "text_version": "2026-03",
    "text": _TEXT,
    "expires_at": "2026-03-04T05:00:00Z",
}
_LIST: dict[str, Any] = {
    "id": _BATCH,
    "purpose": "boarding",
    "state": "working",
    "total": 2,
    "done": 1,
    "created_at": "2026-03-02T05:00:00Z",
    "expires_at": "2026-03-03T05:00:00Z",
    "results": [{"position": 0, "result": "match", "name": "match", "birth_date": "match"}, {"position": 1}],
}
_REPORTED: dict[str, Any] = {
    "id": _REPORT,
    "organisation": _ORGANISATION,
    "desk_id": "vsd_9e1c3b5d7f0a2b4c6d8e0f1a3c5e7092",
    "purpose": "boarding",
    "reason": "not_there",
    "accessed_at": "2026-03-02T05:00:00Z",
    "created_at": "2026-03-02T06:00:00Z",
    "state": "open",
}
_WORDS = "Hôm đó tôi ở nhà, không đi máy bay."

BODIES: dict[str, Any] = {
    "check_code_for_desk": {
        "code": _CODE,
        "purpose": "boarding",
        "claims": ["full_name", "birth_date"],
        "optional": ["portrait"],
        "name_on_ticket": "NGUYEN VAN AN",
    },
    "check_in": {"purpose": "boarding", "presentation": _PRESENTATION, "name_on_ticket": "AN NGUYENVAN MR"},
    "begin_batch": {
        "purpose": "boarding",
        "passengers": [
            {"name": "NGUYEN VAN AN", "birth_date": "1990-05-20", "presentation": _PRESENTATION},
            {"name": "TRAN THI BINH", "birth_date": "1988-01-02"},
        ],
    },
    "hand_in_receipts": {
        "receipts": [
            {
                "id": "r-20260302-0001",
                "document_id": _DOCUMENT,
                "checked_at": "2026-03-02T04:55:00Z",
                "purpose": "boarding",
                "verdict": "valid",
                "reasons": ["ok"],
            }
        ],
        "counts": {"valid": 120, "invalid": 2, "cannot_tell": 1},
    },
    "decide_share": {"decision": "agree", "fields": ["portrait"], "remember": True, "remember_days": 30},
    "present_document": {
        "organisation": _ORGANISATION["id"],
        "purpose": "boarding",
        "fields": ["full_name", "birth_date"],
    },
    "report_misuse": {"reason": "not_there", "text": _WORDS},
    "close_misuse_report": {},
}
ANSWERS: dict[str, dict[str, Any]] = {
    "check_code_for_desk": {"200": _CHECK},
    "read_share": {
        "200": {
            "id": _SHARE,
            "state": "agreed",
            "readable_until": "2026-03-02T05:10:20Z",
            "claims": _CLAIMS,
            "portrait": _PORTRAIT,
        }
    },
    "check_in": {
        "201": {
            "id": "cin_f13b5d7f9012a4c6e85d7f9012a4c6e8",
            "checked_in_at": "2026-03-02T05:00:00Z",
            "utility": "driving_licence",
            "holder_binding": "none",
            "ticket": {"name": "match"},
            "claims": [_BIRTH | {"value": "1990-05-20"}, _NAME | {"value": "Nguyễn Văn An"}],
        }
    },
    "begin_batch": {"202": _LIST | {"done": 0, "results": [{"position": 0}, {"position": 1}]}},
    "read_batch": {"200": _LIST},
    "list_shares": {"200": {"data": [_ASKED], "next_cursor": None}},
    "decide_share": {"200": _AGREED},
    "list_consents": {"200": {"data": [_CONSENTED], "next_cursor": None}},
    "preview_presentation": {"200": _PREVIEWED},
    "present_document": {"201": _PRESENTED},
    "list_presentations": {"200": {"data": [_PRESENTED], "next_cursor": None}},
    "read_presentation": {"200": _PRESENTED | {"state": "used", "used_at": "2026-03-03T01:00:00Z"}},
    "report_misuse": {"201": {"id": _REPORT, "access_id": _ACCESS, "reason": "not_there"}},
    "list_misuse_reports": {"200": {"data": [_REPORTED], "next_cursor": None}},
    "read_misuse_report": {"200": _REPORTED | {"access_id": _ACCESS, "text": _WORDS}},
    "close_misuse_report": {"200": _REPORTED | {"state": "closed", "closed_at": "2026-03-02T07:00:00Z"}},
}
REFUSALS: dict[str, tuple[str, ...]] = {
    "check_code_for_desk": ("claim_not_registered", "purpose_not_registered", "too_many_checks", "too_many_citizens"),
    "read_share": ("not_found",),
    "check_in": (
        *("already_used", "wrong_audience", "presentation_over", "document_not_valid", "code_refused"),
        *("ticket_differs", "live_code_needed", "not_found"),
    ),
    "begin_batch": ("claim_not_registered", "purpose_not_registered", "too_many_lists", "invalid_input"),
    "read_batch": ("not_found",),
    "hand_in_receipts": ("too_many_receipts", "invalid_input"),
    "list_shares": ("invalid_cursor",),
    "decide_share": ("share_closed", "document_not_valid", "cooling_off", "step_up_required", "not_found"),
    "list_consents": ("invalid_cursor",),
    "withdraw_consent": ("consent_over", "not_found"),
    "preview_presentation": ("document_not_valid", "not_found", "invalid_input"),
    "present_document": ("document_not_valid", "cooling_off", "step_up_required", "not_found", "invalid_input"),
    "list_presentations": ("invalid_cursor",),
    "read_presentation": ("not_found",),
    "withdraw_presentation": ("already_used", "presentation_over", "not_found"),
    "report_misuse": ("already_reported", "not_found", "invalid_input"),
    "list_misuse_reports": ("not_allowed",),
    "read_misuse_report": ("not_found", "too_many_reads"),
    "close_misuse_report": ("report_closed", "not_found"),
}
STATUSES = {
    "already_used": 409,
    "wrong_audience": 403,
    "presentation_over": 409,
    "document_not_valid": 409,
    "code_refused": 409,
    "ticket_differs": 409,
    "live_code_needed": 409,
    "share_closed": 409,
    "consent_over": 409,
    "already_reported": 409,
    "report_closed": 409,
    "claim_not_registered": 403,
    "purpose_not_registered": 403,
    "too_many_checks": 429,
    "too_many_citizens": 429,
    "too_many_lists": 429,
    "too_many_receipts": 429,
}
