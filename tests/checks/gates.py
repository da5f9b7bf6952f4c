"""An organisation that checks, as two admins let it in, and its desks."""

from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from tests.phone import CitizenPhone

VERIFIERS = "/v1/admin/verifiers"
OWN = "/v1/verifier/desk"
GROUND = "Nghị định 69/2024/NĐ-CP"


def purpose(code: str = "rental", **other: Any) -> dict[str, Any]:
    """Return a purpose that nothing stands against."""
    return {
        "code": code,
        "kind": "counter",
        "title": {"vi": "Cho thuê xe", "en": "Car rental"},
        "legal_ground": GROUND,
        "strict_ground": "",
        "claims": {"driving_licence": ["full_name", "classes"]},
        "portrait": False,
        "quotas": {"citizens_an_hour": 3, "checks_a_minute": 5},
        **other,
    }


def order(*purposes: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "name": {"vi": "Thuê xe Mẫu", "en": "Sample Rental"},
        "legal_ground": GROUND,
        "purposes": list(purposes) or [purpose()],
        **other,
    }


def register(staff: CitizenPhone, body: Any = None, **options: Any) -> TestResponse:
    return staff.post(VERIFIERS, order() if body is None else body, **options)


def decide(staff: CitizenPhone, verifier: Mapping[str, Any], decision: str = "approve", **other: Any) -> TestResponse:
    """Decide about what waits, as the verifier was last told."""
    body = {"approval": verifier["awaiting"]["approval"], "decision": decision, **other}
    return staff.post(f"{VERIFIERS}/{verifier['id']}/decision", body)


def let_in(first: CitizenPhone, second: CitizenPhone, *purposes: Mapping[str, Any]) -> dict[str, Any]:
    """Return an organisation that is active."""
    asked = register(first, order(*purposes))
    assert asked.status_code == 202, asked.text
    decided = decide(second, asked.json or {})
    assert decided.status_code == 200, decided.text
    return dict(decided.json or {})


def open_desk(staff: CitizenPhone, verifier: Mapping[str, Any], gate: str = "G-1", **other: Any) -> TestResponse:
    key = other.pop("key", "")
    codes = [each["code"] for each in verifier["purposes"]]
    body = {"name": "Quầy 1", "gate_id": gate, "purposes": codes, **other}
    return staff.post(f"{VERIFIERS}/{verifier['id']}/desks", body, key=key)
