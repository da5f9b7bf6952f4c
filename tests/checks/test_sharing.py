"""Shares, consents, presentations, lists, receipts and reports: what a holder lets desks see, and takes back."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from tests.checks.test_online import audit_broken, claims_of, revoke
from tests.checks.verifier import Desk, live_code, purpose_json
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_fhir import CARD, issued
from tests.web.test_wards import for_ward, register
from wallet.checks.online.models import (
    BatchRow,
    ConsentRow,
    MisuseReportRow,
    PassengerRow,
    PresentationRow,
    ShareRow,
)
from wallet.identity.models import Account
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
AGREE = {"decision": "agree"}


@pytest.fixture
def phone(phone_of: Make) -> CitizenPhone:
    found = phone_of("an")
    found.step_up(2)
    return found


@pytest.fixture
def residence(phone: CitizenPhone) -> str:
    return phone.issue_residence()


@pytest.fixture
def desk(wallet: Wallet, client: FlaskClient) -> Desk:
    return Desk.open(wallet, client, purpose_json(portrait=True))


def asked(desk: Desk, phone: CitizenPhone, residence: str, **more: Any) -> str:
    return str(desk.checked(live_code(phone, residence), **more)["share"]["id"])


def decide(phone: CitizenPhone, share: str, **order: Any) -> Any:
    return phone.post(f"/v1/me/shares/{share}/decision", order or AGREE)


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
    assert desk.get(f"shares/{first}").json == {"id": first, "state": "ended"}
    second = asked(desk, phone, phone.issue_residence())
    decide(phone, second)
    phone.post("/v1/me/lock", {})
    assert desk.get(f"shares/{second}").json == {"id": second, "state": "ended"}


def test_a_revoked_document_is_not_agreed_to(wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str) -> None:
    share = asked(desk, phone, residence)
    revoke(wallet, residence)
    assert_refused(decide(phone, share), 409, "document_not_valid")


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
    body = {"organisation": desk.organisation, "purpose": "boarding"} | more
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


@pytest.mark.parametrize("ending", ["expired", "withdrawn", "consent", "revoked", "locked"])
def test_what_is_over_checks_nobody_in(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    presented: str,
    clock: FixedClock,
    unchanged: Unchanged,
    ending: str,
) -> None:
    expected = "presentation_over"
    if ending == "expired":
        clock.advance(hours=48)
    elif ending == "withdrawn":
        assert phone.call("DELETE", f"/v1/me/presentations/{presented}").status_code == 204
    elif ending == "consent":
        consent = phone.get(f"/v1/me/presentations/{presented}").json["consent_id"]
        assert phone.call("DELETE", f"/v1/me/consents/{consent}").status_code == 204
    elif ending == "revoked":
        revoke(wallet, residence)
        expected = "document_not_valid"
    else:
        phone.post("/v1/me/lock", {})
        expected = "document_not_valid"
    with unchanged():
        answer = desk.post("check-ins", {"purpose": "boarding", "presentation": presented})
        assert_refused(answer, 409, expected)


def test_what_was_used_is_not_taken_back(phone: CitizenPhone, desk: Desk, presented: str) -> None:
    desk.post("check-ins", {"purpose": "boarding", "presentation": presented})
    assert_refused(phone.call("DELETE", f"/v1/me/presentations/{presented}"), 409, "already_used")


def test_a_live_code_checks_in_once(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    code = live_code(phone, residence)
    assert desk.checked(code)["reasons"] == ["ok"], "looking at it first uses nothing up"
    made = desk.post("check-ins", {"purpose": "boarding", "code": code})
    assert made.status_code == 201, made.text
    assert names(made.json["claims"]) == ["full_name"]
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": code}), 409, "already_used")
    paper = phone.code_of(residence)
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": paper}), 409, "live_code_needed")
    assert_refused(desk.post("check-ins", {"purpose": "boarding", "code": "VL1:X"}), 409, "code_refused")


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
    wallet: Wallet, phone: CitizenPhone, desk: Desk, presented: str
) -> None:
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    passengers = [
        mine,
        mine | {"name": "NGUYEN MAU ANH"},
        mine | {"birth_date": "1999-09-09"},
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


def test_a_list_goes_on_where_a_dead_process_left_it(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, presented: str
) -> None:
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": presented}
    begun = desk.post("batches", {"purpose": "boarding", "passengers": [mine] * 60})
    assert wallet.batch_job.run()
    halfway = desk.get(f"batches/{begun.json['id']}")
    assert (halfway.json["state"], halfway.json["done"]) == ("working", 25)

    class Killed(BaseException):
        pass

    def dies() -> None:
        with wallet.work() as work:
            work.online.batches.go_on(begun.json["id"])
            raise Killed  # what was done in this transaction is gone with the process

    with pytest.raises(Killed):
        dies()
    assert desk.get(f"batches/{begun.json['id']}").json == halfway.json
    run(wallet)
    whole = desk.get(f"batches/{begun.json['id']}")
    assert (whole.json["state"], set(results(whole))) == ("done", {"match"})


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


def test_s49_an_id_that_fits_nobody_is_taken_and_dropped(
    desk: Desk,
    residence: str,
    events: Events,
) -> None:
    known = desk.post("receipts", {"receipts": [receipt(residence)]})
    unknown = desk.post("receipts", {"receipts": [receipt("doc_" + "0" * 32, id="receipt-0002")]})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (204, b"")
    assert len(events("check.offline")) == 1


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


def test_s12_nothing_is_shared_or_presented_after_a_new_binding(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
) -> None:
    share = asked(desk, phone, residence)
    with wallet.work() as work:
        account = phone.get("/v1/me").json["account_id"]
        until = wallet.clock.now() + timedelta(hours=24)
        work.session.execute(update(Account).where(Account.id == account).values(cooling_off_until=until))
    with unchanged():
        assert_refused(decide(phone, share), 403, "cooling_off")
        assert_refused(decide(phone, share, decision="refuse"), 403, "cooling_off")
        assert_refused(present(phone, desk, residence), 403, "cooling_off")


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
    assert present(citizen, desk, document).status_code == 201


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
    agreed = phone.post(f"/v1/me/shares/{share}/decision", AGREE, **acting)
    assert (agreed.status_code, agreed.json["state"]) == (200, "agreed")
    look = phone.get("/v1/me/access-history", **acting).json["data"][0]
    body = {"reason": "too_much", "text": "Hỏi nhiều hơn mức cần."}
    assert phone.post(f"/v1/me/access-history/{look['id']}/report", body, **acting).status_code == 201
    consent = phone.get("/v1/me/consents", **acting).json["data"][0]["id"]
    assert_refused(phone.call("DELETE", f"/v1/me/consents/{consent}"), 404, "not_found")
    assert phone.call("DELETE", f"/v1/me/consents/{consent}", **acting).status_code == 204
    assert desk.get(f"shares/{share}").json["state"] == "ended"
