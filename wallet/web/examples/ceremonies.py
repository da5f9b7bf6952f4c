"""Examples of ceremonies and devices: activation, a new phone, a forgotten secret."""

from typing import Any

from wallet.texts.catalogue import both

_CEREMONY = "cer_6f8a0c1e3a5c7e9b2d4f6a8c0e1b3d5f"
_DEVICE = "dev_9a1c3e5b7d9f20416c8e0a2b4d6f8071"
_PROOF = "eyJ0eXAiOiJ2aXNvLWRldmljZS1wcm9vZitqd3QifQ.e30.c2lnbmF0dXJl"
_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
_BEGUN: dict[str, Any] = {
    "id": _CEREMONY,
    "kind": "binding",
    "state": "open",
    "expires_at": "2026-03-02T05:15:00Z",
    "comparison": "47",
    "sufficient": [["old_device"], ["chip", "otp"], ["desk"]],
    "factors": [],
}
_REQUEST: dict[str, Any] = {
    "id": _CEREMONY,
    "device_name": "Điện thoại mới",
    "place": "203.0.113.0/24",
    "asked_at": "2026-03-02T05:00:00Z",
    "expires_at": "2026-03-02T05:15:00Z",
    "factors": [],
}
_ANSWERS = [
    {"question": "first_school", "answer": "Tiểu học Mẫu"},
    {"question": "favourite_dish", "answer": "Bún chả"},
]

BODIES: dict[str, Any] = {
    "begin_ceremony": {
        "kind": "binding",
        "number": "099090000001",
        "device_id": _DEVICE,
        "device_name": "Điện thoại mới",
        "public_key": _KEY,
        "proof": _PROOF,
    },
    "read_ceremony": {"proof": _PROOF},
    "send_code": {"proof": _PROOF},
    "confirm_code": {"proof": _PROOF, "code": "402913"},
    "create_chip_challenge": {"proof": _PROOF},
    "prove_chip": {
        "proof": _PROOF,
        "challenge": "djE.aGFpbXVvaQ.c2lnbmF0dXJl",
        "security_object": "eyJ0eXAiOiJ2aXNvLWNhcmQtc2VjdXJpdHktb2JqZWN0K2p3dCJ9.e30.c2lnbmF0dXJl",
        "data_groups": {"dg1": "eyJzZXJpYWwiOiI0...", "dg13": "eyJudW1iZXIiOiIw...", "dg15": "eyJrdHkiOiJFQyIs..."},
        "signature": "c2lnbmF0dXJl",
    },
    "answer_questions": {"proof": _PROOF, "answers": _ANSWERS},
    "complete_ceremony": {"proof": _PROOF},
    "begin_phone_change": {"phone": "0987000002"},
    "decide_binding_request": {"decision": "approve", "comparison": "47"},
    "vouch_for_holder": {
        "number": "099090000001",
        "card_serial": "012345678",
        "checked": ["card", "face"],
        "legal_ref": "BB-12/2026",
    },
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "begin_ceremony": {"201": _BEGUN},
    "read_ceremony": {"200": _BEGUN | {"factors": ["chip"]}},
    "send_code": {"202": {"resend_after_seconds": 60, "expires_at": "2026-03-02T05:03:00Z"}},
    "confirm_code": {"200": _BEGUN | {"factors": ["chip", "otp"]}},
    "create_chip_challenge": {
        "201": {"challenge": "djE.aGFpbXVvaQ.c2lnbmF0dXJl", "expires_at": "2026-03-02T05:02:00Z"}
    },
    "prove_chip": {"200": _BEGUN | {"factors": ["chip"]}},
    "answer_questions": {
        "200": _BEGUN
        | {
            "kind": "passcode_reset",
            "sufficient": [["device", "chip"], ["device", "otp", "questions"], ["desk"]],
            "factors": ["device", "questions"],
            "questions": ["favourite_dish", "first_school"],
            "codes": [
                {"name": "questions", "code": code, "label": both("questions", code)}
                for code in ("favourite_dish", "first_school")
            ],
        }
    },
    "complete_ceremony": {"200": _BEGUN | {"state": "completed", "factors": ["chip", "otp"]}},
    "begin_phone_change": {
        "201": _BEGUN | {"kind": "phone_change", "sufficient": [["device", "otp"], ["desk"]], "factors": ["device"]}
    },
    "list_binding_requests": {"200": {"data": [_REQUEST], "next_cursor": None}},
    "decide_binding_request": {"200": _REQUEST | {"factors": ["old_device"]}},
    "vouch_for_holder": {"201": _BEGUN | {"factors": ["desk"]}},
    "list_devices": {
        "200": {
            "data": [
                {
                    "id": _DEVICE,
                    "name": "Điện thoại mới",
                    "state": "bound",
                    "bound_at": "2026-03-02T05:05:00Z",
                    "bound_by": "chip+otp",
                    "place": "203.0.113.0/24",
                    "current": True,
                }
            ],
            "next_cursor": None,
        }
    },
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "refuse_binding_request": ("not_found", "ceremony_over"),
    "begin_ceremony": ("invalid_device_proof", "device_taken", "invalid_input"),
    "read_ceremony": ("invalid_device_proof", "not_found"),
    "send_code": ("stronger_factor_required", "too_many_codes", "ceremony_over", "factor_not_useful"),
    "confirm_code": ("otp_invalid",),
    "create_chip_challenge": ("ceremony_over", "factor_not_useful"),
    "prove_chip": ("chip_invalid",),
    "answer_questions": ("answers_invalid", "factor_not_useful"),
    "complete_ceremony": ("stronger_factor_required", "ceremony_over", "weak_passcode"),
    "begin_phone_change": ("step_up_required", "cooling_off"),
    "list_binding_requests": ("invalid_cursor",),
    "decide_binding_request": ("step_up_required", "not_found", "ceremony_over"),
    "vouch_for_holder": ("not_allowed", "self_vouching", "vouching_mismatch"),
    "list_devices": ("invalid_cursor",),
    "unbind_device": ("device_needed", "step_up_required", "not_found"),
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {
    "invalid_device_proof": 401,
    "otp_invalid": 401,
    "chip_invalid": 401,
    "answers_invalid": 401,
    "stronger_factor_required": 403,
    "cooling_off": 403,
    "self_vouching": 403,
    "ceremony_over": 409,
    "factor_not_useful": 409,
    "vouching_mismatch": 409,
    "device_taken": 409,
    "weak_passcode": 422,
    "too_many_codes": 429,
}
"""Problem code to the status that it comes with."""
