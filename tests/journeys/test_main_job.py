"""The main job, end to end over the API: sign in, issue, show, check, revoke, check again."""

from collections.abc import Callable

from tests.phone import CitizenPhone
from tests.support import FixedClock

Make = Callable[..., CitizenPhone]


def test_document_is_issued_checked_and_revoked(phone_of: Make, clock: FixedClock) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    code = citizen.code_of(document)
    verdict = citizen.client.post("/v1/checks", json={"code": code}).json
    assert (verdict["verdict"], verdict["reasons"], verdict["accepted"]) == ("valid", ["ok"], True)
    assert verdict["document"]["id"] == document
    admin = phone_of("admin1")
    revoked = admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "data_changed"})
    assert revoked.status_code == 201
    clock.advance(seconds=2)
    verdict = citizen.client.post("/v1/checks", json={"code": code}).json
    assert (verdict["verdict"], verdict["reasons"], verdict["accepted"]) == ("invalid", ["revoked"], False)


def test_same_key_gives_the_same_document(phone_of: Make) -> None:
    citizen = phone_of("an")
    first = citizen.post("/v1/requests", {"utility": "residence"}, key="one-and-the-same")
    second = citizen.post("/v1/requests", {"utility": "residence"}, key="one-and-the-same")
    assert first.status_code == second.status_code == 201
    assert first.data == second.data
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(citizen.get("/v1/documents").json["data"]) == 1
