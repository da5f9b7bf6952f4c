"""Shares, consents, presentations, lists, receipts and reports: what a holder lets desks see, and takes back."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from signal import SIGKILL
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, update

from tests.checks.test_online import audit_broken, claims_of, revoke
from tests.checks.verifier import CLAIMS, Desk, live_code, purpose_json
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_fhir import CARD, issued
from tests.web.test_wards import for_ward, register
from wallet.checks.models import VerifierCitizen
from wallet.checks.online.models import (
    BatchRow,
    ConsentRow,
    MisuseReportRow,
    PassengerRow,
    PresentationRow,
    ShareRow,
)
from wallet.identity.models import Account
from wallet.settings import Settings
from wallet.sources.portraits import Portrait, Portraits
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]


def asked(desk: Desk, phone: CitizenPhone, residence: str, **more: Any) -> str:
    return str(desk.checked(live_code(phone, residence), **more)["share"]["id"])


def decide(phone: CitizenPhone, share: str, **order: Any) -> Any:
    """Answer a share. Whoever agrees shows all that they may choose, unless they name something."""
    order = {"decision": "agree"} | order
    if order["decision"] == "agree" and "fields" not in order:
        order["fields"] = optional_of(phone, share)
    return phone.post(f"/v1/me/shares/{share}/decision", order)


def optional_of(phone: CitizenPhone, share: str, **acting: Any) -> list[str]:
    """Return the names of what may be chosen; nothing of a share that is not there."""
    told = phone.get("/v1/me/shares", **acting).json["data"]
    return next((names(each["optional"]) for each in told if each["id"] == share), [])


def names(fields: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in fields]


# ── shares ──


def test_a_holder_is_told_who_asks_why_and_for_what_and_the_desk_reads_what_they_agreed_to(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence, claims=["full_name", "birth_date"], optional=["portrait"])
    assert phone.get("/v1/notices").json["data"][0]["code"] == "share_asked"
    told = phone.get("/v1/me/shares").json["data"][0]
    assert (told["id"], told["state"], told["legal_ground"]) == (share, "awaiting", "Nghị định 69/2024/NĐ-CP")
    assert (names(told["required"]), names(told["optional"])) == (["birth_date"], ["portrait"])
    assert "Hãng bay Sao Mai" in told["text"]["vi"]
    waiting = desk.get(f"shares/{share}").json
    assert waiting["state"] == "awaiting"
    assert not waiting.keys() & {"claims", "portrait"}
    agreed = decide(phone, share)
    assert (agreed.status_code, agreed.json["state"]) == (200, "agreed")
    shown = desk.get(f"shares/{share}").json
    assert {each["name"]: each["value"] for each in shown["claims"]} == {"birth_date": phone.persona.birth}
    kept = wallet.portraits.of(phone.persona.number)
    assert base64.b64decode(shown["portrait"]["content"]) == kept.content
    assert shown["portrait"]["sha256"] == kept.sha256
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["way"], names(look["fields_told"])) == ("share", ["birth_date", "portrait"])


@dataclass
class WatchedPortraits:
    """The portraits of a wallet, and how many of its transactions were open each time when one was fetched."""

    wallet: Wallet
    portraits: Portraits
    begun: int = 0
    open_at: list[int] = field(default_factory=list)

    @classmethod
    def of_wallet(cls, wallet: Wallet) -> "WatchedPortraits":
        watched = cls(wallet, wallet.portraits)
        for name, step in (("begin", 1), ("commit", -1), ("rollback", -1)):
            event.listen(wallet.db.engine, name, partial(watched.count, step))
        vars(wallet)["portraits"] = watched
        return watched

    def count(self, step: int, _connection: object) -> None:
        self.begun += step

    def of(self, number: str) -> Portrait:
        self.open_at.append(self.begun)
        return self.portraits.of(number)


def test_a_portrait_is_fetched_between_transactions(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    share = asked(desk, phone, residence)
    assert decide(phone, share, decision="agree", remember=True).status_code == 200
    clock.advance(seconds=31)
    watched = WatchedPortraits.of_wallet(wallet)
    assert "portrait" in desk.get(f"shares/{share}").json
    assert "portrait" in desk.checked(live_code(phone, residence))["share"]
    assert watched.open_at == [0, 0], "whoever has it may be slow, and nobody else waits"
    looks = phone.get("/v1/me/access-history").json["data"]
    assert [look["way"] for look in looks[:2]] == ["online", "share"], "each look once"


def test_what_is_optional_may_be_left_out_and_what_is_required_may_not(
    phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence, claims=["birth_date"], optional=["portrait", "permanent_address"])
    assert decide(phone, share, decision="agree", fields=["permanent_address"]).status_code == 200
    shown = desk.get(f"shares/{share}").json
    assert names(shown["claims"]) == ["birth_date", "permanent_address"]
    assert "portrait" not in shown


def test_nothing_is_agreed_to_by_default(
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
) -> None:
    share = asked(desk, phone, residence)
    with unchanged():
        assert_refused(decide(phone, share, decision="agree", fields=[]), 422, "invalid_input")
        named = phone.post(f"/v1/me/shares/{share}/decision", {"decision": "agree"})
        assert field_errors(assert_refused(named, 422, "invalid_input")) == {"/fields": "required"}
        assert_refused(decide(phone, share, decision="agree", fields=["number"]), 422, "invalid_input")
        assert_refused(decide(phone, share, decision="refuse", remember=True), 422, "invalid_input")
        assert_refused(decide(phone, share, decision="maybe"), 422, "invalid_input")
        assert_refused(decide(phone, share, decision="agree", remember=True, remember_days=366), 422, "invalid_input")
    assert desk.get(f"shares/{share}").json["state"] == "awaiting"


def test_a_refusal_shows_nothing_and_is_final(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    share = asked(desk, phone, residence)
    assert decide(phone, share, decision="refuse").json["state"] == "refused"
    assert desk.get(f"shares/{share}").json == {"id": share, "state": "refused"}
    assert_refused(decide(phone, share), 409, "share_closed")


def told_of_shares(phone: CitizenPhone) -> int:
    return sum(each["code"] == "share_asked" for each in phone.get("/v1/notices").json["data"])


def test_who_refused_is_left_alone_for_a_while(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    share = asked(desk, phone, residence)
    assert decide(phone, share, decision="refuse").status_code == 200
    clock.advance(seconds=119)
    assert desk.checked(phone.code_of(residence))["share"] == {"state": "refused"}
    assert (told_of_shares(phone), len(phone.get("/v1/me/shares").json["data"])) == (1, 1)
    clock.advance(seconds=1)
    assert desk.checked(phone.code_of(residence))["share"]["state"] == "awaiting"


def test_an_organisation_asks_one_person_so_often_in_an_hour(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    code = phone.code_of(residence)
    ways: tuple[dict[str, Any], ...] = ({"claims": ["portrait"]}, {"claims": ["full_name"], "optional": ["portrait"]})
    states = []
    for n in range(11):
        states.append(desk.checked(code, **ways[n % 2])["share"]["state"])
        clock.advance(seconds=1)
    assert states == ["awaiting"] * 10 + ["refused"]
    assert told_of_shares(phone) == 10
    clock.advance(hours=1)
    assert desk.checked(code)["share"]["state"] == "awaiting"


def test_that_a_share_is_read_is_one_entry_however_often_its_desk_looks(
    phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence)
    assert decide(phone, share).status_code == 200
    for _ in range(3):
        assert desk.get(f"shares/{share}").json["state"] == "agreed"
    looks = phone.get("/v1/me/access-history").json["data"]
    assert [look["way"] for look in looks if look.get("way") == "share"] == ["share"]


def test_what_is_over_is_dropped_after_ninety_days_and_the_consent_stays_as_proof(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    share = asked(desk, phone, residence)
    assert decide(phone, share).status_code == 200
    made = present(phone, desk, residence).json["id"]
    clock.advance(days=89)
    for later, left in ((0, True), (4, False)):
        clock.advance(days=later)
        with wallet.work() as work:
            wallet._tidied_at = None
        with wallet.work() as work:
            assert (work.online.rows.share(share) is not None) is left
            assert (work.online.rows.presentation(made) is not None) is left
    with wallet.db.read() as session:
        assert session.scalar(select(func.count()).select_from(ConsentRow)) == 2


def test_a_share_ends_with_its_minutes(phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock) -> None:
    share = asked(desk, phone, residence)
    clock.advance(minutes=5)
    decide(phone, share)
    clock.advance(minutes=9, seconds=59)
    assert desk.get(f"shares/{share}").json["state"] == "agreed"
    clock.advance(seconds=1)
    assert desk.get(f"shares/{share}").json == {"id": share, "state": "ended"}


def test_nobody_answers_after_ten_minutes(
    phone_of: Make, phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    share = asked(desk, phone, residence)
    clock.advance(minutes=10)
    assert desk.get(f"shares/{share}").json == {"id": share, "state": "expired"}
    later = phone_of("an")
    later.step_up(2)
    assert_refused(decide(later, share), 409, "share_closed")


def test_nothing_is_shown_of_a_document_that_was_revoked_or_of_a_locked_account(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    first = asked(desk, phone, residence)
    decide(phone, first)
    revoke(wallet, residence)
    assert desk.get(f"shares/{first}").json == {"id": first, "state": "ended", "reason": "revoked"}
    second = asked(desk, phone, phone.issue_residence())
    decide(phone, second)
    phone.post("/v1/me/lock", {})
    assert desk.get(f"shares/{second}").json == {"id": second, "state": "ended", "reason": "account_locked"}


def test_a_revoked_document_is_not_agreed_to(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, unchanged: Unchanged
) -> None:
    share = asked(desk, phone, residence)
    revoke(wallet, residence)
    with unchanged():
        assert_refused(decide(phone, share), 409, "document_not_valid")
        assert desk.get(f"shares/{share}").json == {"id": share, "state": "ended", "reason": "revoked"}
        assert phone.get("/v1/me/shares").json["data"][0]["state"] == "ended"


def test_a_desk_that_waits_is_told_that_the_account_is_locked(
    phone: CitizenPhone, desk: Desk, residence: str, unchanged: Unchanged
) -> None:
    share = asked(desk, phone, residence)
    assert desk.get(f"shares/{share}").json["state"] == "awaiting"
    assert phone.post("/v1/me/lock", {}).status_code == 204
    with unchanged():
        assert desk.get(f"shares/{share}").json == {"id": share, "state": "ended", "reason": "account_locked"}


@pytest.mark.parametrize(("answer", "over"), [("agree", "ended"), ("refuse", "refused"), ("", "expired")])
def test_a_share_that_is_over_tells_nothing_more_of_its_document(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock, answer: str, over: str
) -> None:
    share = asked(desk, phone, residence)
    if answer:
        assert decide(phone, share, decision=answer).status_code == 200
    clock.advance(minutes=10)
    revoke(wallet, residence)
    assert desk.get(f"shares/{share}").json == {"id": share, "state": over}


def test_a_withdrawn_consent_tells_nothing_more_of_its_document(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence)
    consent = decide(phone, share).json["consent_id"]
    assert phone.call("DELETE", f"/v1/me/consents/{consent}").status_code == 204
    revoke(wallet, residence)
    assert desk.get(f"shares/{share}").json == {"id": share, "state": "ended"}


def test_a_share_of_one_document_is_not_waited_for_with_another(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    first = asked(desk, phone, residence)
    revoke(wallet, residence)
    second = asked(desk, phone, phone.issue_residence())
    assert desk.get(f"shares/{first}").json["state"] == "ended"
    assert desk.get(f"shares/{second}").json["state"] == "awaiting"


def test_s34_nobody_reads_or_answers_the_share_of_another(
    wallet: Wallet,
    client: FlaskClient,
    phone_of: Make,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
) -> None:
    share = asked(desk, phone, residence)
    stranger = phone_of("sau")
    stranger.step_up(2)
    beside = Desk.open(wallet, client, purpose_json(portrait=True), gate="G-2", of=desk.organisation)
    elsewhere = Desk.open(wallet, client, purpose_json(portrait=True))
    with unchanged():
        assert_refused(decide(stranger, share), 404, "not_found")
        for other in (beside, elsewhere):
            assert_refused(other.get(f"shares/{share}"), 404, "not_found")
        assert_refused(desk.get("shares/shr_unknown"), 404, "not_found")
    assert stranger.get("/v1/me/shares").json["data"] == []


def test_one_desk_asks_once_at_a_time(wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str) -> None:
    code = phone.code_of(residence)
    shares = {desk.checked(code)["share"]["id"] for _ in range(3)}
    assert len(shares) == 1
    assert sum(each["code"] == "share_asked" for each in phone.get("/v1/notices").json["data"]) == 1


def test_s65_what_cannot_be_recorded_is_not_shown(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence)
    decide(phone, share)
    with audit_broken(wallet):
        response = desk.get(f"shares/{share}")
    assert_refused(response, 503, "storage_unavailable")
    assert phone.persona.birth not in response.text


def test_a_desk_that_lost_its_purpose_reads_nothing(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence)
    decide(phone, share)
    with wallet.work() as work:
        work.checks.rows.change_desk(desk.id, purposes=[])
    assert_refused(desk.get(f"shares/{share}"), 403, "purpose_not_registered")


def test_a_purpose_that_was_narrowed_shows_no_more_than_it_may_now(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    share = asked(desk, phone, residence)
    decide(phone, share)
    with wallet.work() as work:
        narrow = [purpose_json(claims={"residence": ["full_name", "birth_date"]})]
        work.checks.rows.change_verifier(desk.organisation, 1, purposes=narrow)
    shown = desk.get(f"shares/{share}").json
    assert names(shown["claims"]) == ["birth_date"]
    assert "portrait" not in shown


# ── consents ──


def test_a_consent_that_is_remembered_answers_the_next_check_at_once(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    share = asked(desk, phone, residence)
    decide(phone, share, decision="agree", remember=True, remember_days=30)
    clock.advance(seconds=31)
    again = desk.checked(live_code(phone, residence))["share"]
    assert again["state"] == "agreed"
    assert "id" not in again
    assert names(again["claims"]) == ["birth_date", "permanent_address"]
    assert "portrait" in again
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert names(look["fields_told"]) == ["birth_date", "full_name", "permanent_address", "portrait"]
    paper = desk.checked(phone.code_of(residence))["share"]
    assert paper["state"] == "awaiting", "whoever found a paper is not its holder"


def test_a_consent_is_for_one_organisation_and_one_purpose_until_its_day(
    wallet: Wallet, client: FlaskClient, phone_of: Make, phone: CitizenPhone, residence: str, clock: FixedClock
) -> None:
    two = [purpose_json(portrait=True), purpose_json("lounge", portrait=True)]
    desk, other = Desk.open(wallet, client, *two), Desk.open(wallet, client, *two)
    decide(phone, asked(desk, phone, residence), decision="agree", remember=True, remember_days=1)
    clock.advance(seconds=31)
    assert other.checked(live_code(phone, residence))["share"]["state"] == "awaiting"
    assert desk.checked(live_code(phone, residence), purpose="lounge")["share"]["state"] == "awaiting"
    clock.advance(hours=24)
    assert desk.checked(live_code(phone_of("an"), residence))["share"]["state"] == "awaiting"


def test_a_desk_that_asks_for_nothing_has_nobody_asked(
    phone: CitizenPhone, desk: Desk, residence: str, events: Events
) -> None:
    answer = desk.checked(live_code(phone, residence), claims=[])
    assert answer["verdict"] == "valid"
    assert answer["document"]["claims"] == []
    assert "share" not in answer
    assert phone.get("/v1/me/shares").json["data"] == []
    assert [look["data"] for look in events("check.online")] == [[]]


OTHER = [{"title": {"vi": "Tiếp thị", "en": "Marketing"}}, {"legal_ground": "Khác"}]


def rename(wallet: Wallet, desk: Desk, changes: dict[str, Any]) -> None:
    with wallet.work() as work:
        now = [purpose_json(portrait=True, **changes)]
        assert work.checks.rows.change_verifier(desk.organisation, 1, purposes=now)


@pytest.mark.parametrize("changes", OTHER, ids=["title", "ground"])
def test_s32_a_consent_does_not_answer_for_another_purpose_of_the_same_code(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock, changes: dict[str, Any]
) -> None:
    share = asked(desk, phone, residence)
    decide(phone, share, decision="agree", remember=True)
    presented = present(phone, desk, residence).json["id"]
    assert desk.get(f"shares/{share}").json["state"] == "agreed"
    rename(wallet, desk, changes)
    assert desk.get(f"shares/{share}").json == {"id": share, "state": "ended"}
    # Its holder is told the same as the desk, and not at the gate.
    assert phone.get("/v1/me/shares").json["data"][0]["state"] == "ended"
    assert phone.get(f"/v1/me/presentations/{presented}").json["state"] == "expired"
    clock.advance(seconds=31)
    again = desk.checked(live_code(phone, residence))["share"]
    assert again["state"] == "awaiting"
    assert not again.keys() & {"claims", "portrait"}
    refused = desk.post("check-ins", {"purpose": "boarding", "presentation": presented})
    assert_refused(refused, 409, "presentation_over")
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    begun = desk.post("batches", {"purpose": "boarding", "passengers": [mine]})
    run(wallet)
    assert results(desk.get(f"batches/{begun.json['id']}")) == ["not_presented"]


def test_s32_a_withdrawn_consent_shows_nothing_at_once(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    share = asked(desk, phone, residence)
    consent = decide(phone, share, decision="agree", remember=True).json["consent_id"]
    assert desk.get(f"shares/{share}").json["state"] == "agreed"
    assert phone.call("DELETE", f"/v1/me/consents/{consent}").status_code == 204
    assert desk.get(f"shares/{share}").json == {"id": share, "state": "ended"}
    clock.advance(seconds=31)
    assert desk.checked(live_code(phone, residence))["share"]["state"] == "awaiting"
    listed = phone.get("/v1/me/consents").json["data"][0]
    assert (listed["id"], listed["state"], listed["text_version"]) == (consent, "withdrawn", "2026-03")
    assert listed["given_at"]
    assert_refused(phone.call("DELETE", f"/v1/me/consents/{consent}"), 409, "consent_over")


def test_s34_nobody_withdraws_the_consent_of_another(
    phone_of: Make, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    consent = decide(phone, asked(desk, phone, residence)).json["consent_id"]
    assert_refused(phone_of("sau").call("DELETE", f"/v1/me/consents/{consent}"), 404, "not_found")
    assert phone.get("/v1/me/consents").json["data"][0]["state"] == "active"


# ── presentations and check-ins ──


def present(phone: CitizenPhone, desk: Desk, residence: str, **more: Any) -> Any:
    """Present what the purpose of these tests may see, without the portrait."""
    body = {"organisation": desk.organisation, "purpose": "boarding", "fields": list(CLAIMS)} | more
    return phone.post(f"/v1/documents/{residence}/presentations", body)


@pytest.fixture
def presented(phone: CitizenPhone, desk: Desk, residence: str) -> str:
    made = present(phone, desk, residence)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/me/presentations/{made.json['id']}"
    return str(made.json["id"])


def test_s48_a_presentation_checks_in_once_and_a_retry_gets_its_answer(
    phone: CitizenPhone, desk: Desk, presented: str
) -> None:
    order = {"purpose": "boarding", "presentation": presented, "name_on_ticket": "AN NGUYENMAU"}
    first = desk.post("check-ins", order, key="one")
    assert first.status_code == 201, first.text
    assert first.json["ticket"] == {"name": "match"}
    assert names(first.json["claims"]) == ["birth_date", "full_name", "permanent_address"]
    assert "portrait" not in first.json, "only where the holder named it"
    again = desk.post("check-ins", order, key="one")
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")
    assert_refused(desk.post("check-ins", order), 409, "already_used")
    assert phone.get(f"/v1/me/presentations/{presented}").json["state"] == "used"
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["way"], look["outcome"]) == ("check_in", "valid")


@pytest.mark.parametrize("ending", ["nothing", "withdrawn", "revoked"])
def test_s32_an_answer_that_is_asked_for_again_shows_what_may_be_shown_by_then(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, events: Events, ending: str
) -> None:
    made = present(phone, desk, residence, fields=["full_name", "birth_date", "portrait"]).json
    order = {"purpose": "boarding", "presentation": made["id"], "name_on_ticket": "AN NGUYENMAU"}
    first = desk.post("check-ins", order, key="one")
    assert (first.status_code, first.json["ticket"], "portrait" in first.json) == (201, {"name": "match"}, True)
    if ending == "withdrawn":
        assert phone.call("DELETE", f"/v1/me/consents/{made['consent_id']}").status_code == 204
    elif ending == "revoked":
        revoke(wallet, residence)
    again = desk.post("check-ins", order, key="one")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    looks = [(look["data"], look["verdict"]) for look in events("check.check_in")]
    told = (["birth_date", "full_name", "portrait"], "valid")
    if ending == "nothing":
        assert again.json == first.json
        assert looks == [told, told]
    else:
        same = ("id", "checked_in_at", "utility", "holder_binding")
        assert again.json == {name: first.json[name] for name in same} | {"claims": []}
        assert looks == [told, ([], "invalid")][: 2 if ending == "revoked" else 1]


def test_s32_the_answer_of_a_live_code_too(wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str) -> None:
    order = {"purpose": "boarding", "code": live_code(phone, residence), "name_on_ticket": "AN NGUYENMAU"}
    first = desk.post("check-ins", order, key="one")
    clock: Any = wallet.clock
    clock.advance(minutes=10)  # the answer was lost; the code itself is too old by now
    assert desk.post("check-ins", order, key="one").json == first.json
    revoke(wallet, residence)
    again = desk.post("check-ins", order, key="one")
    assert (again.status_code, again.json["id"], again.json["claims"]) == (201, first.json["id"], [])
    assert phone.persona.name not in again.text
    assert "ticket" not in again.json


def test_s48_another_verifiers_presentation_is_refused_and_stays_unused(
    wallet: Wallet,
    client: FlaskClient,
    desk: Desk,
    presented: str,
    unchanged: Unchanged,
) -> None:
    both = [purpose_json(), purpose_json("lounge")]
    other = Desk.open(wallet, client, *both)
    with unchanged():
        answer = other.post("check-ins", {"purpose": "boarding", "presentation": presented})
        assert_refused(answer, 403, "wrong_audience")
        assert_refused(desk.post("check-ins", {"purpose": "boarding", "presentation": "prs_no"}), 404, "not_found")
        order = {"purpose": "boarding", "presentation": presented, "code": "VL1:X"}
        assert_refused(desk.post("check-ins", order), 422, "invalid_input")
        assert_refused(desk.post("check-ins", {"purpose": "boarding"}), 422, "invalid_input")
        assert_refused(
            desk.post("check-ins", {"purpose": "lounge", "presentation": presented}), 403, "purpose_not_registered"
        )
    assert desk.post("check-ins", {"purpose": "boarding", "presentation": presented}).status_code == 201


@pytest.mark.parametrize("ending", ["expired", "withdrawn", "consent"])
def test_what_is_over_checks_nobody_in(
    phone: CitizenPhone, desk: Desk, presented: str, clock: FixedClock, unchanged: Unchanged, ending: str
) -> None:
    if ending == "expired":
        clock.advance(hours=48)
    elif ending == "withdrawn":
        assert phone.call("DELETE", f"/v1/me/presentations/{presented}").status_code == 204
    else:
        consent = phone.get(f"/v1/me/presentations/{presented}").json["consent_id"]
        assert phone.call("DELETE", f"/v1/me/consents/{consent}").status_code == 204
    with unchanged():
        answer = desk.post("check-ins", {"purpose": "boarding", "presentation": presented})
        assert_refused(answer, 409, "presentation_over")


@pytest.mark.parametrize("ending", ["revoked", "locked"])
def test_s49_a_document_that_does_not_count_checks_nobody_in_and_that_it_was_asked_for_is_on_record(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, presented: str, events: Events, ending: str
) -> None:
    if ending == "revoked":
        revoke(wallet, residence)
    else:
        phone.post("/v1/me/lock", {})
    answer = desk.post("check-ins", {"purpose": "boarding", "presentation": presented})
    assert_refused(answer, 409, "document_not_valid")
    assert [(look["verdict"], look["data"]) for look in events("check.check_in")] == [("invalid", [])]
    with wallet.db.read() as session:
        assert session.get_one(PresentationRow, presented).used_at is None


def test_so_many_presentations_a_day(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock, unchanged: Unchanged
) -> None:
    for _ in range(50):
        assert present(phone, desk, residence).status_code == 201
    with unchanged():
        assert_refused(present(phone, desk, residence), 429, "too_many_attempts")
    clock.advance(days=1)
    phone.sign_in()
    phone.step_up(2)
    assert present(phone, desk, residence).status_code == 201


def test_what_was_used_is_not_taken_back(phone: CitizenPhone, desk: Desk, presented: str) -> None:
    desk.post("check-ins", {"purpose": "boarding", "presentation": presented})
    assert_refused(phone.call("DELETE", f"/v1/me/presentations/{presented}"), 409, "already_used")


def test_a_live_code_checks_in_once(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    code = live_code(phone, residence)
    assert desk.checked(code)["reasons"] == ["ok"], "looking at it first uses nothing up"
    made = desk.post("check-ins", {"purpose": "boarding", "code": code})
    assert made.status_code == 201, made.text
    assert names(made.json["claims"]) == ["full_name"]
    assert made.json["holder_binding"] == "device"
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": code}), 409, "already_used")
    paper = phone.code_of(residence)
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": paper}), 409, "live_code_needed")
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": "VL1:X"}), 409, "code_refused")


def test_a_live_code_that_checked_somebody_in_is_good_at_no_gate_any_more(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    beside = Desk.open(wallet, client, purpose_json(portrait=True), gate="G-2", of=desk.organisation)
    code = live_code(phone, residence)
    assert desk.post("check-ins", {"purpose": "boarding", "code": code}).status_code == 201
    for gate in (desk, beside):
        answer = gate.checked(code)
        assert (answer["reasons"], answer["accepted"]) == (["live_replayed"], False)
        assert phone.persona.name not in json.dumps(answer, ensure_ascii=False)


def test_s49_a_code_that_checks_nobody_in_is_counted_and_its_holder_sees_it(
    wallet: Wallet, client: FlaskClient, phone_of: Make, phone: CitizenPhone, residence: str
) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 1, "checks_a_minute": 100}))
    other = phone_of("sau")
    other.step_up(2)
    theirs = live_code(other, other.issue_residence())
    revoke(wallet, residence)
    order = {"purpose": "boarding", "code": live_code(phone, residence), "name_on_ticket": phone.persona.name}
    refused = desk.post("check-ins", order, key="one")
    assert_refused(refused, 409, "code_refused")
    assert phone.persona.name not in refused.text
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["way"], look["outcome"], look["fields_told"]) == ("check_in", "invalid", [])
    assert_refused(desk.post("check-ins", order, key="one"), 409, "code_refused")
    history = phone.get("/v1/me/access-history").json["data"]
    assert sum(row["who"] == "verifier" for row in history) == 1, "the same key gets the same refusal, and no new look"
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": theirs}), 429, "too_many_citizens")


def test_s49_guesses_at_a_check_in_are_limited_too(wallet: Wallet, client: FlaskClient) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 9, "checks_a_minute": 1}))
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": "VL1:X"}), 409, "code_refused")
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": "VL1:X"}), 429, "too_many_checks")


def test_s49_a_paper_is_not_looked_at_where_it_can_check_nobody_in(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, unchanged: Unchanged
) -> None:
    code = phone.code_of(residence)
    with unchanged():
        good = desk.post("check-ins", {"purpose": "boarding", "code": code})
    revoke(wallet, residence)
    with unchanged():
        revoked = desk.post("check-ins", {"purpose": "boarding", "code": code})
        nobodys = desk.post("check-ins", {"purpose": "boarding", "code": "hello"})
    for answer in (good, revoked, nobodys):
        assert_refused(answer, 409, "live_code_needed")


def test_a_presentation_is_refused_for_what_is_not_there(
    wallet: Wallet,
    client: FlaskClient,
    phone: CitizenPhone,
    phone_of: Make,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
) -> None:
    other_kind = Desk.open(wallet, client, purpose_json(claims={"driving_licence": ["full_name"]}))
    stranger = phone_of("sau")
    stranger.step_up(2)
    with unchanged():
        assert_refused(present(phone, desk, residence, organisation="vrf_none"), 422, "invalid_input")
        assert_refused(present(phone, desk, residence, purpose="none"), 422, "invalid_input")
        assert_refused(present(phone, desk, residence, fields=["number"]), 422, "invalid_input")
        assert_refused(present(phone, desk, residence, fields=[]), 422, "invalid_input")
        assert_refused(present(phone, other_kind, residence), 422, "invalid_input")
        assert_refused(present(stranger, desk, residence), 404, "not_found")


# ── lists of passengers ──


def results(answer: Any) -> list[Any]:
    return [row.get("result") for row in answer.json["results"]]


def run(wallet: Wallet) -> None:
    while wallet.batch_job.run():
        pass


def test_a_list_is_worked_off_with_progress_and_uses_nothing_up(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, presented: str
) -> None:
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    others = [{"presentation": present(phone, desk, residence).json["id"]} for _ in range(2)]
    passengers = [
        mine,
        mine | others[0] | {"name": "NGUYEN MAU ANH"},
        mine | others[1] | {"birth_date": "1999-09-09"},
        {"name": "AI DO", "birth_date": "1990-01-01"},
        mine | {"presentation": "prs_unknown"},
    ]
    begun = desk.post("batches", {"purpose": "boarding", "passengers": passengers})
    assert begun.status_code == 202, begun.text
    assert (begun.json["state"], begun.json["total"], begun.json["done"]) == ("working", 5, 0)
    run(wallet)
    answer = desk.get(begun.headers["Location"].removeprefix("/v1/verifier/"))
    assert (answer.json["state"], answer.json["done"]) == ("done", 5)
    assert results(answer) == ["match", "differs", "differs", "not_presented", "not_presented"]
    assert answer.json["results"][1] == {"position": 1, "result": "differs", "name": "differs", "birth_date": "match"}
    assert phone.persona.name not in answer.text
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["way"], names(look["fields_told"])) == ("list", ["birth_date", "full_name"])
    with wallet.db.read() as session:
        assert session.scalar(select(func.count()).where(PassengerRow.sealed.is_not(None))) == 0
    assert desk.post("check-ins", {"purpose": "boarding", "presentation": presented}).status_code == 201


def test_what_somebody_presented_fills_one_seat_of_a_list(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, presented: str, events: Events
) -> None:
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    twice = mine | {"presentation": present(phone, desk, residence).json["id"]}
    nobody = {"name": "AI DO", "birth_date": "1990-01-01"}
    passengers = [mine, nobody, mine, nobody, twice | {"name": "AI DO"}, mine, twice]
    begun = desk.post("batches", {"purpose": "boarding", "passengers": passengers})
    assert (begun.json["state"], begun.json["done"]) == ("working", 3)
    with wallet.db.read() as session:
        assert session.scalar(select(func.count()).where(PassengerRow.sealed.is_not(None))) == 4
    run(wallet)
    answer = desk.get(f"batches/{begun.json['id']}")
    assert (answer.json["state"], answer.json["done"]) == ("done", 7)
    assert results(answer) == [
        *("match", "not_presented", "repeated", "not_presented"),
        *("differs", "repeated", "repeated"),
    ]
    assert answer.json["results"][2] == {"position": 2, "result": "repeated"}
    assert len(events("check.list")) == 2


def test_who_is_on_many_lists_reads_it_once_an_hour_and_whenever_something_else_was_told(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str, clock: FixedClock, events: Events
) -> None:
    desk = Desk.open(wallet, client)
    presented = present(phone, desk, residence, fields=["full_name"]).json["id"]
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}

    def listed(by: Desk, times: int = 3) -> list[dict[str, Any]]:
        begun = by.post("batches", {"purpose": "boarding", "passengers": [mine] * times})
        run(wallet)
        assert by.get(f"batches/{begun.json['id']}").json["done"] == times
        return [row for row in phone.get("/v1/me/access-history").json["data"] if row.get("way") == "list"]

    first = listed(desk)
    assert listed(desk) == first
    assert [row["outcome"] for row in first] == ["valid"]
    assert (first[0]["desk_name"], first[0]["purpose"], first[0]["organisation"]["id"]) == (
        *("Cửa 12", "boarding"),
        desk.organisation,
    )
    assert names(first[0]["fields_told"]) == ["full_name"], "the day of birth was not agreed to, and not compared"
    assert len(listed(Desk.open(wallet, client, gate="G-2", of=desk.organisation))) == 2, "another desk is another look"
    clock.advance(hours=1)
    phone.sign_in(password=True)
    assert len(listed(desk)) == 3
    revoke(wallet, residence)
    told = listed(desk)
    assert [(row["outcome"], row["fields_told"]) for row in told][:1] == [("invalid", [])]
    assert len(told) == len(events("check.list")) == 4


def test_s49_a_list_looks_at_no_more_people_a_minute_than_its_desk_has_checks(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str, clock: FixedClock
) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 9, "checks_a_minute": 2}))
    presented = [present(phone, desk, residence).json["id"] for _ in range(5)]
    passengers = [{"name": "AI DO", "birth_date": "1990-01-01", "presentation": each} for each in presented]
    begun = desk.post("batches", {"purpose": "boarding", "passengers": passengers})
    batch = f"batches/{begun.json['id']}"
    for done in (2, 4, 5):
        run(wallet)
        assert desk.get(batch).json["done"] == done
        history = phone.get("/v1/me/access-history").json["data"]
        assert sum(row["who"] == "verifier" for row in history) == done
        assert desk.check("VD1:GUESS").status_code == 200, "a list does not shut its gate"
        clock.advance(minutes=1, seconds=1)
    assert desk.get(batch).json["state"] == "done"


def test_a_list_that_waits_for_its_minute_holds_up_no_other_desk_and_desks_take_turns(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str
) -> None:
    slow = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 9, "checks_a_minute": 1}))
    other = Desk.open(wallet, client)
    rows = {
        desk: [
            {"name": "A", "birth_date": "1990", "presentation": present(phone, desk, residence).json["id"]}
            for _ in range(most)
        ]
        for desk, most in ((slow, 3), (other, 30))
    }
    lists = {
        desk: desk.post("batches", {"purpose": "boarding", "passengers": passengers}).json["id"]
        for desk, passengers in rows.items()
    }
    assert wallet.batch_job.run()
    assert {desk: desk.get(f"batches/{lists[desk]}").json["done"] for desk in lists} == {slow: 1, other: 25}
    run(wallet)
    assert other.get(f"batches/{lists[other]}").json["state"] == "done"
    assert not wallet.batch_job.run(), "and nobody spins meanwhile"


def test_a_desk_has_only_so_many_lists_that_are_not_done(
    wallet: Wallet, client: FlaskClient, desk: Desk, unchanged: Unchanged
) -> None:
    order = {"purpose": "boarding", "passengers": [{"name": "AI DO", "birth_date": "1990"}]}
    for _ in range(10):
        assert desk.post("batches", order).status_code == 202
    with unchanged():
        refused = desk.post("batches", order)
        assert_refused(refused, 429, "too_many_lists")
        assert refused.headers["Retry-After"] == "60"
    assert Desk.open(wallet, client).post("batches", order).status_code == 202, "another desk has its own"
    run(wallet)
    assert desk.post("batches", order).status_code == 202


def half_a_list(settings: Settings, now: datetime, batch: str, ready: Connection) -> None:
    """Do one step of a list, and the next one but for its commit; then wait to be killed."""
    wallet = Wallet.build(settings, clock=FixedClock(now))
    assert wallet.batch_job.run()
    with wallet.work() as work:
        work.online.batches.go_on(batch)
        work.session.flush()
        ready.send("in the middle of a transaction")
        Event().wait()


def test_s75_a_list_goes_on_where_a_killed_process_left_it(
    wallet: Wallet, phone_of: Make, phone: CitizenPhone, residence: str, desk: Desk, events: Events
) -> None:
    other = phone_of("sau")
    other.step_up(2)
    theirs = other.issue_residence()
    documents = [(phone, residence), (other, theirs)] * 40
    passengers = [
        {"name": "AI DO", "birth_date": "1990-01-01", "presentation": present(whose, desk, document).json["id"]}
        for whose, document in documents
    ]
    others = [passengers[0] | {"presentation": ""}] * 10
    begun = desk.post("batches", {"purpose": "boarding", "passengers": passengers + others})
    batch = f"batches/{begun.json['id']}"
    spawning = get_context("spawn")
    for killed in (1, 2):
        here, there = spawning.Pipe()
        given = (wallet.settings, wallet.clock.now(), begun.json["id"], there)
        process = spawning.Process(target=half_a_list, args=given, daemon=True)
        process.start()
        assert here.poll(120), "the process never got there"
        here.recv()
        process.kill()  # SIGKILL: nothing of it runs any more, no rollback and no finally
        process.join(60)
        assert process.exitcode == -SIGKILL
        halfway = desk.get(batch).json
        assert (halfway["state"], halfway["done"]) == ("working", 25 * killed), "what was committed, and no more"
        assert sum("result" in row for row in halfway["results"]) == 25 * killed
        assert len(events("check.list")) == 25 * killed, "whom nobody is told of was not looked at"
    run(wallet)
    whole = desk.get(batch)
    assert (whole.json["state"], whole.json["done"]) == ("done", 90)
    assert results(whole) == ["differs"] * 80 + ["not_presented"] * 10
    assert len(events("check.list")) == 80, "each passenger once"
    with wallet.db.read() as session:
        assert session.scalar(select(func.count()).where(PassengerRow.sealed.is_not(None))) == 0


def test_a_transaction_of_a_list_counts_one_person_so_that_no_check_waits_for_it_while_it_waits_for_the_check(
    wallet: Wallet, phone_of: Make, phone: CitizenPhone, desk: Desk, presented: str
) -> None:
    """A check holds its person and waits for the organisation's count; a list that held the count must not wait."""
    other = phone_of("sau")
    other.step_up(2)
    theirs = present(other, desk, other.issue_residence()).json["id"]
    row = {"name": "X", "birth_date": "1990-01-01"}
    passengers = [row | {"presentation": theirs}, row | {"presentation": presented}]
    begun = desk.post("batches", {"purpose": "boarding", "passengers": passengers})
    for counted in (1, 2):
        with wallet.work() as work:
            work.online.batches.go_on(begun.json["id"])
        with wallet.db.read() as session:
            assert session.scalar(select(func.count()).select_from(VerifierCitizen)) == counted
    assert results(desk.get(f"batches/{begun.json['id']}")) == ["differs", "differs"]


def test_what_stands_in_the_way_of_a_passenger_is_said_in_a_word(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, presented: str
) -> None:
    mine = {"name": "X", "birth_date": "1990-01-01", "presentation": presented}
    withdrawn = present(phone, desk, residence).json["id"]
    phone.call("DELETE", f"/v1/me/presentations/{withdrawn}")
    used = present(phone, desk, residence).json["id"]
    desk.post("check-ins", {"purpose": "boarding", "presentation": used})
    revoke(wallet, residence)
    rows = [mine, mine | {"presentation": withdrawn}, mine | {"presentation": used}]
    begun = desk.post("batches", {"purpose": "boarding", "passengers": rows})
    run(wallet)
    assert results(desk.get(f"batches/{begun.json['id']}")) == ["revoked", "withdrawn", "used"]


def test_a_list_of_another_organisations_presentations_tells_nothing(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, desk: Desk, presented: str
) -> None:
    other = Desk.open(wallet, client, purpose_json(portrait=True))
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    begun = other.post("batches", {"purpose": "boarding", "passengers": [mine]})
    run(wallet)
    assert results(other.get(f"batches/{begun.json['id']}")) == ["not_presented"]
    assert_refused(desk.get(f"batches/{begun.json['id']}"), 404, "not_found")


def test_a_desk_whose_key_ended_gets_no_more_of_its_list(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, presented: str
) -> None:
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    begun = desk.post("batches", {"purpose": "boarding", "passengers": [mine]})
    with wallet.work() as work:
        work.checks.rows.change_desk(desk.id, state="revoked")
    run(wallet)
    with wallet.db.read() as session:
        row = session.get_one(PassengerRow, (begun.json["id"], 0))
        assert (row.result, row.sealed) == ("stopped", None)


def test_results_are_erased_after_a_day(wallet: Wallet, desk: Desk, clock: FixedClock) -> None:
    row = {"name": "X", "birth_date": "1990-01-01"}
    begun = desk.post("batches", {"purpose": "boarding", "passengers": [row]})
    run(wallet)
    clock.advance(hours=24)
    assert_refused(desk.get(f"batches/{begun.json['id']}"), 404, "not_found")
    run(wallet)
    with wallet.db.read() as session:
        assert session.scalar(select(func.count()).select_from(BatchRow)) == 0
        assert session.scalar(select(func.count()).select_from(PassengerRow)) == 0


def test_a_list_that_is_too_long_or_without_its_claims_is_refused(
    wallet: Wallet,
    client: FlaskClient,
    desk: Desk,
    unchanged: Unchanged,
) -> None:
    row = {"name": "X", "birth_date": "1990-01-01"}
    narrow = Desk.open(wallet, client, purpose_json(claims={"residence": ["full_name"]}))
    with unchanged():
        assert_refused(desk.post("batches", {"purpose": "boarding", "passengers": [row] * 501}), 422, "invalid_input")
        assert_refused(desk.post("batches", {"purpose": "boarding", "passengers": []}), 422, "invalid_input")
        assert_refused(
            narrow.post("batches", {"purpose": "boarding", "passengers": [row]}), 403, "claim_not_registered"
        )


# ── receipts ──


def receipt(document: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "receipt-0001",
        "document_id": document,
        "checked_at": "2026-03-02T04:00:00Z",
        "purpose": "boarding",
        "verdict": "valid",
        "reasons": ["ok"],
    } | changes


def test_a_receipt_is_seen_by_its_holder_once_and_says_that_it_was_offline(
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    events: Events,
) -> None:
    body = {"receipts": [receipt(residence)], "counts": {"valid": 7, "invalid": 1}}
    for _ in range(2):
        assert desk.post("receipts", body).status_code == 204
    data = phone.get("/v1/me/access-history").json["data"]
    looks = [row for row in data if row.get("way") == "offline"]
    assert len(looks) == 1
    assert (looks[0]["online"], looks[0]["looked_at"], looks[0]["outcome"]) == (False, "2026-03-02T04:00:00Z", "valid")
    assert "portrait" not in names(looks[0]["fields_told"])
    assert events("verifier_desk.offline_checks")[0]["counts"] == {"valid": 7, "invalid": 1}


@pytest.mark.parametrize(
    ("verdict", "reasons", "outcome"),
    [
        ("valid", ["ok"], "valid"),
        ("valid", ["policy_refused"], "refused"),
        ("valid", ["ok", "policy_refused"], "refused"),
        ("invalid", ["revoked", "policy_refused"], "invalid"),
        ("cannot_tell", ["trust_stale", "policy_refused"], "cannot_tell"),
    ],
)
def test_whom_a_gate_turned_away_offline_reads_that_they_were_as_of_a_check_online(
    phone: CitizenPhone, desk: Desk, residence: str, verdict: str, reasons: list[str], outcome: str
) -> None:
    told = receipt(residence, verdict=verdict, reasons=reasons)
    assert desk.post("receipts", {"receipts": [told]}).status_code == 204
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["way"], look["outcome"]) == ("offline", outcome)


def test_a_receipt_tells_what_the_paper_or_the_card_states_and_the_purpose_has_and_no_more(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str, events: Events
) -> None:
    claims = {"residence": list(CLAIMS), "identity": ["full_name", "birth_date", "number"]}
    desk = Desk.open(wallet, client, purpose_json(portrait=True, claims=claims))
    assert desk.post("receipts", {"receipts": [receipt(residence)]}).status_code == 204
    identity = phone.post("/v1/requests", {"utility": "identity"}).json["document_id"]
    made = phone.post(f"/v1/documents/{identity}/live-codes", {"view": "boarding"}, key=None)
    shown = wallet.checking.judge(made.json["code"]).document
    assert shown is not None
    card = receipt(str(shown.document_id), id="receipt-0002")
    assert desk.post("receipts", {"receipts": [card]}).status_code == 204
    assert [look["data"] for look in events("check.offline")] == [["full_name"], ["birth_date", "full_name"]]


def test_s49_an_id_that_fits_nobody_is_taken_and_dropped(
    desk: Desk,
    residence: str,
    events: Events,
) -> None:
    known = desk.post("receipts", {"receipts": [receipt(residence)]})
    unknown = desk.post("receipts", {"receipts": [receipt("doc_" + "0" * 32, id="receipt-0002")]})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (204, b"")
    assert len(events("check.offline")) == 1


def test_a_check_whose_answer_was_lost_is_one_look(
    phone: CitizenPhone, desk: Desk, residence: str, events: Events, clock: FixedClock
) -> None:
    assert desk.checked(live_code(phone, residence))["verdict"] == "valid"
    at = clock.now()
    clock.advance(minutes=5)
    for seconds, looks in ((40, 0), (61, 1)):
        moment = f"{at + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
        told = receipt(residence, id=f"receipt-{seconds:04}", checked_at=moment, asked=True)
        assert desk.post("receipts", {"receipts": [told]}).status_code == 204
        assert len(events("check.offline")) == looks
    assert len(events("check.online")) == 1


def test_only_the_desk_that_asked_told_of_it(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, desk: Desk, residence: str, events: Events
) -> None:
    desk.checked(live_code(phone, residence))
    now = f"{wallet.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    for other in (Desk.open(wallet, client, gate="G-2", of=desk.organisation), Desk.open(wallet, client)):
        told = receipt(residence, checked_at=now, asked=True)
        assert other.post("receipts", {"receipts": [told]}).status_code == 204
    assert len(events("check.offline")) == 2
    assert desk.post("receipts", {"receipts": [receipt(residence, checked_at=now)]}).status_code == 204
    assert len(events("check.offline")) == 3, "it says itself that it was another check"


def receipts_of(document: str, count: int, **changes: Any) -> list[dict[str, Any]]:
    return [receipt(document, id=f"receipt-{n:04}", **changes) for n in range(count)]


def test_s49_a_desk_hands_in_so_many_receipts_an_hour(
    wallet: Wallet, desk: Desk, residence: str, clock: FixedClock, unchanged: Unchanged
) -> None:
    with wallet.work() as work:
        work.limits.count("desk-receipts", desk.id, 2_000, timedelta(hours=1), 1_998)
    with unchanged():
        refused = desk.post("receipts", {"receipts": receipts_of("doc_" + "0" * 32, 3)})
        assert_refused(refused, 429, "too_many_receipts")
        assert refused.headers["Retry-After"] == "3600"
    assert desk.post("receipts", {"receipts": receipts_of(residence, 2)}).status_code == 204
    assert desk.post("receipts", {"receipts": receipts_of(residence, 2)}).status_code == 204, "they counted once"
    clock.advance(hours=1)
    assert desk.post("receipts", {"receipts": receipts_of(residence, 3)}).status_code == 204


def test_s49_receipts_fill_nobodys_history(
    phone: CitizenPhone, desk: Desk, residence: str, events: Events, clock: FixedClock
) -> None:
    for kind in ("a", "b"):
        body = {"receipts": [each | {"id": f"{kind}-{each['id']}"} for each in receipts_of(residence, 200)]}
        assert desk.post("receipts", body).status_code == 204
    assert len(events("check.offline")) == 1, "an hour of a desk is one look"
    at = clock.now()
    hours = [f"{at - timedelta(hours=hour):%Y-%m-%dT%H:00:00Z}" for hour in range(2, 152)]
    often = [receipt(residence, id=f"often-{n:06}", checked_at=moment) for n, moment in enumerate(hours)]
    assert desk.post("receipts", {"receipts": often}).status_code == 204
    assert len(events("check.offline")) == 100
    assert [alarm["subject"] for alarm in events("alarm.offline_looks")] == [desk.organisation]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"purpose": "lounge"}, "/receipts/0/purpose"),
        ({"checked_at": "2026-01-01T00:00:00Z"}, "/receipts/0/checked_at"),
        ({"checked_at": "2026-03-02T06:00:00Z"}, "/receipts/0/checked_at"),
        ({"checked_at": "yesterday"}, "/receipts/0/checked_at"),
        ({"document_id": "doc_x"}, "/receipts/0/document_id"),
        ({"verdict": "maybe"}, "/receipts/0/verdict"),
        ({"reasons": ["because"]}, "/receipts/0/reasons/0"),
        ({"name": "Nguyễn Văn An"}, "/receipts/0/name"),
    ],
)
def test_a_receipt_of_another_shape_is_refused(
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
    changes: dict[str, Any],
    pointer: str,
) -> None:
    with unchanged():
        response = desk.post("receipts", {"receipts": [receipt(residence, **changes)]})
        assert_refused(response, 422, "invalid_input")
    assert pointer in {error["pointer"] for error in response.json["errors"]}


# ── misuse ──


def report(phone: CitizenPhone, access: str, **more: Any) -> Any:
    body = {"reason": "not_there", "text": "Hôm đó tôi ở nhà."} | more
    return phone.post(f"/v1/me/access-history/{access}/report", body)


@pytest.fixture
def access(phone: CitizenPhone, desk: Desk, residence: str) -> str:
    desk.checked(phone.code_of(residence))
    return str(phone.get("/v1/me/access-history").json["data"][0]["id"])


def test_a_look_is_reported_once_and_an_auditor_reads_it(
    phone_of: Make,
    phone: CitizenPhone,
    desk: Desk,
    access: str,
    events: Events,
) -> None:
    made = report(phone, access)
    assert made.status_code == 201, made.text
    assert_refused(report(phone, access), 409, "already_reported")
    assert phone.get("/v1/me/access-history").json["data"][0]["reported"] is True
    filed = events("verifier.misuse_reported")
    assert [(row["subject"], row["report"], row["actor"]) for row in filed] == [
        (desk.organisation, made.json["id"], "system")
    ]
    auditor = phone_of("auditor1")
    auditor.step_up(2)
    listed = auditor.get("/v1/admin/misuse-reports")
    assert [row["id"] for row in listed.json["data"]] == [made.json["id"]]
    assert "Hôm đó" not in listed.text
    opened = auditor.get(f"/v1/admin/misuse-reports/{made.json['id']}")
    assert opened.json["text"] == "Hôm đó tôi ở nhà."
    assert phone.get("/v1/me/access-history").json["data"][0]["data"] == "misuse"
    closed = auditor.post(f"/v1/admin/misuse-reports/{made.json['id']}/closure", {})
    assert closed.json["state"] == "closed"
    assert_refused(auditor.post(f"/v1/admin/misuse-reports/{made.json['id']}/closure", {}), 409, "report_closed")


def test_s34_nobody_reports_the_look_at_another(
    phone_of: Make,
    phone: CitizenPhone,
    access: str,
    unchanged: Unchanged,
) -> None:
    stranger = phone_of("sau")
    stranger.step_up(2)
    with unchanged():
        assert_refused(report(stranger, access), 404, "not_found")
        assert_refused(report(phone, "acs_unknown"), 404, "not_found")
        assert_refused(report(phone, access, reason="because"), 422, "invalid_input")
        assert_refused(report(phone, access, text=""), 422, "invalid_input")


# ── the right to get it, and to be forgotten ──


def test_an_export_tells_it_all_and_s81_closing_erases_it(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, access: str, clock: FixedClock
) -> None:
    report(phone, access)
    decide(phone, asked(desk, phone, residence))
    present(phone, desk, residence)
    sections = {each["code"]: each["rows"] for each in phone.post("/v1/me/exports", {}).json["sections"]}
    assert {len(sections[code]) for code in ("shares", "share_consents", "presentations", "misuse_reports")} <= {1, 2}
    assert sections["misuse_reports"][0]["text"] == "Hôm đó tôi ở nhà."
    assert any(row["actor"] == "verifier" for row in sections["history"])
    assert "desk_id" not in json.dumps(sections["shares"])
    phone.step_up(4)
    assert phone.post("/v1/me/closure", {"confirm": "close"}).status_code == 201
    with wallet.db.read() as session:
        for table in (ShareRow, ConsentRow, PresentationRow, MisuseReportRow):
            assert session.scalar(select(func.count()).select_from(table)) == 0, table.__tablename__


def begin_cooling_off(phone: CitizenPhone) -> None:
    account = phone.get("/v1/me").json["account_id"]
    until = phone.wallet.clock.now() + timedelta(hours=24)
    with phone.wallet.work() as work:
        work.session.execute(update(Account).where(Account.id == account).values(cooling_off_until=until))


def test_s12_nothing_is_shared_or_presented_after_a_new_binding(
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
) -> None:
    share = asked(desk, phone, residence)
    begin_cooling_off(phone)
    with unchanged():
        assert_refused(decide(phone, share), 403, "cooling_off")
        assert_refused(present(phone, desk, residence), 403, "cooling_off")


def test_s12_whoever_has_a_new_phone_refuses_withdraws_and_reports_at_once(
    phone: CitizenPhone, desk: Desk, residence: str, presented: str, clock: FixedClock
) -> None:
    consent = decide(phone, asked(desk, phone, residence)).json["consent_id"]
    clock.advance(seconds=31)
    share = asked(desk, phone, residence)
    access = phone.get("/v1/me/access-history").json["data"][0]["id"]
    begin_cooling_off(phone)
    assert decide(phone, share, decision="refuse").json["state"] == "refused"
    assert phone.call("DELETE", f"/v1/me/presentations/{presented}").status_code == 204
    assert phone.call("DELETE", f"/v1/me/consents/{consent}").status_code == 204
    assert report(phone, access).status_code == 201
    assert_refused(present(phone, desk, residence), 403, "cooling_off")
    assert desk.get(f"shares/{share}").json["state"] == "refused"


def test_claims_of_the_code_are_told_apart_from_what_is_shared(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    answer = desk.checked(phone.code_of(residence))
    assert claims_of(answer) == {"full_name": phone.persona.name}
    assert phone.persona.birth not in json.dumps(answer)


# ── S-12, S-13, wards ──


def test_s13_sharing_or_presenting_health_data_needs_a_fresh_authentication(
    wallet: Wallet,
    client: FlaskClient,
    phone_of: Make,
    clock: FixedClock,
    unchanged: Unchanged,
) -> None:
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    kind = citizen.get(f"/v1/documents/{document}").json["kind"]
    claims = ["full_name", "birth_date", "blood_type", "allergies"]
    desk = Desk.open(wallet, client, purpose_json(claims={kind: claims}, portrait=True))
    share = str(desk.checked(citizen.code_of(document))["share"]["id"])
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        assert_refused(decide(citizen, share), 401, "step_up_required")
        assert_refused(present(citizen, desk, document), 401, "step_up_required")
    citizen.step_up(2)
    assert decide(citizen, share).status_code == 200
    assert present(citizen, desk, document, fields=["allergies"]).status_code == 201


def test_s13_refusing_never_needs_one(wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock) -> None:
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    kind = citizen.get(f"/v1/documents/{document}").json["kind"]
    desk = Desk.open(wallet, client, purpose_json(claims={kind: ["full_name"]}, portrait=True))
    share = str(desk.checked(citizen.code_of(document))["share"]["id"])
    clock.advance(minutes=5, seconds=1)
    assert decide(citizen, share, decision="refuse").status_code == 200


def test_a_guardian_is_told_answers_reports_and_sees_for_a_ward(
    wallet: Wallet, clock: FixedClock, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    ward = register(phone)
    acting = for_ward(ward)
    document = phone.post("/v1/requests", {"utility": "residence"}, **acting).json["document_id"]
    code = phone.get(f"/v1/documents/{document}/code.txt", **acting).text
    clock.advance(seconds=1)  # of two notices of one moment neither is the newest
    share = desk.checked(code)["share"]["id"]
    assert phone.get("/v1/notices").json["data"][0]["values"] == {"share": share, "ward": ward["account_id"]}
    assert phone.get("/v1/me/shares").json["data"] == [], "a ward's are not one's own"
    assert [each["id"] for each in phone.get("/v1/me/shares", **acting).json["data"]] == [share]
    assert_refused(decide(phone, share), 404, "not_found")
    order = {"decision": "agree", "fields": optional_of(phone, share, **acting)}
    agreed = phone.post(f"/v1/me/shares/{share}/decision", order, **acting)
    assert (agreed.status_code, agreed.json["state"]) == (200, "agreed")
    look = phone.get("/v1/me/access-history", **acting).json["data"][0]
    body = {"reason": "too_much", "text": "Hỏi nhiều hơn mức cần."}
    assert phone.post(f"/v1/me/access-history/{look['id']}/report", body, **acting).status_code == 201
    consent = phone.get("/v1/me/consents", **acting).json["data"][0]["id"]
    assert_refused(phone.call("DELETE", f"/v1/me/consents/{consent}"), 404, "not_found")
    assert phone.call("DELETE", f"/v1/me/consents/{consent}", **acting).status_code == 204
    assert desk.get(f"shares/{share}").json["state"] == "ended"
