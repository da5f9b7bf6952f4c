"""Examples of messages: an account's notices, and the webhooks of admins."""

from typing import Any

_ENDPOINT_ID = "whk_6b8d0f2a4c6e8a1c3e5b7d9f2a4c6e80"
_EVENT = {"event_id": "evt_3e5b7d9f2a4c6e806b8d0f2a4c6e8a1c"}
_ENDPOINT: dict[str, Any] = {
    "id": _ENDPOINT_ID,
    "url": "https://hooks.example.vn/viso",
    "description": "Cổng tích hợp của tỉnh",
    "events": ["account.locked", "device.bound"],
    "state": "active",
    "version": 1,
    "created_by": "acc_5e7a9c1b3d5f7092b4d6f8a1c3e5072d",
    "created_at": "2026-03-02T05:00:00Z",
}
_SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}

BODIES: dict[str, Any] = {
    "create_webhook_endpoint": {name: _ENDPOINT[name] for name in ("url", "description", "events")},
    "change_webhook_endpoint": {"state": "disabled"},
}

ANSWERS: dict[str, dict[str, Any]] = {
    "list_notices": {
        "200": {
            "data": [
                {
                    "id": "ntf_9f2a4c6e806b8d0f2a4c6e8a1c3e5b7d",
                    "code": "device_bound",
                    "title": "Thiết bị mới đã được liên kết",
                    "body": "Tài khoản của bạn vừa được liên kết với một thiết bị mới.",
                    "values": {},
                    "created_at": "2026-03-02T05:00:00Z",
                }
            ],
            "next_cursor": None,
            "unread_count": 1,
        }
    },
    "read_unread_count": {"200": {"unread_count": 1}},
    "create_webhook_endpoint": {"201": _ENDPOINT | _SECRET},
    "list_webhook_endpoints": {"200": {"data": [_ENDPOINT], "next_cursor": None}},
    "read_webhook_endpoint": {"200": _ENDPOINT},
    "change_webhook_endpoint": {"200": _ENDPOINT | {"state": "disabled", "disabled_reason": "by_admin", "version": 2}},
    "rotate_webhook_secret": {
        "201": _ENDPOINT | _SECRET | {"version": 2, "former_secret_until": "2026-03-03T05:00:00Z"}
    },
    "send_webhook_test": {"202": _EVENT},
    "list_webhook_deliveries": {
        "200": {
            "data": [
                {
                    "id": "dla_8a1c3e5b7d9f2a4c6e806b8d0f2a4c6e",
                    "event_id": _EVENT["event_id"],
                    "type": "device.bound",
                    "at": "2026-03-02T05:00:01Z",
                    "status": 500,
                    "milliseconds": 84,
                    "outcome": "http_500",
                }
            ],
            "next_cursor": None,
        }
    },
    "replay_webhook_delivery": {"202": _EVENT},
}

REFUSALS: dict[str, tuple[str, ...]] = {
    "list_notices": ("invalid_cursor",),
    "mark_notice": ("not_found",),
    "create_webhook_endpoint": ("not_allowed", "step_up_required", "invalid_input"),
    "list_webhook_endpoints": ("not_allowed", "invalid_cursor"),
    "read_webhook_endpoint": ("not_allowed", "not_found"),
    "change_webhook_endpoint": ("not_allowed", "version_changed"),
    "delete_webhook_endpoint": ("not_allowed", "version_changed"),
    "rotate_webhook_secret": ("not_allowed", "not_found"),
    "send_webhook_test": ("not_allowed", "endpoint_disabled"),
    "list_webhook_deliveries": ("not_allowed", "not_found"),
    "replay_webhook_delivery": ("not_allowed", "delivery_waiting"),
}

STATUSES = {"endpoint_disabled": 409, "delivery_waiting": 409}
