"""Examples of launching: changes of a launch and their approval, previews and explanations, what is open to whom."""

from typing import Any

_APPROVAL = "apr_2b4d6f8a0c1e3a5c7e9b0d2f4a6c8e1f"
_CHANGE = "sch_7c9e1b3d5f7a9c1e3b5d7f9a1c3e5b7d"
_ADMIN = "acc_5e7a9c1b3d5f7092b4d6f8a1c3e5072d"
_SECOND = "acc_6f8b0d2c4e608103c5e7092b4d6f8a1e"
_TESTER = "acc_1c3e5b7d9f2a4c6e8092b4d6f8a0c1e3"
_TITLE = {"vi": "Xác nhận thông tin về cư trú", "en": "Confirmation of residence"}
_WORDS = {
    "vi": "Dữ liệu cư trú đang được cập nhật đến 22:00 hôm nay.",
    "en": "Residence data is being updated until 22:00 today.",
}
_AUDIENCE: dict[str, Any] = {"provinces": ["01", "46"], "percent": 12.5, "testers": [_TESTER]}
_PILOT: dict[str, Any] = {"state": "pilot", "audience": _AUDIENCE}
_PAUSED: dict[str, Any] = {"state": "paused", "audience": _AUDIENCE}
_OPEN: dict[str, Any] = {"state": "open"}

_LAUNCH: dict[str, Any] = _PAUSED | {
    "code": "residence",
    "version": 4,
    "reason": "Dữ liệu cư trú đang được chỉnh lại.",
    "changed_by": _ADMIN,
    "changed_at": "2026-03-02T05:00:00Z",
    "pause_text": _WORDS,
    "stop_rule": {"failed_percent": 20, "minutes": 10, "least": 20},
    "schedule": [
        _PILOT
        | {
            "id": _CHANGE,
            "effective_at": "2026-03-02T15:00:00Z",
            "reason": "Dữ liệu đã được chỉnh xong.",
            "requested_by": _ADMIN,
            "agreed_by": _SECOND,
        }
    ],
}
_WAITING: dict[str, Any] = {
    "id": _APPROVAL,
    "status": "awaiting_approval",
    "utility": "residence",
    "target": "open",
    "before": _PILOT,
    "after": _OPEN,
    "pause_text": _WORDS,
    "reason": "Thí điểm đạt yêu cầu.",
    "comment": "Số liệu thí điểm kèm theo tờ trình 12/TTr-C06.",
    "requested_by": _ADMIN,
    "requested_at": "2026-03-02T06:00:00Z",
    "expires_at": "2026-03-09T06:00:00Z",
}
_OPENED: dict[str, Any] = {name: _LAUNCH[name] for name in ("code", "reason", "changed_by", "changed_at")} | {
    "state": "open",
    "version": 5,
}
_OUT: dict[str, Any] = {
    "code": "residence",
    "title": _TITLE,
    "state": "pilot",
    "available": False,
    "missing": "other_province",
    "words": {
        "vi": "Hiện mới mở cho người có nơi thường trú tại: Thành phố Hà Nội, Thành phố Huế.",
        "en": "It is open so far to people whose permanent residence is in: Thành phố Hà Nội, Thành phố Huế.",
    },
}
_FLAG: dict[str, Any] = {
    "key": "residence",
    "value": False,
    "reason": "TARGETING_MATCH",
    "variant": "off",
    "metadata": {"state": "pilot", "missing": "other_province"},
}
_CONTEXT = {"context": {"targetingKey": _TESTER, "appVersion": "2.10.1"}}

BODIES: dict[str, Any] = {
    "change_launch": {
        "state": "pilot",
        "audience": _AUDIENCE | {"from": "2026-03-03T01:00:00Z", "until": "2026-04-01T00:00:00+07:00"},
        "reason": "Thí điểm tại Hà Nội và Huế.",
        "comment": "Theo kế hoạch thí điểm đã duyệt.",
    },
    "pause_utility": {"reason": "Dữ liệu cư trú đang được chỉnh lại.", "pause_text": _WORDS},
    "preview_launch": {"state": "pilot", "audience": _AUDIENCE},
    "explain_launch": {"account_id": _TESTER, "purpose": "citizen_asked"},
    "decide_approval": {"decision": "approve", "comment": "Đã xem số liệu thí điểm."},
    "evaluate_flag": _CONTEXT,
    "evaluate_flags": _CONTEXT,
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "list_launches": {"200": {"data": [_LAUNCH]}},
    "read_launch": {"200": _LAUNCH},
    "change_launch": {"200": _LAUNCH, "202": _WAITING},
    "pause_utility": {"200": _LAUNCH},
    "cancel_scheduled_change": {
        "200": {name: value for name, value in _LAUNCH.items() if name != "schedule"},
        "202": _WAITING | {"takes_back": "sch_9d2e4f60718293a4b5c6d7e8f9012345"},
    },
    "preview_launch": {
        "200": {
            "gains": {"count": 1010, "from": 858, "to": 1188},
            "loses": {"count": 0, "from": 0, "to": 29},
            "before": {"state": "off"},
            "after": _PILOT,
            "effective_at": "2026-03-02T05:00:00Z",
            "needs_approval": True,
            "accounts": 16840,
            "counted": 2000,
            "placed": 2000,
            "by_province": [
                {
                    "province": "01",
                    "name": "Thành phố Hà Nội",
                    "gains": {"count": 977, "from": 826, "to": 1152},
                    "loses": {"count": 0, "from": 0, "to": 29},
                },
                {
                    "province": "46",
                    "name": "Thành phố Huế",
                    "gains": {"fewer_than": 94},
                    "loses": {"count": 0, "from": 0, "to": 29},
                },
            ],
            "gains_below_level": {"count": 177, "from": 118, "to": 263},
            "minimum_account_level": 2,
            "minimum_auth_level": 2,
            "open_requests": {"fewer_than": 5},
        }
    },
    "explain_launch": {
        "200": {
            "account_id": _TESTER,
            "utility": "residence",
            "state": "pilot",
            "available": True,
            "decided_by": "tester",
            "rules": [
                {"rule": "state", "applies": True, "holds": True},
                {"rule": "from", "applies": False, "holds": True},
                {"rule": "until", "applies": False, "holds": True},
                {"rule": "app_version", "applies": False, "holds": True},
                {"rule": "tester", "applies": True, "holds": True},
                {"rule": "percent", "applies": False, "holds": False},
                {"rule": "province", "applies": False, "holds": True},
            ],
            "seen_from_percent": 46.5,
        }
    },
    "list_approvals": {"200": {"data": [_WAITING]}},
    "read_approval": {"200": _WAITING},
    "decide_approval": {"200": _OPENED},
    "list_own_utilities": {"200": {"data": [_OUT]}},
    "evaluate_flag": {
        "200": _FLAG,
        "400": {
            "key": "residence",
            "errorCode": "INVALID_CONTEXT",
            "errorDetails": "targetingKey has to be the caller's",
        },
        "404": {"key": "no_such", "errorCode": "FLAG_NOT_FOUND", "errorDetails": "no utility has this code"},
    },
    "evaluate_flags": {
        "200": {"flags": [_FLAG]},
        "400": {"errorCode": "PARSE_ERROR", "errorDetails": "the body is not JSON that means one thing"},
    },
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "list_launches": ("not_allowed",),
    "read_launch": ("not_allowed",),
    "change_launch": ("not_allowed", "approval_pending", "version_changed"),
    "pause_utility": ("not_allowed",),
    "cancel_scheduled_change": ("not_allowed", "approval_pending", "version_changed"),
    "preview_launch": ("not_allowed",),
    "explain_launch": ("not_allowed",),
    "list_approvals": ("not_allowed",),
    "read_approval": ("not_allowed",),
    "decide_approval": ("self_approval", "approval_closed", "approval_expired"),
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {
    "self_approval": 403,
    "approval_closed": 409,
    "approval_expired": 409,
    "approval_pending": 409,
    "version_changed": 412,
}
"""Problem code to the status that it comes with."""
