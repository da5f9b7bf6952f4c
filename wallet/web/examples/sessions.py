"""Examples of sessions, passkeys and what a holder knows."""

from typing import Any

from wallet.web.examples.core import ANSWERS as CORE

_CHALLENGE = "qL8xN3vT5bR1yW7mK2cF9dAAAAAAaV-yNh4J0uS6gE3pZ8oC5tI1lQ7nB2kX9vM4rY6jU0aD"
_CREDENTIAL = "hV4tG7kQ1mZ9cX3bN6yL0w"
_PASSKEY: dict[str, Any] = {
    "id": "pky_3b5d7f9a1c2e4a6b8c0d2e4f6a8b0c1d",
    "name": "Máy tính ở nhà",
    "created_at": "2026-03-02T05:00:00Z",
}
_ASSERTION: dict[str, Any] = {
    "id": _CREDENTIAL,
    "rawId": _CREDENTIAL,
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "dKbqkhPJnC90siSSsyDPQCYqlMGpUKA5fyklC2CEHvAFAAAAAQ",
        "signature": "MEUCIQDh",
        "userHandle": "YWNjXzFjM2U1YjdkOWYyYTRjNmU4MDkyYjRkNmY4YTBjMWUz",
    },
    "clientExtensionResults": {},
}
_CREATED: dict[str, Any] = {
    "id": _CREDENTIAL,
    "rawId": _CREDENTIAL,
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
        "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YQ",
        "transports": ["internal"],
    },
    "clientExtensionResults": {},
}
_CREATION_OPTIONS: dict[str, Any] = {
    "rp": {"name": "Ví Số", "id": "vi.example.vn"},
    "user": {"id": "YWNjXzFjM2U1Yjdk", "name": "********0001", "displayName": "Nguyễn Mẫu An"},
    "challenge": _CHALLENGE,
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "timeout": 120000,
    "excludeCredentials": [],
    "authenticatorSelection": {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    },
    "attestation": "none",
}
_REQUEST_OPTIONS: dict[str, Any] = {
    "challenge": _CHALLENGE,
    "timeout": 120000,
    "rpId": "vi.example.vn",
    "allowCredentials": [],
    "userVerification": "required",
}

BODIES: dict[str, Any] = {
    "add_passkey": {"credential": _CREATED, "name": "Máy tính ở nhà"},
    "sign_in_with_passkey": {
        "assertion": _ASSERTION,
        "client_key": {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        "client_name": "Firefox trên máy tính ở nhà",
    },
    "change_password": {"current_password": "MatKhau#2026", "new_password": "MatKhau_2027"},
    "change_passcode": {"current_passcode": "280517", "new_passcode": "739182"},
    "unlock_account": {
        "proof": "eyJ0eXAiOiJ2aXNvLWRldmljZS1wcm9vZitqd3QifQ.e30.c2lnbmF0dXJl",
        "passcode": "280517",
    },
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "list_sessions": {
        "200": {
            "data": [
                {
                    "id": "ses_4c6e8a0b2d4f6081a3c5e7092b4d6f8e",
                    "created_at": "2026-03-02T05:00:00Z",
                    "expires_at": "2026-04-01T05:00:00Z",
                    "auth_level": 2,
                    "current": True,
                    "place": "203.0.113.0/24",
                    "device": {"id": "dev_9a1c3e5b7d9f20416c8e0a2b4d6f8071", "name": "Điện thoại của An"},
                }
            ],
            "next_cursor": None,
        }
    },
    "create_passkey_options": {"201": {"public_key": _CREATION_OPTIONS, "expires_at": "2026-03-02T05:02:00Z"}},
    "create_passkey_challenge": {"201": {"public_key": _REQUEST_OPTIONS, "expires_at": "2026-03-02T05:02:00Z"}},
    "add_passkey": {"201": _PASSKEY},
    "list_passkeys": {"200": {"data": [_PASSKEY | {"last_used_at": "2026-03-09T01:30:00Z"}]}},
    "sign_in_with_passkey": {"201": CORE["sign_in"]["201"]},
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "list_sessions": ("invalid_cursor",),
    "end_session": ("not_found",),
    "end_sessions_of_account": ("not_allowed", "step_up_required", "account_unknown"),
    "create_passkey_options": ("device_needed", "step_up_required", "cooling_off"),
    "add_passkey": (
        "device_needed",
        "step_up_required",
        "cooling_off",
        "invalid_input",
        "too_many_passkeys",
        "passkey_taken",
    ),
    "remove_passkey": ("device_needed", "step_up_required", "not_found"),
    "sign_in_with_passkey": ("invalid_credentials", "invalid_input"),
    "change_password": (
        "step_up_required",
        "invalid_credentials",
        "weak_password",
        "secret_unchanged",
        "too_many_attempts",
        "device_needed",
    ),
    "change_passcode": (
        "step_up_required",
        "invalid_credentials",
        "weak_passcode",
        "secret_unchanged",
        "too_many_attempts",
        "device_needed",
    ),
    "unlock_account": ("invalid_credentials", "device_not_bound", "too_many_attempts"),
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {
    "cooling_off": 403,
    "device_needed": 403,
    "too_many_passkeys": 409,
    "passkey_taken": 409,
    "weak_password": 422,
    "weak_passcode": 422,
    "secret_unchanged": 422,
    "too_many_attempts": 429,
}
"""Problem code to the status that it comes with."""
