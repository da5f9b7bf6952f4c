"""Who checks: let in by two, narrowed and stopped by one; desks whose keys are shown once and end at once."""

import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.checks.gates import OWN, VERIFIERS, decide, let_in, open_desk, order, purpose, register
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.audit import AuditEvent
from wallet.checks import desks as desks_module
from wallet.checks.models import VerifierDeskRow
from wallet.checks.templates import TEMPLATES
from wallet.crypto.keystore import Secret
from wallet.demo.gates import GATES, key_of
from wallet.errors import NotAuthenticated
from wallet.idempotency import IdempotencyRow
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
NOBODY = "vrf_" + "0" * 32


@pytest.fixture
def admin(phone_of: Make) -> CitizenPhone:
    return phone_of("admin1")


@pytest.fixture
def second(phone_of: Make) -> CitizenPhone:
    return phone_of("admin2")


@pytest.fixture
def verifier(admin: CitizenPhone, second: CitizenPhone) -> dict[str, Any]:
    return let_in(admin, second)


@pytest.fixture
def desk(admin: CitizenPhone, verifier: dict[str, Any]) -> dict[str, Any]:
    """A desk with its key."""
    made = open_desk(admin, verifier)
    assert made.status_code == 201, made.text
    return dict(made.json or {})


def own(client: FlaskClient, key: str) -> TestResponse:
    return client.get(OWN, headers={"X-Desk-Key": key})


def path(desk: dict[str, Any], tail: str = "") -> str:
    return f"{VERIFIERS}/{desk['verifier_id']}/desks/{desk['id']}{tail}"


def post(staff: CitizenPhone, verifier: dict[str, Any], tail: str, body: Any) -> TestResponse:
    return staff.post(f"{VERIFIERS}/{verifier['id']}/{tail}", body)


def change(staff: CitizenPhone, verifier: dict[str, Any], *purposes: dict[str, Any]) -> TestResponse:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"purposes": list(purposes)}
    return staff.call("PUT", f"{VERIFIERS}/{verifier['id']}/purposes", json=body, headers=headers)


# --- letting in ------------------------------------------------------------------------------------------------


def test_s64_verifier_needs_a_second_admin(
    admin: CitizenPhone, phone_of: Make, unchanged: Unchanged, events: Events
) -> None:
    asked = register(admin)
    assert asked.status_code == 202, asked.text
    body = asked.json or {}
    assert asked.headers["Location"] == f"{VERIFIERS}/{body['id']}"
    assert (body["state"], body["purposes"]) == ("awaiting_approval", [])
    assert body["awaiting"]["state"] == "awaiting_approval"
    assert body["awaiting"]["purposes"] == [purpose() | {"claims": {"driving_licence": ["classes", "full_name"]}}]
    with unchanged():
        assert_refused(open_desk(admin, body | {"purposes": [purpose()]}), 409, "verifier_not_active")
        assert_refused(decide(admin, body), 403, "self_approval")
    assert admin.get(f"{VERIFIERS}/{body['id']}").json == body, "nothing of it is in force"
    approver = phone_of("approver1")
    decided = decide(approver, body)
    assert decided.status_code == 200, decided.text
    assert (decided.json["state"], decided.json["purposes"]) == ("active", body["awaiting"]["purposes"])
    assert "awaiting" not in decided.json
    with unchanged():
        assert_refused(decide(approver, body), 409, "approval_closed")
    assert [row["subject"] for row in events("verifier.registered")][-1:] == [body["id"]]
    assert events("verifier.approved")[-1]["subject"] == body["id"]
    assert events("verifier.approved")[-1]["purposes"] == ["rental"]


def test_an_approver_may_not_register_and_a_citizen_neither(phone_of: Make, unchanged: Unchanged) -> None:
    people = [phone_of(key) for key in ("approver1", "officer1", "an")]
    with unchanged():
        for who in people:
            assert_refused(register(who), 403, "not_allowed")


def test_one_that_is_refused_stays_out(admin: CitizenPhone, second: CitizenPhone, unchanged: Unchanged) -> None:
    body = register(admin).json or {}
    assert decide(second, body, "refuse").json["state"] == "refused"
    with unchanged():
        assert_refused(open_desk(admin, body | {"purposes": [purpose()]}), 409, "verifier_not_active")
        assert_refused(change(admin, body, purpose()), 409, "verifier_over")
        assert_refused(decide(second, body), 409, "approval_closed")
        assert_refused(post(admin, body, "resumption", {}), 409, "verifier_not_suspended")
        assert_refused(post(admin, body, "ending", {"reason": "misuse"}), 409, "verifier_over")


def test_an_approval_that_waited_too_long_lets_nobody_in(
    admin: CitizenPhone, second: CitizenPhone, clock: FixedClock, unchanged: Unchanged
) -> None:
    body = register(admin).json or {}
    clock.advance(days=8)
    admin.sign_in()
    second.sign_in()
    with unchanged():
        assert_refused(decide(second, body), 409, "approval_expired")
    assert change(admin, body, purpose()).status_code == 202
    again = admin.get(f"{VERIFIERS}/{body['id']}").json or {}
    assert again["awaiting"]["wish"] == "register"
    assert decide(second, again).json["state"] == "active"


def test_an_approval_of_another_organisation_does_not_count(
    admin: CitizenPhone, second: CitizenPhone, unchanged: Unchanged
) -> None:
    one, other = register(admin).json or {}, register(admin).json or {}
    with unchanged():
        assert_refused(decide(second, other | {"awaiting": one["awaiting"]}), 404, "not_found")
        assert_refused(decide(second, one | {"awaiting": {"approval": "apr_" + "0" * 32}}), 404, "not_found")
        assert_refused(decide(second, one | {"id": NOBODY}), 404, "not_found")


FAULTS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("unknown kind of document", {"claims": {"passport": ["full_name"]}}, {"/claims/passport": "no_such_document"}),
    (
        "unknown claim",
        {"claims": {"driving_licence": ["full_name", "shoe_size"]}},
        {"/claims/driving_licence/1": "no_such_claim"},
    ),
    (
        "twice the same",
        {"claims": {"driving_licence": ["full_name", "full_name"]}},
        {"/claims/driving_licence/1": "repeated"},
    ),
    ("no claim of a document", {"claims": {"driving_licence": []}}, {"/claims/driving_licence": "required"}),
    ("nothing at all", {"claims": {}}, {"/claims": "required"}),
    (
        "an address at a gate",
        {"kind": "gate", "claims": {"residence": ["permanent_address", "full_name"]}},
        {"/claims/residence/0": "too_strict_for_purpose"},
    ),
    (
        "a household at a gate, whatever law is named",
        {"kind": "gate", "strict_ground": "Luật X", "claims": {"residence": ["household_members"]}},
        {"/claims/residence/0": "too_strict_for_purpose"},
    ),
    (
        "ethnicity at a counter",
        {"strict_ground": "Luật X", "claims": {"residence": ["ethnicity"]}},
        {"/claims/residence/0": "too_strict_for_purpose"},
    ),
    (
        "health at a gate",
        {"kind": "gate", "strict_ground": "Luật X", "claims": {"allergy_card": ["allergies"]}},
        {"/claims/allergy_card": "too_strict_for_purpose"},
    ),
    ("an address without its law", {"claims": {"residence": ["permanent_address"]}}, {"/strict_ground": "required"}),
    (
        "a judicial record without the law that asks for it",
        {"claims": {"judicial_record_1": ["result"]}},
        {"/strict_ground": "required"},
    ),
    (
        "record No. 2, which nobody may ask for",
        {"kind": "office", "strict_ground": "Luật X", "claims": {"judicial_record_2": ["result"]}},
        {"/claims/judicial_record_2": "never_asked_for"},
    ),
    (
        "a report to the police",
        {"kind": "office", "strict_ground": "Luật X", "claims": {"security_report_receipt": ["category"]}},
        {"/claims/security_report_receipt": "never_asked_for"},
    ),
]


@pytest.mark.parametrize(("other", "faults"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_purpose_that_asks_for_too_much_is_refused(
    admin: CitizenPhone, verifier: dict[str, Any], unchanged: Unchanged, other: dict[str, Any], faults: dict[str, str]
) -> None:
    expected = {f"/purposes/0{pointer}": code for pointer, code in faults.items()}
    with unchanged():
        for response in (register(admin, order(purpose(**other))), change(admin, verifier, purpose(**other))):
            assert field_errors(assert_refused(response, 422, "invalid_input")) == expected


def test_all_faults_come_at_once(admin: CitizenPhone, unchanged: Unchanged) -> None:
    wrong = [purpose(claims={"passport": ["x"]}), purpose(claims={"residence": ["permanent_address", "y"]})]
    with unchanged():
        body = assert_refused(register(admin, order(*wrong)), 422, "invalid_input")
    assert field_errors(body) == {
        "/purposes/0/claims/passport": "no_such_document",
        "/purposes/1/claims/residence/1": "no_such_claim",
        "/purposes/1/code": "repeated",
        "/purposes/1/strict_ground": "required",
    }


def test_the_shape_of_an_order_is_strict(admin: CitizenPhone, unchanged: Unchanged) -> None:
    body = order(purpose("Không", quotas={"citizens_an_hour": 0, "checks_a_minute": 1e9}, kind="spy"), motto="x")
    body |= {"template": "spies", "enterprise_code": "12", "legal_ground": "", "name": {"vi": "a\u202eb"}}
    with unchanged():
        refused = field_errors(assert_refused(register(admin, body), 422, "invalid_input"))
        bare = register(admin, {name: value for name, value in order().items() if name != "purposes"})
        assert field_errors(assert_refused(bare, 422, "invalid_input")) == {"/purposes": "required"}
    assert refused == {
        "/name/vi": "not_plain_text",
        "/name/en": "required",
        "/legal_ground": "invalid_length",
        "/template": "not_a_choice",
        "/enterprise_code": "invalid_format",
        "/motto": "unknown_field",
        "/purposes/0/code": "invalid_format",
        "/purposes/0/kind": "not_a_choice",
        "/purposes/0/quotas/citizens_an_hour": "out_of_range",
        "/purposes/0/quotas/checks_a_minute": "invalid_type",
    }


# --- templates -------------------------------------------------------------------------------------------------


def test_templates_say_what_each_looks_at(admin: CitizenPhone, wallet: Wallet) -> None:
    rows = {row["code"]: row for row in admin.get("/v1/admin/verifier-templates").json["data"]}
    assert rows.keys() == TEMPLATES.keys()
    assert {"airline", "hospital", "hotel", "bank", "employer", "school", "traffic_police"} == rows.keys()
    purposes = {each["code"]: each for row in rows.values() for each in row["purposes"]}
    assert {"check_in", "boarding", "security", "reception", "emergency"} <= purposes.keys()
    for code in ("check_in", "boarding", "security"):
        assert purposes[code]["kind"] == "gate"
        assert purposes[code]["portrait"]
        assert not purposes[code]["claims"].keys() & {"residence", "health_summary"}
    assert set(purposes["emergency"]["claims"]["allergy_card"]) >= {"allergies", "blood_type"}
    assert "permanent_address" in purposes["stay"]["claims"]["residence"]
    assert purposes["hiring"]["claims"].keys() == {"judicial_record_1"}, "No. 2 is nobody's to ask for"
    assert purposes["hiring"]["strict_ground"] == "", "whoever hires states the law"


def test_a_template_is_enough_where_its_law_is_known(admin: CitizenPhone, second: CitizenPhone) -> None:
    body = {name: value for name, value in order(template="hospital").items() if name != "purposes"}
    asked = register(admin, body)
    assert asked.status_code == 202, asked.text
    active = decide(second, asked.json or {}).json or {}
    assert [each["code"] for each in active["purposes"]] == ["reception", "emergency"]


def test_an_employer_has_to_name_the_law(admin: CitizenPhone, unchanged: Unchanged) -> None:
    body = {name: value for name, value in order(template="employer").items() if name != "purposes"}
    with unchanged():
        refused = field_errors(assert_refused(register(admin, body), 422, "invalid_input"))
    assert refused == {"/purposes/0/strict_ground": "required"}


# --- changing and stopping -------------------------------------------------------------------------------------


def test_widening_waits_for_a_second_person(
    admin: CitizenPhone, second: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], client: FlaskClient
) -> None:
    wide = purpose(claims={"driving_licence": ["full_name", "classes", "points"]})
    before = own(client, desk["key"]).json
    asked = change(admin, verifier, wide)
    assert asked.status_code == 202, asked.text
    assert asked.json["purposes"] == verifier["purposes"]
    assert own(client, desk["key"]).json == before
    assert_refused(change(admin, verifier, wide | {"portrait": True}), 409, "approval_pending")
    assert_refused(decide(admin, asked.json), 403, "self_approval")
    assert own(client, desk["key"]).json == before
    decide(second, asked.json)
    shown = own(client, desk["key"]).json["purposes"][0]["claims"]["driving_licence"]
    assert shown == ["classes", "full_name", "points"]


@pytest.mark.parametrize(
    "other",
    [
        {"portrait": True},
        {"quotas": {"citizens_an_hour": 4, "checks_a_minute": 5}},
        {"quotas": {"citizens_an_hour": 3, "checks_a_minute": 6}},
        {"legal_ground": "Luật khác"},
        {"title": {"vi": "Khác", "en": "Another"}},
        {"kind": "office"},
        {"code": "other"},
        {"claims": {"vehicle_registration": ["plate"]}},
    ],
)
def test_whatever_shows_more_or_means_another_thing_waits(
    admin: CitizenPhone, verifier: dict[str, Any], other: dict[str, Any]
) -> None:
    asked = change(admin, verifier, purpose() | other)
    assert asked.status_code == 202, asked.text
    assert (asked.json["purposes"], asked.json["awaiting"]["wish"]) == (verifier["purposes"], "change_purposes")


def test_narrowing_holds_at_once(
    admin: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], client: FlaskClient, events: Events
) -> None:
    narrow = purpose(claims={"driving_licence": ["classes"]}, quotas={"citizens_an_hour": 1, "checks_a_minute": 1})
    changed = change(admin, verifier, narrow)
    assert changed.status_code == 200, changed.text
    assert (changed.json["purposes"], changed.json["version"]) == ([narrow], verifier["version"] + 1)
    assert own(client, desk["key"]).json["purposes"] == [narrow]
    assert events("verifier.purposes_narrowed")[-1]["subject"] == verifier["id"]


def test_what_was_asked_for_before_a_stop_does_not_undo_it(
    admin: CitizenPhone, second: CitizenPhone, verifier: dict[str, Any], unchanged: Unchanged
) -> None:
    wide = change(admin, verifier, purpose(portrait=True)).json
    narrow = purpose(claims={"driving_licence": ["classes"]})
    assert change(admin, verifier, narrow).status_code == 200
    with unchanged():
        assert_refused(decide(second, wide), 409, "verifier_changed")
    assert decide(second, wide, "refuse").json["purposes"] == [narrow]


def test_suspending_takes_one_and_resuming_two(
    admin: CitizenPhone,
    phone_of: Make,
    verifier: dict[str, Any],
    desk: dict[str, Any],
    client: FlaskClient,
    events: Events,
    unchanged: Unchanged,
) -> None:
    approver = phone_of("approver1")
    stopped = post(approver, verifier, "suspension", {"reason": "misuse"})
    assert (stopped.status_code, stopped.json["state"], stopped.json["reason"]) == (200, "suspended", "misuse")
    assert_refused(own(client, desk["key"]), 401, "desk_key_suspended")
    recorded = events("verifier.suspended")[-1]
    assert (recorded["subject"], recorded["reason"]) == (verifier["id"], "misuse")
    with unchanged():
        assert post(approver, verifier, "suspension", {"reason": "misuse"}).status_code == 200
        assert_refused(open_desk(admin, verifier, "G-2"), 409, "verifier_not_active")
        assert_refused(post(approver, verifier, "resumption", {}), 403, "not_allowed")
        assert_refused(post(admin, verifier, "suspension", {"reason": "mood"}), 422, "invalid_input")
    asked = post(admin, verifier, "resumption", {})
    assert asked.status_code == 202, asked.text
    assert_refused(decide(admin, asked.json), 403, "self_approval")
    assert_refused(own(client, desk["key"]), 401, "desk_key_suspended")
    assert decide(approver, asked.json).json["state"] == "active"
    assert own(client, desk["key"]).status_code == 200


def test_a_suspension_is_said_to_whoever_has_the_key_and_to_nobody_else(
    admin: CitizenPhone, verifier: dict[str, Any], client: FlaskClient, wallet: Wallet, unchanged: Unchanged
) -> None:
    stays, goes, ends = ((open_desk(admin, verifier, gate).json or {}) for gate in ("G-1", "G-2", "G-3"))
    assert admin.call("DELETE", path(goes)).status_code == 204
    rotated = (admin.post(path(ends, "/key"), {"overlap_seconds": 60}).json or {})["key"]
    assert post(admin, verifier, "suspension", {"reason": "misuse"}).status_code == 200
    with unchanged():
        for right in (stays["key"], ends["key"], rotated):
            response = own(client, right)
            assert_refused(response, 401, "desk_key_suspended")
            assert response.headers["WWW-Authenticate"] == "Desk-Key"
        head = stays["key"].rpartition("_")[0]
        wrong = [
            f"{head}_{'0' * 64}",
            stays["key"].replace("vsd_test_", "vsd_"),
            goes["key"],
            f"vsd_test_{'0' * 32}_{'0' * 64}",
        ]
        told = [assert_refused(own(client, key), 401, "invalid_desk_key") | {"request_id": ""} for key in wrong]
        assert all(each == told[0] for each in told)
        with wallet.read() as work:
            assert work.verifier_desks.standing(stays["id"]) is None
    assert admin.call("DELETE", path(stays)).status_code == 204
    assert_refused(own(client, stays["key"]), 401, "invalid_desk_key")
    assert post(admin, verifier, "ending", {"reason": "ground_ended"}).status_code == 200
    assert_refused(own(client, rotated), 401, "invalid_desk_key")


def test_ending_is_for_good(
    admin: CitizenPhone, second: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], client: FlaskClient
) -> None:
    waiting = change(admin, verifier, purpose(portrait=True)).json
    ended = post(admin, verifier, "ending", {"reason": "ground_ended"})
    assert (ended.status_code, ended.json["state"]) == (200, "ended")
    assert_refused(own(client, desk["key"]), 401, "invalid_desk_key")
    assert_refused(decide(second, waiting), 409, "verifier_changed")
    assert_refused(post(admin, verifier, "suspension", {"reason": "misuse"}), 409, "verifier_not_active")
    assert_refused(post(admin, verifier, "resumption", {}), 409, "verifier_not_suspended")
    assert_refused(change(admin, verifier, purpose()), 409, "verifier_over")
    assert post(admin, verifier, "ending", {"reason": "misuse"}).json["reason"] == "ground_ended"


# --- desks and their keys --------------------------------------------------------------------------------------


def test_a_desk_knows_what_it_is(verifier: dict[str, Any], desk: dict[str, Any], client: FlaskClient) -> None:
    assert re.fullmatch(r"vsd_test_[0-9a-f]{32}_[0-9a-f]{64}", desk["key"])
    answer = own(client, desk["key"])
    assert answer.status_code == 200, answer.text
    assert answer.json == {
        "id": desk["id"],
        "name": "Quầy 1",
        "gate_id": "G-1",
        "organisation": {"id": verifier["id"], "name": verifier["name"]},
        "test": True,
        "purposes": verifier["purposes"],
    }
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_key_is_shown_once_and_never_stored(
    admin: CitizenPhone, verifier: dict[str, Any], wallet: Wallet, client: FlaskClient
) -> None:
    first = open_desk(admin, verifier, key="once")
    again = open_desk(admin, verifier, key="once")
    body = first.json or {}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == {name: value for name, value in body.items() if name != "key"}
    assert own(client, body["key"]).status_code == 200
    rotated = [admin.post(path(body, "/key"), {}, key="turn") for _ in range(2)]
    assert "key" in rotated[0].json
    assert "key" not in rotated[1].json
    secrets = [key.rpartition("_")[2] for key in (body["key"], rotated[0].json["key"])]
    read = [admin.get(path(body)).text, admin.get(path(body).rpartition("/")[0]).text]
    with wallet.db.read() as session:
        kept = [row.answer for row in session.scalars(select(IdempotencyRow)) if row.key in ("once", "turn")]
        opened = [wallet_answers(wallet, row) for row in session.scalars(select(IdempotencyRow))]
        audit = repr([row.details for row in session.scalars(select(AuditEvent))])
        row = session.get_one(VerifierDeskRow, body["id"])
        columns = repr([getattr(row, column.name) for column in VerifierDeskRow.__table__.columns])
        assert row.key_hash == sha256(bytes.fromhex(secrets[1])).digest()
    assert len(kept) == 2
    for secret in secrets:
        assert all(secret not in text for text in [*read, *opened, audit, columns, repr(bytes.fromhex(secret))])


def wallet_answers(wallet: Wallet, row: IdempotencyRow) -> str:
    """Return what the store of answers really keeps, unsealed."""
    with wallet.read() as work:
        return str(work.idempotency.opened(row.answer or {}, row.principal, row.key))


def test_every_bad_key_gets_the_same_answer(
    admin: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], client: FlaskClient, unchanged: Unchanged
) -> None:
    revoked = open_desk(admin, verifier, "G-2").json or {}
    assert admin.call("DELETE", path(revoked)).status_code == 204
    good: str = desk["key"]
    head, secret = good.rpartition("_")[::2]
    bad = [
        revoked["key"],
        f"{head}_{'0' * 64}",
        f"vsd_test_{'0' * 32}_{secret}",
        good.replace("vsd_test_", "vsd_"),
        good.upper(),
        good + " ",
        good + "\u00e9",
        f"{good},{good}",
        desk["id"],
        "x",
        "x" * 5000,
    ]
    bodies = []
    with unchanged():
        for key in bad:
            response = own(client, key)
            body = assert_refused(response, 401, "invalid_desk_key")
            headers = {name: value for name, value in response.headers if name != "X-Request-ID"}
            bodies.append((body | {"request_id": ""}, headers))
        assert_refused(client.get(OWN), 401, "desk_key_missing")
        assert_refused(own(client, ""), 401, "desk_key_missing")
        assert_refused(client.get(f"{OWN}?key=1", headers={"X-Desk-Key": good}), 400, "unknown_parameter")
    assert all(each == bodies[0] for each in bodies)
    assert bodies[0][1]["WWW-Authenticate"] == "Desk-Key"
    assert own(client, good).status_code == 200


def test_a_session_is_no_desk_and_a_desk_no_session(
    admin: CitizenPhone, desk: dict[str, Any], client: FlaskClient, unchanged: Unchanged
) -> None:
    with unchanged():
        assert_refused(admin.get(OWN), 401, "desk_key_missing")
        for target in ("/v1/me", VERIFIERS, "/v1/documents"):
            assert_refused(client.get(target, headers={"X-Desk-Key": desk["key"]}), 401, "missing_token")
        bearer = {"Authorization": f"Bearer {desk['key']}"}
        assert_refused(client.get("/v1/me", headers=bearer), 401, "invalid_token")


def test_s23_a_revoked_desk_is_over_at_once_in_every_process(
    admin: CitizenPhone, desk: dict[str, Any], wallet: Wallet, client: FlaskClient, clock: FixedClock, events: Events
) -> None:
    other = Wallet.build(wallet.settings, clock=clock)
    try:
        with other.read() as work:
            assert work.verifier_desks.authenticate(desk["key"]).desk_id == desk["id"]
        assert admin.call("DELETE", path(desk)).status_code == 204
        with other.read() as work, pytest.raises(NotAuthenticated, match="invalid_desk_key"):
            work.verifier_desks.authenticate(desk["key"])
    finally:
        other.close()
    assert_refused(own(client, desk["key"]), 401, "invalid_desk_key")
    assert admin.call("DELETE", path(desk)).status_code == 204, "again changes nothing"
    assert_refused(admin.post(path(desk, "/key"), {}), 409, "desk_revoked")
    assert admin.get(path(desk)).json["state"] == "revoked"
    assert [row["subject"] for row in events("verifier_desk.revoked")] == [desk["id"]]


def test_a_key_of_the_other_mode_is_refused(
    wallet: Wallet,
    admin: CitizenPhone,
    second: CitizenPhone,
    desk: dict[str, Any],
    client: FlaskClient,
) -> None:
    serving = client.application.extensions
    serving["wallet"] = replace(wallet, settings=replace(wallet.settings, mode="production"))
    refused = [own(client, desk["key"])]
    verifier = let_in(admin, second)
    assert verifier["test"] is False
    key = (open_desk(admin, verifier).json or {})["key"]
    assert re.fullmatch(r"vsd_[0-9a-f]{32}_[0-9a-f]{64}", key)
    assert own(client, key).json["test"] is False
    refused.append(own(client, key.replace("vsd_", "vsd_test_")))
    serving["wallet"] = wallet
    refused += [own(client, key), own(client, key.replace("vsd_", "vsd_test_")), own(client, "x")]
    bodies = [assert_refused(each, 401, "invalid_desk_key") | {"request_id": ""} for each in refused]
    assert all(body == bodies[0] for body in bodies)
    assert own(client, desk["key"]).status_code == 200


def test_rotating_ends_the_old_key_at_once_or_when_it_was_said(
    admin: CitizenPhone, desk: dict[str, Any], client: FlaskClient, clock: FixedClock
) -> None:
    second = admin.post(path(desk, "/key"), {}).json["key"]
    assert_refused(own(client, desk["key"]), 401, "invalid_desk_key")
    turned = admin.post(path(desk, "/key"), {"overlap_seconds": 60})
    third = turned.json["key"]
    assert turned.json["former_until"] == "2026-03-02T05:01:00Z"
    assert [own(client, key).status_code for key in (desk["key"], second, third)] == [401, 200, 200]
    clock.advance(seconds=59)
    assert own(client, second).status_code == 200
    clock.advance(seconds=1)
    assert [own(client, key).status_code for key in (desk["key"], second, third)] == [401, 401, 200]
    assert_refused(admin.post(path(desk, "/key"), {"overlap_seconds": 86401}), 422, "invalid_input")


def test_a_revocation_ends_the_overlapping_key_too(
    admin: CitizenPhone, desk: dict[str, Any], client: FlaskClient
) -> None:
    new = admin.post(path(desk, "/key"), {"overlap_seconds": 3600}).json["key"]
    admin.call("DELETE", path(desk))
    assert [own(client, key).status_code for key in (desk["key"], new)] == [401, 401]


def test_a_desk_of_another_organisation_does_not_exist(
    admin: CitizenPhone, second: CitizenPhone, desk: dict[str, Any], client: FlaskClient, unchanged: Unchanged
) -> None:
    other = let_in(admin, second)
    with unchanged():
        for verifier_id in (other["id"], NOBODY):
            there = path(desk | {"verifier_id": verifier_id})
            assert_refused(admin.get(there), 404, "not_found")
            assert_refused(admin.post(f"{there}/key", {}), 404, "not_found")
            assert_refused(admin.call("DELETE", there), 404, "not_found")
        assert_refused(admin.get(f"{VERIFIERS}/{NOBODY}"), 404, "not_found")
        assert_refused(admin.get(f"{VERIFIERS}/{NOBODY}/desks"), 404, "not_found")
        assert_refused(open_desk(admin, other | {"id": NOBODY}), 404, "not_found")
    assert own(client, desk["key"]).status_code == 200
    assert admin.get(f"{VERIFIERS}/{other['id']}/desks").json["data"] == []


def test_a_desk_that_cannot_be_is_refused(
    admin: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], unchanged: Unchanged
) -> None:
    with unchanged():
        assert_refused(open_desk(admin, verifier), 409, "gate_taken")
        for gate in ("", "g-1", "G 1", "G_1", "G" * 17, "G-1\n"):
            body = assert_refused(open_desk(admin, verifier, gate), 422, "invalid_input")
            assert field_errors(body) == {"/gate_id": "invalid_format"}
        wrong = open_desk(admin, verifier, "G-2", purposes=["rental", "boarding", "rental"])
        assert field_errors(assert_refused(wrong, 422, "invalid_input")) == {
            "/purposes/1": "no_such_purpose",
            "/purposes/2": "repeated",
        }
    admin.call("DELETE", path(desk))
    assert open_desk(admin, verifier).status_code == 201, "a gate is free again"


def test_there_are_so_many_desks_and_no_more(
    admin: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], unchanged: Unchanged, monkeypatch: Any
) -> None:
    monkeypatch.setattr(desks_module, "MAX_DESKS", 1)
    with unchanged():
        assert_refused(open_desk(admin, verifier, "G-2"), 409, "too_many_desks")
    admin.call("DELETE", path(desk))
    assert open_desk(admin, verifier, "G-2").status_code == 201


def test_a_desk_sees_the_purposes_that_it_was_given(
    admin: CitizenPhone, second: CitizenPhone, client: FlaskClient
) -> None:
    verifier = let_in(admin, second, purpose("one"), purpose("two"))
    key = (open_desk(admin, verifier, purposes=["two"]).json or {})["key"]
    assert [each["code"] for each in own(client, key).json["purposes"]] == ["two"]
    assert change(admin, verifier, purpose("one")).status_code == 200
    assert own(client, key).json["purposes"] == []


def test_making_a_key_needs_a_fresh_sign_in(
    admin: CitizenPhone, verifier: dict[str, Any], desk: dict[str, Any], clock: FixedClock, unchanged: Unchanged
) -> None:
    clock.advance(timedelta(minutes=6))
    with unchanged():
        assert_refused(open_desk(admin, verifier, "G-2"), 401, "step_up_required")
        assert_refused(admin.post(path(desk, "/key"), {}), 401, "step_up_required")
    assert admin.call("DELETE", path(desk)).status_code == 204, "stopping never waits"


def test_the_lists_come_in_pages(admin: CitizenPhone, second: CitizenPhone, verifier: dict[str, Any]) -> None:
    for gate in ("A", "B", "C"):
        assert open_desk(admin, verifier, gate).status_code == 201
    for target, wanted in ((f"{VERIFIERS}/{verifier['id']}/desks", 3), (VERIFIERS, 1 + len(GATES))):
        seen, cursor = [], ""
        while True:
            page = admin.get(f"{target}?limit=2{cursor}").json
            seen += [row["id"] for row in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert len(seen) == len(set(seen)) == wanted
    page = admin.get(f"{VERIFIERS}?limit=2").json
    other = admin.get(f"{VERIFIERS}/{verifier['id']}/desks?limit=2&cursor={page['next_cursor']}")
    assert_refused(other, 400, "invalid_cursor")


def test_no_desk_without_the_database(desk: dict[str, Any], client: FlaskClient, gone: Any) -> None:
    with gone():
        assert_refused(own(client, desk["key"]), 503, "dependency_unavailable")


# --- the demo --------------------------------------------------------------------------------------------------


def test_the_desks_of_the_demo_work(wallet: Wallet, client: FlaskClient) -> None:
    secret = wallet.keystore.secret(Secret.DEMO)
    for gate in GATES:
        answer = own(client, key_of(gate, secret).shown)
        assert answer.status_code == 200, answer.text
        assert answer.json["gate_id"] == gate.gate_id
        assert {each["code"] for each in answer.json["purposes"]} == set(gate.purposes)
    assert_refused(own(client, key_of(GATES[0], b"another secret of thirty-two byte").shown), 401, "invalid_desk_key")
