"""Closing an account: everything or nothing, and afterwards nobody is there."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, text

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.conftest import events, unchanged  # noqa: F401 - fixtures
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_drafts import ANSWERS, draft
from tests.web.test_review_desk import ask, paid
from wallet.db import Base
from wallet.errors import Conflict, Malformed, NotFound, WalletError
from wallet.identity.guardians import Relation
from wallet.identity.lock_orders import OrderKind
from wallet.sources.base import Ground, RegisterCode
from wallet.terms import Actor, StaffRole, Status
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
State = Callable[[], dict[str, list[str]]]
SYSTEM = Actor("system", request_id="test")
CLOSE = {"confirm": "close"}
EMAIL = "an.rieng.tu@example.vn"


def account_of(phone: CitizenPhone) -> str:
    return str(phone.get("/v1/me").json["account_id"])


def close(phone: CitizenPhone, **options: Any) -> Any:
    return phone.post("/v1/me/closure", CLOSE, **options)


def lived_in(phone: CitizenPhone, wallet: Wallet) -> str:
    """Do with an account what people do, and return a document's id."""
    document = phone.issue_residence()
    phone.issue_residence()
    tag = phone.get("/v1/me/settings").headers["ETag"]
    assert phone.call("PATCH", "/v1/me/settings", json={"email": EMAIL}, headers={"If-Match": tag}).status_code == 200
    wrong = {"register": "population", "fact": "full_name", "should_be": "Nguyễn Văn Sai", "explanation": "Nhầm tên."}
    files = [{"media_type": "application/pdf", "content": base64.b64encode(b"%PDF-1.4 rieng tu\n").decode()}]
    assert phone.post("/v1/me/corrections", wrong | {"evidence": files}).status_code == 201
    assert phone.post("/v1/me/exports", {}).status_code == 201
    with wallet.work() as work:
        work.contacts.tell(account_of(phone), "device_bound")
    return document


def values_of(claims: Any) -> Iterator[str]:
    if isinstance(claims, dict):
        for inner in claims.values():
            yield from values_of(inner)
    elif isinstance(claims, list):
        for inner in claims:
            yield from values_of(inner)
    elif isinstance(claims, str):
        yield claims


def everything(wallet: Wallet) -> Iterator[tuple[str, bytes]]:
    """Yield every value of every column of every table, as bytes: texts as they are and as JSON escapes them."""
    with wallet.db.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                for name, value in row.items():
                    place = f"{table.name}.{name}"
                    if isinstance(value, bytes):
                        yield place, value
                    elif isinstance(value, (dict, list)):
                        yield place, json.dumps(value, ensure_ascii=False).encode()
                    elif value is not None:
                        yield place, str(value).encode()


def found(wallet: Wallet, wanted: set[str]) -> dict[str, set[str]]:
    """Return where any of these texts stands, in the clear or as base64, hexadecimal or JSON would write it."""
    places: dict[str, set[str]] = {}
    forms = {
        text: (
            text.encode(),
            json.dumps(text)[1:-1].encode(),
            text.encode().hex().encode(),
            base64.b64encode(text.encode()).rstrip(b"=")[:-1],
        )
        for text in wanted
    }
    for place, value in everything(wallet):
        for wanted_text, shapes in forms.items():
            if any(shape in value for shape in shapes if len(shape) >= 4):
                places.setdefault(wanted_text, set()).add(place)
    return places


def personal(phone: CitizenPhone, wallet: Wallet, document: str) -> set[str]:
    """Return what must be found nowhere: who the holder is, how they are reached, what a document states of them."""
    with wallet.read() as work:
        contact = work.contacts.find(account_of(phone))
    assert contact is not None
    assert contact.email == EMAIL
    stated = set(values_of(phone.get(f"/v1/documents/{document}").json["claims"]))
    words = {text for text in stated if len(text) >= 6}
    assert len(words) > 5
    persona = phone.persona
    own = {persona.number, persona.name, persona.birth, contact.phone, contact.phone.removeprefix("+84"), EMAIL}
    return own | words | {"Nguyễn Văn Sai", "rieng tu"}


def sealed_values(wallet: Wallet) -> list[tuple[str, bytes]]:
    """Return every sealed value there is with the id that it is bound to, before the account is closed."""
    with wallet.db.read() as session:
        values: list[tuple[str, bytes]] = []
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.columns if isinstance(column.type, LargeBinary)]
            keys = [column for column in table.primary_key if not isinstance(column.type, LargeBinary)]
            for row in session.execute(select(table)).mappings():
                for column in columns:
                    if row[column.name]:
                        key = str(row[keys[0].name])
                        values += [(f"{key}{tail}", row[column.name]) for tail in ("", ".phone", ".email", ".answer")]
        return values


# --- S-81 ------------------------------------------------------------------------------------------------------


OF_NOBODY = {"staff_grants.agency", "type_metadata.bundle_entry", "type_metadata.content"}


def test_s81_closing_leaves_nothing_in_the_clear_and_nothing_that_opens(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    document = lived_in(phone, wallet)
    wanted = personal(phone, wallet, document)
    account = account_of(phone)
    with wallet.read() as work:
        holder_id = work.accounts.find(account).holder_id
    kept = sealed_values(wallet)
    with wallet.read() as work:
        opened = [bound for bound, value in kept if _opens(work, holder_id, bound, value)]
    assert len(opened) >= 6, "profile, phone, e-mail, two documents, a statement and its file"
    phone.step_up(4)
    response = close(phone)
    assert response.status_code == 201, response.text
    after = found(wallet, wanted)
    # A province stands among the data of agencies, words for codes among those of kinds of document, both from before.
    assert set().union(*after.values()) <= OF_NOBODY, after
    with wallet.read() as work:
        assert not [bound for bound, value in kept if _opens(work, holder_id, bound, value)]
        with pytest.raises(NotFound):
            work.holders.profile(holder_id)
    if wallet.db.is_sqlite:
        assert _in_files(wallet, wanted - set(after)) == set()


def test_s81_documents_are_seen_revoked_online_and_in_the_published_list(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    phone = phone_of("an")
    document = lived_in(phone, wallet)
    code = phone.code_of(document)
    assert phone.client.post("/v1/checks", json={"code": code}).json["verdict"] == "valid"
    with wallet.read() as work:
        places = [
            (row.status_list, row.status_index)
            for row in work.document_rows.unrevoked(work.accounts.find(account_of(phone)).holder_id)
        ]
    assert len(places) == 2
    phone.step_up(4)
    assert close(phone).json["effects"]["documents_revoked"] == 2
    clock.advance(seconds=2)
    judged = phone.client.post("/v1/checks", json={"code": code}).json
    assert (judged["verdict"], judged["reasons"]) == ("invalid", ["revoked"])
    assert "document" not in judged or judged["accepted"] is False
    wallet.board.refresh(force=True)
    for list_id, index in places:
        assert wallet.board.lists[list_id].get(index) is Status.INVALID


def test_s81_the_record_stays_whole_and_grows_by_the_closing_alone(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    lived_in(phone, wallet)
    phone.step_up(4)
    before = _audit(wallet)
    assert close(phone).status_code == 201
    after = _audit(wallet)
    assert after[: len(before)] == before
    added = [row[2] for row in after[len(before) :]]
    assert sorted(added) == ["account.closed", "account.erased", "document.revoked", "document.revoked"]


def test_s81_afterwards_nobody_is_there(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:  # noqa: F811
    phone, other = phone_of("an"), phone_of("sau")
    lived_in(phone, wallet)
    refresh = phone.tokens["refresh_token"]
    phone.step_up(4)
    assert close(phone).status_code == 201
    with unchanged():
        for path in ("/v1/me", "/v1/me/settings", "/v1/documents", "/v1/me/corrections"):
            assert_refused(phone.get(path), 401, "session_ended")
        proof = phone.dpop(f"{wallet.settings.issuer_url}/v1/sessions/refresh")
        again = phone.client.post("/v1/sessions/refresh", json={"refresh_token": refresh}, headers={"DPoP": proof})
        assert_refused(again, 401, "session_ended")
        mine, unknown = phone.try_sign_in(), replace_device(other, "dev_" + "f" * 32).try_sign_in()
        assert_refused(mine, 403, "device_not_bound")
        assert _said(mine) == _said(unknown), "as for somebody who was never there"
    with wallet.read() as work:
        assert work.holders.find(phone.persona.number) is None


def test_s81_the_number_can_be_registered_anew_and_nothing_of_before_comes_back(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    document = lived_in(phone, wallet)
    former = account_of(phone)
    phone.step_up(4)
    assert close(phone).status_code == 201
    own = phone.own
    with wallet.work() as work:
        facts = work.sources.read(
            RegisterCode.POPULATION, phone.persona.number, Ground("open_account", "test", SYSTEM), subject="test"
        )
        opened = work.accounts.open(
            facts=facts.values,
            password=own.password,
            passcode=own.passcode,
            device_id=own.device_id,
            public_key={name: own.device_jwk[name] for name in ("kty", "crv", "x", "y")},
            actor=SYSTEM,
        )
    assert opened.account_id != former
    phone.sign_in()
    assert account_of(phone) == opened.account_id
    assert phone.get("/v1/documents").json["data"] == []
    assert phone.get("/v1/me/corrections").json["data"] == []
    assert_refused(phone.get(f"/v1/documents/{document}"), 404, "not_found")


# --- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2, 3])
def test_closing_needs_everything_that_can_be_proven(
    phone_of: Make,
    wallet: Wallet,
    unchanged: Unchanged,  # noqa: F811
    level: int,
) -> None:
    phone = phone_of("an", password=level == 2)
    if level == 3:
        phone.step_up(3)
    with unchanged():
        assert_refused(close(phone), 401, "step_up_required")


def test_closing_needs_it_to_be_fresh(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:  # noqa: F811
    phone = phone_of("an")
    phone.step_up(4)
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        assert_refused(close(phone), 401, "step_up_required")


def test_closing_waits_while_a_binding_cools_off(
    phone_of: Make,
    wallet: Wallet,
    unchanged: Unchanged,  # noqa: F811
    clock: FixedClock,
) -> None:
    phone = phone_of("an")
    phone.step_up(4)
    with wallet.db.write() as session:
        moment = "2026-03-03 05:00:00.000000+00:00"
        session.execute(
            text("UPDATE accounts SET cooling_off_until = :at WHERE id = :id"), {"at": moment, "id": account_of(phone)}
        )
    with unchanged():
        assert_refused(close(phone), 403, "cooling_off")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"/confirm": "required"}),
        ({"confirm": "yes"}, {"/confirm": "not_a_choice"}),
        ({"confirm": True}, {"/confirm": "invalid_type"}),
        ({"confirm": "close", "account_id": "acc_1"}, {"/account_id": "unknown_field"}),
    ],
)
def test_closing_needs_its_word(
    phone_of: Make,
    unchanged: Unchanged,  # noqa: F811
    body: dict[str, Any],
    errors: dict[str, str],
) -> None:
    phone = phone_of("an")
    phone.step_up(4)
    with unchanged():
        refused = phone.post("/v1/me/closure", body)
        assert field_errors(assert_refused(refused, 422, "invalid_input")) == errors
        assert_refused(close(phone, key=None), 400, "idempotency_key_required")


def test_nobody_closes_for_a_ward(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:  # noqa: F811
    phone, ward = phone_of("an"), phone_of("nho")
    guardianship(wallet, phone, ward)
    phone.step_up(4)
    with unchanged():
        assert_refused(close(phone, headers={"Acting-For": account_of(ward)}), 403, "not_for_wards")


def test_the_only_guardian_of_somebody_stays(
    phone_of: Make,
    wallet: Wallet,
    unchanged: Unchanged,  # noqa: F811
) -> None:
    phone, ward, other = phone_of("an"), phone_of("nho"), phone_of("sau")
    guardianship(wallet, phone, ward)
    phone.step_up(4)
    with unchanged():
        assert_refused(close(phone), 409, "wards_depend_on_you")
        assert phone.get("/v1/me/closure").json["blocked_by"] == ["wards_depend_on_you"]
    guardianship(wallet, other, ward)
    assert phone.get("/v1/me/closure").json["blocked_by"] == []
    closed = close(phone)
    assert closed.status_code == 201, closed.text
    assert closed.json["effects"]["relations_ended"] >= 1
    with wallet.read() as work:
        assert [each.account_id for each in work.guardians.wards(account_of(other))] == [account_of(ward)]
    other.step_up(4)
    with unchanged():
        assert_refused(close(other), 409, "wards_depend_on_you")


def test_who_acts_for_an_organisation_stays(
    phone_of: Make,
    wallet: Wallet,
    unchanged: Unchanged,  # noqa: F811
) -> None:
    phone = phone_of("an")
    organisation(wallet, account_of(phone), "active")
    phone.step_up(4)
    with unchanged():
        assert_refused(close(phone), 409, "organisations_depend_on_you")


def test_nothing_is_closed_while_an_authoritys_order_waits_and_the_order_is_not_told(
    phone_of: Make,
    wallet: Wallet,
    unchanged: Unchanged,  # noqa: F811
) -> None:
    phone = phone_of("an")
    account = account_of(phone)
    officer = Actor("acc_officer", roles=frozenset({StaffRole.OFFICER}))
    approver = Actor("acc_approver", roles=frozenset({StaffRole.APPROVER}))
    with wallet.work() as work:
        order_id = work.lock_orders.receive(account, OrderKind.LOCK, "Tòa án nhân dân mẫu", "7/QĐ-TA", officer).id
    phone.step_up(4)
    for forwarded in (False, True):
        if forwarded:
            with wallet.work() as work:
                work.lock_orders.forward(order_id, officer)
        with unchanged():
            refused = assert_refused(close(phone), 409, "procedure_unfinished")
            assert "order" not in json.dumps(refused)
            assert phone.get("/v1/me/closure").json["blocked_by"] == ["procedure_unfinished"]
    with wallet.work() as work:
        work.lock_orders.decide(order_id, grant=False, written_reason="Thiếu căn cứ.", actor=approver)
    assert close(phone).status_code == 201
    with wallet.read() as work:
        order = work.lock_orders.get(order_id)
    assert (order.authority, order.legal_ref, order.written_reason) == ("", "", None)


def test_closing_tells_how_many_requests_it_ends_and_drafts_are_none(phone_of: Make) -> None:
    phone = phone_of("an")
    assert phone.get("/v1/me/closure").json["effects"]["requests_ended"] == 0
    requests = [paid(phone), ask(phone)]
    draft(phone, ANSWERS)
    phone.issue_residence()
    assert phone.get("/v1/me/closure").json["effects"]["requests_ended"] == len(requests)
    phone.step_up(4)
    assert close(phone).json["effects"]["requests_ended"] == len(requests)


def test_what_is_open_is_ended(phone_of: Make, wallet: Wallet) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    lived_in(phone, wallet)
    account = account_of(phone)
    waiting = organisation(wallet, account, "pending")
    application = an_application(wallet, account)
    correction = phone.get("/v1/me/corrections").json["data"][0]["id"]
    phone.step_up(4)
    effects = close(phone).json["effects"]
    assert effects["corrections_ended"] == 1
    assert effects["applications_ended"] == 2
    assert_refused(reviewer.get(f"/v1/desk/corrections/{correction}"), 404, "not_found")
    assert reviewer.get("/v1/desk/corrections").json["data"] == []
    with wallet.db.read() as session:
        for table, key in (("organisations", waiting), ("applications", application)):
            row = session.execute(text(f"SELECT * FROM {table} WHERE id = :id"), {"id": key}).mappings().one()
            assert (row["state"], row["reason"]) == ("refused", "account_closed")
            assert row.get("sealed_form") is None


def test_a_closing_that_fails_leaves_everything(
    phone_of: Make,
    wallet: Wallet,
    unchanged: Unchanged,  # noqa: F811
) -> None:
    """The last step breaks: none before it has happened."""
    phone = phone_of("an")
    lived_in(phone, wallet)
    with wallet.db.write() as session:
        _break_erasing(session, wallet)
    phone.step_up(4)
    with unchanged():
        assert close(phone).status_code in (500, 503)
    assert phone.get("/v1/me").status_code == 200


def test_of_two_closings_at_once_one_happens(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    lived_in(phone, wallet)
    account = account_of(phone)
    with wallet.read() as work:
        actor = Actor(account, holder_id=work.accounts.find(account).holder_id, request_id="test")
    barrier, outcomes = Barrier(2), []

    def run() -> None:
        barrier.wait()
        try:
            with wallet.work() as work:
                work.closing.close(actor)
            outcomes.append("closed")
        except WalletError as error:
            outcomes.append(error.code)

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["closed", "holder_unknown"], ["account_closed", "closed"])
    assert [row[2] for row in _audit(wallet)].count("account.erased") == 1


def test_a_document_asked_for_while_closing_is_never_left_valid(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    phone.issue_residence()
    account = account_of(phone)
    with wallet.read() as work:
        holder_id = work.accounts.find(account).holder_id
    actor = Actor(account, holder_id=holder_id, request_id="test")
    barrier = Barrier(4)

    def ask() -> None:
        barrier.wait()
        phone.post("/v1/requests", {"utility": "residence"})

    def leave() -> None:
        barrier.wait()
        with wallet.work() as work:
            work.closing.close(actor)

    threads = [Thread(target=target) for target in (ask, ask, ask, leave)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with wallet.read() as work:
        assert work.document_rows.unrevoked(holder_id) == []
        with pytest.raises(Conflict):
            work.accounts.close(account, SYSTEM)


# --- helpers ---------------------------------------------------------------------------------------------------


def guardianship(wallet: Wallet, guardian: CitizenPhone, ward: CitizenPhone) -> None:
    with wallet.work() as work:
        work.guardians.begin(account_of(guardian), account_of(ward), Relation.GUARDIAN, SYSTEM)


def organisation(wallet: Wallet, account: str, state: str) -> str:
    table = Base.metadata.tables["organisations"]
    now = wallet.clock.now()
    row = {
        "id": f"org_{state}",
        "enterprise_code": f"01{len(state):08}",
        "tax_code": "0100000001",
        "name": "Công ty MẪU",
    }
    row |= {"head_office": "Hà Nội", "representative_account_id": account, "state": state}
    with wallet.db.write() as session:
        session.execute(table.insert().values(**row, received_at=now, due_at=now))
    return str(row["id"])


def an_application(wallet: Wallet, account: str) -> str:
    table = Base.metadata.tables["applications"]
    now = wallet.clock.now()
    row = {"id": "app_open", "kind": "level_2", "account_id": account, "matching": {}, "agency": "", "province": "01"}
    with wallet.work() as work:
        sealed = work.forms.seal("app_open", {"full_name": "Nguyễn Văn Sai"})
        work.session.execute(
            table.insert().values(**row, sealed_form=sealed, state="recorded", received_at=now, due_at=now)
        )
    return "app_open"


def replace_device(phone: CitizenPhone, device_id: str) -> CitizenPhone:
    phone.own = replace(phone.own, device_id=device_id)
    return phone


def _said(response: Any) -> dict[str, Any]:
    return {name: value for name, value in response.json.items() if name != "request_id"}


def _opens(work: Any, holder_id: str, bound: str, value: bytes) -> bool:
    try:
        work.holders.unseal(holder_id, bound, value)
    except (Malformed, NotFound):
        return False
    return True


def _audit(wallet: Wallet) -> list[tuple[Any, ...]]:
    with wallet.db.read() as session:
        return [tuple(row) for row in session.execute(text("SELECT * FROM audit_events ORDER BY id"))]


def _in_files(wallet: Wallet, wanted: set[str]) -> set[str]:
    """Return which texts are in the database's files, whatever the tables say."""
    path = Path(str(wallet.db.url.database))
    wallet.db.engine.dispose()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*"))
    return {text for text in wanted if text.encode() in content}


def _break_erasing(session: Any, wallet: Wallet) -> None:
    """Make the database refuse to forget a holder."""
    if wallet.db.is_sqlite:
        session.execute(
            text(
                "CREATE TRIGGER broken BEFORE UPDATE OF sealed_data_key ON holders "
                "BEGIN SELECT RAISE(ABORT, 'broken'); END"
            )
        )
        return
    session.execute(
        text("CREATE FUNCTION broken() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$ LANGUAGE plpgsql")
    )
    session.execute(text("CREATE TRIGGER broken BEFORE UPDATE ON holders FOR EACH ROW EXECUTE FUNCTION broken()"))
