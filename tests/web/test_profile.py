"""Settings, the export of everything, and the preview of the end, over HTTP."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text
from sqlalchemy.exc import OperationalError

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.db import Base
from wallet.demo.personas import PERSONAS
from wallet.held import MAX_ROWS
from wallet.messages.notices import NOTICES
from wallet.profile import export
from wallet.terms import SAMPLE_MARK
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
MERGE = {"Content-Type": "application/merge-patch+json"}


def settings_of(phone: CitizenPhone) -> tuple[dict[str, Any], str]:
    response = phone.get("/v1/me/settings")
    assert response.status_code == 200, response.text
    return response.json or {}, response.headers["ETag"]


def change(phone: CitizenPhone, body: Any, tag: str | None) -> Any:
    headers = {} if tag is None else {"If-Match": tag}
    return phone.call("PATCH", "/v1/me/settings", json=body, headers=headers)


def exported(phone: CitizenPhone) -> dict[str, Any]:
    response = phone.post("/v1/me/exports", {})
    assert response.status_code == 201, response.text
    return {section["code"]: section for section in (response.json or {})["sections"]}


# --- settings --------------------------------------------------------------------------------------------------


def test_settings_show_the_phone_masked_and_which_notices_are_optional(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    settings, tag = settings_of(phone)
    with wallet.read() as work:
        contact = work.contacts.find(phone.get("/v1/me").json["account_id"])
    assert contact is not None
    assert settings["language"] == "vi"
    assert settings["optional_sms"] is True
    assert settings["phone_masked"].endswith(contact.phone[-3:])
    assert contact.phone[:-3] not in settings["phone_masked"]
    assert set(settings["phone_masked"][:-3]) == {"•"}
    assert tag.startswith('"v')
    kinds = {kind["code"]: kind for kind in settings["notice_kinds"]}
    assert kinds.keys() == NOTICES.keys()
    assert kinds["correction_answered"]["optional"] is True
    assert kinds["device_bound"] == {"code": "device_bound", "sms": True, "optional": False}


def test_settings_are_changed_one_by_one_and_each_change_has_a_version(phone_of: Make, events: Events) -> None:
    phone = phone_of("an")
    before, tag = settings_of(phone)
    changed = change(phone, {"language": "en"}, tag)
    assert changed.status_code == 200, changed.text
    assert changed.json == before | {"language": "en"}
    second = change(phone, {"optional_sms": False, "email": "an@example.vn"}, changed.headers["ETag"])
    assert second.json == before | {"language": "en", "optional_sms": False, "email": "an@example.vn"}
    third = change(phone, {"email": None}, second.headers["ETag"])
    assert "email" not in third.json
    assert settings_of(phone) == (third.json, third.headers["ETag"])
    assert len({tag, changed.headers["ETag"], second.headers["ETag"], third.headers["ETag"]}) == 4
    recorded = events("account.settings_changed")
    assert [row["fields"] for row in recorded] == [["language"], ["email", "optional_sms"], ["email"]]
    assert "example.vn" not in json.dumps(recorded)


def test_merge_patch_is_taken_too(phone_of: Make) -> None:
    phone = phone_of("an")
    _, tag = settings_of(phone)
    response = phone.call(
        "PATCH", "/v1/me/settings", data=json.dumps({"language": "en"}), headers={"If-Match": tag, **MERGE}
    )
    assert response.json["language"] == "en"


def test_an_address_is_sealed_and_stands_nowhere_in_the_clear(
    phone_of: Make, state: Callable[[], dict[str, list[str]]]
) -> None:
    phone = phone_of("an")
    _, tag = settings_of(phone)
    assert change(phone, {"email": "rieng.tu@example.vn"}, tag).status_code == 200
    assert "rieng.tu" not in repr(state())


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"language": "fr"}, {"/language": "not_a_choice"}),
        ({"language": None}, {"/language": "null"}),
        ({"language": 1}, {"/language": "invalid_type"}),
        ({"optional_sms": "false"}, {"/optional_sms": "invalid_type"}),
        ({"optional_sms": 1}, {"/optional_sms": "invalid_type"}),
        ({"optional_sms": None}, {"/optional_sms": "null"}),
        ({"email": "nobody"}, {"/email": "invalid_format"}),
        ({"email": "a b@example.vn"}, {"/email": "invalid_format"}),
        ({"email": "a@example.vn\n"}, {"/email": "invalid_format"}),
        ({"email": "a@@example.vn"}, {"/email": "invalid_format"}),
        ({"email": "an@exämple.vn"}, {"/email": "invalid_format"}),
        ({"email": ""}, {"/email": "invalid_length"}),
        ({"email": "a" * 250 + "@example.vn"}, {"/email": "invalid_length"}),
        ({"phone": "+84990000001"}, {"/phone": "unknown_field"}),
        ({"phone_masked": "1"}, {"/phone_masked": "unknown_field"}),
        ({"notice_kinds": []}, {"/notice_kinds": "unknown_field"}),
        ({"account_level": 2}, {"/account_level": "unknown_field"}),
        ({"settings_version": 9}, {"/settings_version": "unknown_field"}),
        ({"device_bound": False}, {"/device_bound": "unknown_field"}),
        ({}, {"": "required"}),
    ],
)
def test_what_cannot_be_set_is_refused(
    phone_of: Make, unchanged: Unchanged, body: dict[str, Any], errors: dict[str, str]
) -> None:
    phone = phone_of("an")
    _, tag = settings_of(phone)
    with unchanged():
        assert field_errors(assert_refused(change(phone, body, tag), 422, "invalid_input")) == errors


def test_settings_that_changed_meanwhile_are_not_written_over(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    _, tag = settings_of(phone)
    assert change(phone, {"language": "en"}, tag).status_code == 200
    with unchanged():
        for stale in (tag, '"v0"', '"v999999999"', "*", '"x"', 'W/"v1"'):
            assert_refused(change(phone, {"language": "vi"}, stale), 412, "version_changed")
        assert_refused(change(phone, {"language": "vi"}, None), 428, "if_match_required")


def test_a_contact_changes_behind_its_account(phone_of: Make, wallet: Wallet) -> None:
    """Settings take the account's row first; a change of the number that took it last would deadlock."""
    if wallet.db.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    account_id = phone_of("an").get("/v1/me").json["account_id"]
    with wallet.work() as work:
        former = work.contacts.find(account_id)
        assert former is not None
        work.contacts.set(account_id, work.accounts.find(account_id).holder_id, former.phone, None)
        with wallet.db.engine.connect() as other, pytest.raises(OperationalError, match="lock"):
            other.execute(text("SELECT id FROM accounts WHERE id = :id FOR UPDATE NOWAIT"), {"id": account_id})


def test_settings_need_a_secret_to_be_changed_and_none_to_be_read(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an", password=False)
    _, tag = settings_of(phone)
    with unchanged():
        assert_refused(change(phone, {"language": "en"}, tag), 401, "step_up_required")


def test_an_address_without_a_phone_is_refused(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged, clock: FixedClock
) -> None:
    phone = phone_of("an")
    _forget_contact(wallet, phone)
    settings, tag = settings_of(phone)
    assert "phone_masked" not in settings
    with unchanged():
        assert_refused(change(phone, {"email": "an@example.vn"}, tag), 409, "phone_missing")
    assert change(phone, {"language": "en"}, tag).status_code == 200


def test_language_of_text_messages_follows_and_that_of_answers_does_not(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    _, tag = settings_of(phone)
    change(phone, {"language": "en", "optional_sms": False}, tag)
    with wallet.read() as work:
        recipient = work.contacts.recipient(phone.get("/v1/me").json["account_id"])
    assert (recipient.language, recipient.muted) == ("en", True)
    refused = phone.get("/v1/documents/doc_0")
    assert refused.headers["Content-Language"] == "vi"


def test_settings_of_a_ward_are_the_wards_own(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    _, tag = settings_of(phone)
    with unchanged():
        for method, path in (("GET", "/v1/me/settings"), ("GET", "/v1/me/closure"), ("POST", "/v1/me/exports")):
            response = phone.call(
                method,
                path,
                json={},
                headers={"Acting-For": "acc_" + "0" * 32, "Idempotency-Key": "k", "If-Match": tag},
            )
            assert_refused(response, 403, "not_for_wards")


# --- export ----------------------------------------------------------------------------------------------------


def test_export_holds_everything_and_explains_it(phone_of: Make) -> None:
    phone = phone_of("an")
    document = phone.issue_residence()
    response = phone.post("/v1/me/exports", {})
    assert response.status_code == 201
    assert response.headers["Content-Disposition"] == 'attachment; filename="vi-so-20260302-050000.json"'
    assert response.headers["Cache-Control"] == "private, no-store"
    whole = response.json or {}
    assert whole["schema_version"] == export.SCHEMA_VERSION
    assert whole["sample_mark"] == SAMPLE_MARK
    sections = {section["code"]: section for section in whole["sections"]}
    for section in sections.values():
        assert section["title"].keys() == section["explanation"].keys() == {"vi", "en"}
        assert section["complete"] is True
    profile = sections["profile"]["rows"][0]
    assert (profile["number"], profile["full_name"]) == (phone.persona.number, phone.persona.name)
    assert sections["contact"]["rows"][0]["phone"].startswith("+84")
    assert sections["account"]["rows"][0]["level"] == 2
    assert sections["devices"]["rows"][0]["id"] == phone.own.device_id
    assert sections["sessions"]["rows"][0]["id"] == phone.tokens["session_id"]
    (held,) = sections["documents"]["rows"]
    assert held["id"] == document
    assert held["claims"]["full_name"] == phone.persona.name
    assert sections["requests"]["rows"][0]["document_id"] == document


def test_export_says_who_read_which_register_and_why(phone_of: Make) -> None:
    phone = phone_of("an")
    phone.issue_residence()
    rows = exported(phone)["history"]["rows"]
    read = [row for row in rows if row["action"] == "source.read" and row.get("purpose") == "issue_document"]
    assert {row["source"] for row in read} == {"population", "residence"}
    assert all(row["actor"] == "you" and row["procedure"] == "residence" for row in read)
    assert any(row["actor"] == "system" for row in rows), "the account was opened by the system"
    assert all(row.keys() <= {"at", "action", "actor", *export.DETAILS} for row in rows)


def test_export_tells_how_the_account_came_to_be(phone_of: Make) -> None:
    rows = exported(phone_of("an"))["account_history"]["rows"]
    assert rows
    assert all(row["action"].startswith("account.") for row in rows)
    assert rows == sorted(rows, key=lambda row: row["at"])


def test_export_names_no_member_of_staff(phone_of: Make, wallet: Wallet) -> None:
    phone, admin = phone_of("an"), phone_of("admin1")
    document = phone.issue_residence()
    admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "data_changed"})
    response = phone.post("/v1/me/exports", {})
    revoked = [row for row in _history(response.json) if row["action"] == "document.revoked"]
    assert [(row["actor"], row["reason"]) for row in revoked] == [("staff", "data_changed")]
    assert admin.get("/v1/me").json["account_id"] not in response.text


def test_export_of_staff_tells_what_they_did_and_not_to_whom(phone_of: Make) -> None:
    phone, admin = phone_of("an"), phone_of("admin1")
    document = phone.issue_residence()
    admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "data_changed"})
    response = admin.post("/v1/me/exports", {})
    did = [row for row in _history(response.json) if row["action"] == "document.revoked"]
    assert {row["actor"] for row in did} == {"you"}
    assert document not in response.text
    assert phone.persona.number not in response.text


def test_export_holds_no_secret_and_nobody_elses_data(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    phone_of("sau").issue_residence()
    phone.issue_residence()
    text = phone.post("/v1/me/exports", {}).text
    own = phone.own
    for secret in (own.password, own.passcode, own.device_jwk["x"], own.device_jwk["y"], "$argon2", "sealed"):
        assert secret not in text
    for name in ("_hash", "public_key", "client_key", "digest", "number_index", "credential_id", "salt"):
        assert name not in text
    for other in PERSONAS:
        assert other.key == "an" or other.number not in text, other.key


def test_export_is_recorded_and_told(phone_of: Make, events: Events) -> None:
    phone = phone_of("an")
    account = phone.get("/v1/me").json["account_id"]
    exported(phone)
    assert [(row["actor"], row["subject"]) for row in events("account.exported")] == [(account, account)]
    assert phone.get("/v1/notices").json["data"][0]["code"] == "export_made"
    assert any(row["action"] == "account.exported" for row in exported(phone)["history"]["rows"])


def test_export_asked_for_twice_with_one_key_is_one_export(phone_of: Make, events: Events, wallet: Wallet) -> None:
    phone = phone_of("an")
    first = phone.post("/v1/me/exports", {}, key="once-and-again")
    again = phone.post("/v1/me/exports", {}, key="once-and-again")
    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Content-Disposition"] == first.headers["Content-Disposition"]
    assert len(events("account.exported")) == 1


def test_a_kept_answer_is_sealed(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    exported(phone)
    with wallet.db.read() as session:
        kept = repr(session.execute(text("SELECT answer FROM idempotency_keys")).all())
    assert "sealed" in kept
    assert phone.persona.name not in kept
    assert phone.persona.number not in kept


def test_a_fourth_export_in_a_day_is_refused_and_the_next_day_it_is_not(
    phone_of: Make, unchanged: Unchanged, clock: FixedClock, events: Events
) -> None:
    phone = phone_of("an")
    for _ in range(export.MOST_A_DAY):
        exported(phone)
    with unchanged():
        refused = phone.post("/v1/me/exports", {})
        assert_refused(refused, 429, "too_many_attempts")
    assert len(events("account.exported")) == export.MOST_A_DAY
    assert phone_of("sau").post("/v1/me/exports", {}).status_code == 201
    clock.advance(timedelta(days=1, seconds=1))
    assert exported(phone_of("an"))


def test_export_needs_a_secret_and_a_fresh_one(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    weak = phone_of("an", password=False)
    with unchanged():
        assert_refused(weak.post("/v1/me/exports", {}), 401, "step_up_required")
    phone = phone_of("an")
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        refused = phone.post("/v1/me/exports", {})
        assert_refused(refused, 401, "step_up_required")
        assert "max_age=300" in refused.headers["WWW-Authenticate"].replace('"', "")


def test_s12_nothing_is_exported_after_a_new_binding(
    phone_of: Make, unchanged: Unchanged, clock: FixedClock, wallet: Wallet
) -> None:
    phone = phone_of("an")
    with wallet.work() as work:
        work.devices.begin_cooling_off(phone.get("/v1/me").json["account_id"])
    with unchanged():
        assert_refused(phone.post("/v1/me/exports", {}), 403, "cooling_off")
    clock.advance(timedelta(days=1))
    assert exported(phone_of("an"))


def test_export_takes_nothing_and_needs_a_key(phone_of: Make, client: FlaskClient, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    with unchanged():
        body = assert_refused(phone.post("/v1/me/exports", {"account_id": "acc_1"}), 422, "invalid_input")
        assert field_errors(body) == {"/account_id": "unknown_field"}
        assert_refused(phone.post("/v1/me/exports", {}, key=None), 400, "idempotency_key_required")
        assert_refused(client.post("/v1/me/exports", json={}), 401, "missing_token")
        assert_refused(phone.post("/v1/me/exports?account_id=acc_1", {}), 400, "unknown_parameter")


def test_rows_beyond_the_limit_are_left_out_and_that_is_said(phone_of: Make, wallet: Wallet, clock: FixedClock) -> None:
    phone = phone_of("an")
    account = phone.get("/v1/me").json["account_id"]
    many = [
        {"id": f"ntf_{n:06}", "account_id": account, "code": "export_made", "values": {}}
        | {"created_at": clock.now() - timedelta(minutes=n)}
        for n in range(MAX_ROWS + 1)
    ]
    with wallet.db.write() as session:
        session.execute(insert(Base.metadata.tables["notices"]), many)
    sections = exported(phone)
    assert len(sections["notices"]["rows"]) == MAX_ROWS
    assert sections["notices"]["complete"] is False
    assert sections["notices"]["rows"][-1]["id"] == "ntf_000000"
    assert sections["devices"]["complete"] is True


# --- the preview of the end ------------------------------------------------------------------------------------


def test_preview_counts_and_changes_nothing(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    phone.issue_residence()
    with unchanged():
        response = phone.get("/v1/me/closure")
    assert response.status_code == 200
    assert response.json["blocked_by"] == []
    effects = response.json["effects"]
    assert effects["documents_revoked"] == 1
    assert effects["sessions_ended"] == 1
    assert effects["devices_unbound"] == 1


def test_preview_needs_a_secret(phone_of: Make, unchanged: Unchanged) -> None:
    with_device = phone_of("an", password=False)
    with unchanged():
        assert_refused(with_device.get("/v1/me/closure"), 401, "step_up_required")


def _history(body: Any) -> list[dict[str, Any]]:
    return next(section["rows"] for section in body["sections"] if section["code"] == "history")


def _forget_contact(wallet: Wallet, phone: CitizenPhone) -> None:
    with wallet.db.write() as session:
        account = phone.get("/v1/me").json["account_id"]
        session.execute(text("DELETE FROM contacts WHERE account_id = :account"), {"account": account})
