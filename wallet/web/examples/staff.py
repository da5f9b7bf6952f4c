"""Examples of how staff get in."""

from typing import Any

_DEVICE = "dev_9a1c3e5b7d9f20416c8e0a2b4d6f8071"
_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}

BODIES: dict[str, Any] = {
    "enrol_staff": {
        "token": "vse_6f1d3b5a7c9e0f2143658709badcfe10",
        "device_id": _DEVICE,
        "public_key": _KEY,
        "device_name": "Điện thoại công vụ",
        "proof": "eyJ0eXAiOiJ2aXNvLWRldmljZS1wcm9vZitqd3QifQ.e30.c2lnbmF0dXJl",
        "password": "MatKhau#2026",
        "passcode": "280517",
    }
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "enrol_staff": {"201": {"account_id": "acc_5e7a9c1b3d5f7092b4d6f8a1c3e5072d", "device_id": _DEVICE}}
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "enrol_staff": ("enrolment_invalid", "invalid_device_proof", "weak_password", "device_taken")
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {"enrolment_invalid": 401, "invalid_device_proof": 401, "weak_password": 422, "device_taken": 409}
"""Problem code to the status that it comes with."""
