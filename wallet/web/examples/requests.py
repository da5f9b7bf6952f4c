"""Examples of requests, the review desk, payments and what a utility shows."""

from typing import Any

from wallet.texts.catalogue import both

_REQUEST = "req_7d1e3f5a9c2b4d6e8f0a1c3e5b7d9f20"
_DOCUMENT = "doc_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e"
_FILE = "evd_3b5d7f9a1c2e4061b3d5f7092a4c6e81"
_OFFICER = "acc_6f8b0d2e4a6c8193c5e7092b4d6f8a1e"
_AT = "2026-03-02T05:00:00Z"
_ISSUED: dict[str, Any] = {"vi": "Đã có kết quả", "en": "Issued"}
_SENT: dict[str, Any] = {"vi": "Nộp hồ sơ", "en": "Send"}
_SUBMITTED: dict[str, Any] = {"vi": "Chờ tiếp nhận", "en": "Submitted"}
_FEE: list[dict[str, Any]] = [
    {"code": "fee", "name": {"vi": "Phí", "en": "Fee"}, "amount": 200_000},
    {"code": "support", "name": {"vi": "Hỗ trợ", "en": "Support"}, "amount": -200_000},
]
_ASKED: dict[str, Any] = {
    "id": _REQUEST,
    "number": "HS-7D1E-3F5A-9C2B",
    "utility": "residence",
    "utility_version": 1,
    "rules_version": "2024-01",
    "capacity": "self",
    "state": "issued",
    "state_name": _ISSUED,
    "created_at": _AT,
    "updated_at": _AT,
    "submitted_at": _AT,
    "apologies": 0,
    "fee": [],
    "fee_due": 0,
    "document_id": _DOCUMENT,
}
_LYING: dict[str, Any] = {
    **{name: value for name, value in _ASKED.items() if name != "document_id"},
    "utility": "judicial_record",
    "rules_version": "2026-07-01",
    "state": "submitted",
    "state_name": _SUBMITTED,
    "due_at": "2026-03-05T17:00:00Z",
    "fee": _FEE,
    "province": "01",
    "clock": "on_time",
    "late_steps": [],
}
_TIMELINE: list[dict[str, Any]] = [
    {
        "at": _AT,
        "action": "submit",
        "action_name": _SENT,
        "state": "issued",
        "state_name": _ISSUED,
        "by": "holder",
    }
]
_NOTHING: dict[str, Any] = {
    "answers": {},
    "files": [],
    "steps": [],
    "agreements": [],
    "papers": [],
    "actions": [],
    "moves": [],
    "warnings": [],
}
_ORGANISATION: dict[str, Any] = {
    "id": "org_5a7c9e1b3d5f7092a4c6e8f0a1b3d5f7",
    "enterprise_code": "0099000001",
    "name": "Công ty trách nhiệm hữu hạn Mẫu An",
}
_NOTICE: dict[str, Any] = _ASKED | {
    "utility": "lodging_notice",
    "rules_version": "2021-07",
    "capacity": "business",
    "organisation": _ORGANISATION,
    "state": "sent",
    "state_name": {"vi": "Đã gửi", "en": "Sent"},
}
_WHOLE: dict[str, Any] = _ASKED | _NOTHING | {"timeline": _TIMELINE}
_FILED: dict[str, Any] = {
    "id": _FILE,
    "field": "authority",
    "media_type": "application/pdf",
    "size": 48_213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_PAYMENT: dict[str, Any] = {
    "id": "pay_1c3e5a7092b4d6f8a0c2e4f6081a3c5e",
    "amount": 200_000,
    "state": "open",
    "address": "https://vi.example.vn/v1/sandbox/payments/sim_2d4f6a8c0e1b3d5f7092a4c6e8f0a1b3",
    "opened_at": _AT,
    "expires_at": "2026-03-02T05:30:00Z",
}
_REASON: dict[str, Any] = {
    "code": "photo_unreadable",
    "text": {"vi": "Ảnh không đọc được.", "en": "The picture cannot be read."},
}
_DOUBT: dict[str, Any] = {
    "pointer": "/about/birth_date",
    "code": "birth_year_unlike_number",
    "text": {
        "vi": "Năm sinh đã khai khác với năm sinh trong số định danh. Hồ sơ vẫn được nhận; vui lòng kiểm tra lại.",
        "en": "The year of birth differs from the one in the personal number. It is taken all the same; look again.",
    },
}
_FINDING = {"name": "outcome", "label": {"vi": "Kết quả xác minh", "en": "Result of the check"}}
_OUTCOMES: list[dict[str, Any]] = [
    {"name": "outcome", "code": "confirmed", "label": {"vi": "Đã xác nhận", "en": "Confirmed"}},
    {
        "name": "outcome",
        "code": "unconfirmed",
        "label": {"vi": "Chưa xác nhận được", "en": "Could not be confirmed"},
    },
]
_STEP: dict[str, Any] = {
    "code": "records_department",
    "name": {"vi": "Tra cứu hồ sơ nghiệp vụ", "en": "Look-up of the records"},
    "agency": {"vi": "Cục Hồ sơ nghiệp vụ", "en": "Records Department"},
    "state": "done",
    "opened_at": _AT,
    "due_at": "2026-03-04T17:00:00Z",
    "done_at": _AT,
    "reminders": 0,
    "current": True,
    "found": [{**_FINDING, "value": "confirmed", "codes": _OUTCOMES[:1]}],
}
_OPENED: dict[str, Any] = {
    **{name: value for name, value in _LYING.items() if name != "late_steps"},
    "answers": {"kind": "no_1", "purpose": "job"},
    "files": [_FILED],
    "timeline": [
        {
            "at": _AT,
            "action": "submit",
            "action_name": _SENT,
            "state": "submitted",
            "state_name": _SUBMITTED,
            "by": "holder",
        }
    ],
    "steps": [_STEP],
    "agreements": [],
    "papers": [{"id": "slip-1", "kind": "slip", "made_at": _AT, "due_at": "2026-03-05T17:00:00Z"}],
    "actions": ["withdraw"],
    "moves": [{"action": "withdraw", "name": {"vi": "Rút hồ sơ", "en": "Withdraw"}}],
    "warnings": [_DOUBT],
    "holder": {"full_name": "Nguyễn Mẫu An", "number": "099090000123", "birth_date": "1990-06-15"},
    "claimed_by": _OFFICER,
    "decisions": [
        {"action": "accept", "name": {"vi": "Tiếp nhận", "en": "Accept"}, "reasons": []},
        {
            "action": "request_supplement",
            "name": {"vi": "Yêu cầu bổ sung", "en": "Ask for a supplement"},
            "reasons": [_REASON],
        },
    ],
    "side_by_side": [
        {
            "name": "purpose",
            "label": {"vi": "Mục đích sử dụng", "en": "Purpose"},
            "typed": "job",
            "files": [],
            "codes": [{"name": "purpose", "code": "job", "label": {"vi": "Xin việc làm", "en": "A job"}}],
        },
        {
            "name": "residence_history",
            "label": {"vi": "Quá trình cư trú từ khi đủ 14 tuổi", "en": "Residence since the age of 14"},
            "fact": {
                "value": [{"from_day": "2004-06-15", "address": "Số 12, Phường Cầu Giấy, Thành phố Hà Nội"}],
                "source": "residence",
                "source_name": {"vi": "cư trú", "en": "residence"},
                "as_of": "2026-01-12T03:00:00Z",
                "read_at": _AT,
            },
            "files": [],
            "codes": [],
        },
        {
            "name": "authority",
            "label": {"vi": "Văn bản ủy quyền", "en": "Written authority"},
            "files": [_FILED],
            "codes": [],
        },
    ],
}
_OFFICE: dict[str, Any] = {
    "vi": "Công an cấp tỉnh, Thành phố Hà Nội",
    "en": "Police of the province, Thành phố Hà Nội",
}
_PAPER: dict[str, Any] = {
    "id": "letter-1",
    "kind": "letter",
    "made_at": "2026-03-05T17:01:00Z",
    "due_at": "2026-03-10T17:00:00Z",
    "request_id": _REQUEST,
    "utility": "judicial_record",
    "number": "HS-7D1E-3F5A-9C2B/XLHL-1",
    "request_number": "HS-7D1E-3F5A-9C2B",
    "title": {"vi": "Phiếu xin lỗi và hẹn lại ngày trả kết quả", "en": "Apology, with a new date for the result"},
    "agency": _OFFICE,
    "applicant": "Nguyễn Mẫu An",
    "service": {"vi": "Cấp phiếu lý lịch tư pháp", "en": "Judicial record certificate"},
    "statement": {
        "vi": "Đến nay Công an cấp tỉnh, Thành phố Hà Nội chưa trả kết quả đúng thời gian đã hẹn.",
        "en": "Police of the province, Thành phố Hà Nội has not given the result by the time that was promised.",
    },
    "received_at": _AT,
    "term": {"vi": "3 ngày làm việc", "en": "3 working day(s)"},
    "promised": "2026-03-05T17:00:00Z",
    "reason": "overdue",
    "reason_text": {
        "vi": "Cơ quan chưa giải quyết xong hồ sơ trong thời hạn.",
        "en": "The office did not finish the request within its time.",
    },
    "waiting_for": [],
    "ask": {
        "vi": "Công an cấp tỉnh, Thành phố Hà Nội; khi hỏi, nêu mã hồ sơ HS-7D1E-3F5A-9C2B",
        "en": "Police of the province, Thành phố Hà Nội; name the request number HS-7D1E-3F5A-9C2B",
    },
    "sample_mark": "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ",
}
_LINK: dict[str, Any] = {
    "utility": "health_book",
    "state": "linked",
    "state_name": both("link_states", "linked"),
    "changed_at": _AT,
    "as_of": "2026-02-27T02:10:00Z",
}

BODIES: dict[str, Any] = {
    "submit_request": {"utility": "residence", "answers": {}},
    "edit_request": {"answers": {"purpose": "study_abroad", "email": None}},
    "move_request": {"action": "submit"},
    "answer_agreement": {"answer": "agree"},
    "add_request_file": {"field": "authority", "media_type": "application/pdf", "content": "JVBERi0xLjcK"},
    "hand_over_request": {"officer": _OFFICER},
    "decide_request": {
        "action": "request_supplement",
        "reason": "photo_unreadable",
        "note": "Đề nghị chụp lại giấy ủy quyền.",
    },
    "report_step": {"found": {"result": "Không có án tích"}},
    "settle_sandbox_payment": {"outcome": "success", "amount": 200_000},
    "take_payment_outcome": {"reference": "NAPAS-20260302-000481", "outcome": "success", "amount": 200_000},
}
ANSWERS: dict[str, dict[str, Any]] = {
    "submit_request": {"201": _ASKED},
    "list_requests": {"200": {"data": [_ASKED, _NOTICE], "next_cursor": None}},
    "read_request": {"200": _WHOLE},
    "preview_request": {
        "200": {
            "ready": True,
            "errors": [],
            "warnings": [],
            "due_at": "2026-03-05T17:00:00Z",
            "fee": _FEE,
            "fee_due": 0,
            "expected": [],
        }
    },
    "edit_request": {"200": _WHOLE},
    "move_request": {"200": _ASKED},
    "add_request_file": {"201": _FILED},
    "list_agreements": {
        "200": {
            "data": [
                {
                    "id": "agr_4c6e8f0a2b3d5f7092b4d6f8a1c3e507",
                    "number": "HS-7D1E-3F5A-9C2B",
                    "utility": "birth_linked",
                    "title": {"vi": "Liên thông đăng ký khai sinh", "en": "Birth registration, linked"},
                    "applicant": "Lưu Thị Mẫu Nôi",
                    "asked_at": _AT,
                    "expires_at": "2026-03-09T17:00:00Z",
                    "shown": [
                        {
                            "name": "residence_with",
                            "label": {"vi": "Đăng ký thường trú theo", "en": "Permanent residence with"},
                            "value": "mother",
                            "value_name": {"vi": "Người mẹ", "en": "The mother"},
                        }
                    ],
                }
            ]
        }
    },
    "read_request_paper": {"200": _PAPER},
    "read_desk_paper": {"200": _PAPER},
    "list_payments": {"200": {"data": [_PAYMENT]}},
    "open_payment": {"201": _PAYMENT},
    "list_desk_requests": {"200": {"data": [_LYING], "next_cursor": None}},
    "read_desk_request": {"200": _OPENED},
    "claim_request": {"200": _LYING | {"claimed_by": _OFFICER, "claimed_at": _AT}},
    "release_request": {"200": _LYING},
    "hand_over_request": {"200": _LYING | {"claimed_by": _OFFICER, "claimed_at": _AT}},
    "decide_request": {"200": _OPENED},
    "list_desk_officers": {
        "200": {
            "data": [
                {
                    "account_id": _OFFICER,
                    "full_name": "Kiều Mẫu Lý",
                    "agency": "province_police",
                    "province": "01",
                    "in_hand": 3,
                }
            ],
        }
    },
    "list_desk_steps": {
        "200": {
            "data": [
                {
                    "request_id": _REQUEST,
                    "utility": "judicial_record",
                    "code": "records_department",
                    "name": {"vi": "Tra cứu hồ sơ nghiệp vụ", "en": "Look-up of the records"},
                    "finds": [{**_FINDING, "codes": _OUTCOMES, "pattern": "confirmed|unconfirmed"}],
                    "due_at": "2026-03-04T17:00:00Z",
                    "clock": "on_time",
                    "reminders": 0,
                }
            ],
            "next_cursor": None,
        }
    },
    "report_step": {"200": {**_OPENED, "steps": [{k: v for k, v in _STEP.items() if k != "found"}]}},
    "read_utility_facts": {
        "200": {
            "data": [
                {
                    "name": "permanent_address",
                    "label": {"vi": "Địa chỉ thường trú", "en": "Permanent address"},
                    "value": "Số 12, ngõ 34, đường Nguyễn Khang, Phường Cầu Giấy, Thành phố Hà Nội",
                    "codes": [],
                    "source": "residence",
                    "as_of": "2026-01-12T03:00:00Z",
                }
            ]
        }
    },
    "read_utility_form": {
        "200": {
            "data": [
                {
                    "name": "purpose",
                    "label": {"vi": "Mục đích", "en": "Purpose"},
                    "kind": "choice",
                    "required": True,
                    "size": [1, 200],
                    "choices": [{"code": "job", "label": {"vi": "Xin việc làm", "en": "Job application"}}],
                    "importable": False,
                    "held": False,
                }
            ]
        }
    },
    "read_reuse": {
        "200": {
            "data": [
                {"held": 4, "asked": 36, "rate": 0.1},
                {"utility": "judicial_record", "held": 4, "asked": 36, "rate": 0.1},
            ]
        }
    },
    "list_access": {
        "200": {
            "data": [
                {
                    "at": _AT,
                    "who": "staff",
                    "data": "request",
                    "data_name": {"vi": "Hồ sơ", "en": "A request"},
                    "purpose": "review",
                    "purpose_name": {"vi": "Giải quyết hồ sơ", "en": "Deciding a request"},
                    "agency": "province_police",
                    "agency_name": {"vi": "Công an cấp tỉnh", "en": "Police of the province"},
                    "procedure": "judicial_record",
                }
            ],
            "next_cursor": None,
        }
    },
    "read_link": {"200": _LINK},
    "link_record": {"200": _LINK},
    "settle_sandbox_payment": {"200": {"state": "paid"}},
    "list_test_codes": {
        "200": {
            "data": [
                {
                    "key": "not_our_code",
                    "code": "https://example.vn/",
                    "verdict": "invalid",
                    "reasons": ["not_a_code"],
                    "accepted": False,
                    "outcome": "not_our_code",
                    "title": {"vi": "Mã QR của một trang web", "en": "The code of some web page"},
                    "times": 1,
                }
            ]
        }
    },
    "take_payment_outcome": {"200": {"state": "paid", "repeated": False}},
}
REFUSALS: dict[str, tuple[str, ...]] = {
    "submit_request": ("invalid_input", "level_too_low", "utility_disabled"),
    "list_requests": ("invalid_cursor",),
    "read_request": ("not_found",),
    "preview_request": ("not_editable", "level_too_low"),
    "edit_request": ("version_changed", "not_editable"),
    "discard_request": ("not_found", "not_editable"),
    "move_request": ("not_found", "transition_not_allowed", "costs_more"),
    "add_request_file": ("not_found", "too_many_files"),
    "read_request_file": ("not_found",),
    "list_agreements": ("level_too_low",),
    "answer_agreement": ("not_found", "agreement_closed"),
    "read_request_paper": ("not_found",),
    "print_request_paper": ("not_found", "form_not_installed"),
    "read_desk_paper": ("not_allowed", "not_found"),
    "print_desk_paper": ("not_found", "form_not_installed"),
    "remove_request_file": ("file_in_use",),
    "list_payments": ("not_found",),
    "open_payment": ("nothing_to_pay", "already_paid", "payment_unavailable"),
    "list_desk_requests": ("not_allowed",),
    "read_desk_request": ("not_allowed", "not_found", "too_many_reads"),
    "read_desk_file": ("not_allowed", "not_found", "too_many_reads"),
    "claim_request": ("claimed_by_another", "second_officer_needed"),
    "release_request": ("not_claimed",),
    "hand_over_request": ("not_claimed", "invalid_input"),
    "decide_request": ("not_claimed", "second_officer_needed", "version_changed"),
    "list_desk_officers": ("not_allowed",),
    "list_desk_steps": ("not_allowed",),
    "report_step": ("step_not_active", "transition_not_allowed", "invalid_input"),
    "read_utility_facts": ("level_too_low", "not_linked"),
    "read_utility_form": ("unknown_utility",),
    "read_reuse": ("not_allowed",),
    "list_access": ("invalid_cursor",),
    "read_link": ("nothing_to_link",),
    "link_record": ("nothing_to_link", "utility_disabled"),
    "settle_sandbox_payment": ("not_found", "other_amount"),
    "list_test_codes": ("not_found",),
    "take_payment_outcome": ("call_not_signed", "not_found", "other_amount", "call_changed"),
}
STATUSES = {
    "agreement_closed": 409,
    "already_paid": 409,
    "call_changed": 409,
    "call_not_signed": 403,
    "claimed_by_another": 409,
    "costs_more": 409,
    "file_in_use": 409,
    "not_claimed": 409,
    "not_editable": 409,
    "not_linked": 409,
    "nothing_to_pay": 409,
    "other_amount": 409,
    "payment_unavailable": 503,
    "step_not_active": 409,
    "too_many_files": 409,
    "too_many_reads": 429,
    "transition_not_allowed": 409,
    "second_officer_needed": 403,
    "nothing_to_link": 404,
}
