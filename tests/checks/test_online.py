"""Checks by a desk with its key: what it gets, what it never gets, and that every look is on record."""

import json
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.checks.verifier import CLAIMS, Desk, live_code, purpose_json
from tests.documents.people import admin_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.documents.revoking import RevocationReason
from wallet.formats.live_code import GateChallenge
from wallet.single_use import forget_expired
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
PERSONAL = ("document", "ticket", "share", "data_as_of")


@pytest.fixture
def phone(phone_of: Make) -> CitizenPhone:
    return phone_of("an")


@pytest.fixture
def residence(phone: CitizenPhone) -> str:
    return phone.issue_residence()


@pytest.fixture
def desk(wallet: Wallet, client: FlaskClient) -> Desk:
    return Desk.open(wallet, client)


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {claim["name"]: claim["value"] for claim in answer["document"]["claims"]}


def revoke(wallet: Wallet, document_id: str) -> None:
    admin = admin_of(wallet)
    with wallet.work() as work:
        work.revoking.revoke(document_id, RevocationReason.DATA_CHANGED, admin)
    clock: Any = wallet.clock
    clock.advance(seconds=2)  # the board is a second old at most


# ── what is told ──


def test_a_desk_sees_the_claims_of_its_purpose_and_no_others(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    answer = desk.checked(live_code(phone, residence))
    assert (answer["verdict"], answer["reasons"], answer["accepted"]) == ("valid", ["ok"], True)
    assert answer["holder_binding"] == "device"
    assert claims_of(answer) == {"full_name": phone.persona.name}
    assert answer["data_as_of"] == "2026-03-02"


def test_a_desk_may_ask_for_less(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    answer = desk.checked(phone.code_of(residence), claims=["birth_date"])
    assert claims_of(answer) == {}, "the code does not state it"
    assert answer["share"]["state"] == "awaiting"


@pytest.mark.parametrize("claims", [["number"], ["full_name", "ethnicity"], ["portrait"], ["no_such_thing"]])
@pytest.mark.parametrize("field", ["claims", "optional"])
def test_s67_more_than_was_registered_is_refused(
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
    claims: list[str],
    field: str,
) -> None:
    code = phone.code_of(residence)
    with unchanged():
        more = {"claims": ["full_name"]} | {field: claims}
        assert_refused(desk.check(code, **more), 403, "claim_not_registered")
        assert_refused(desk.check("VD1:NOTHING", **more), 403, "claim_not_registered")
        assert_refused(desk.check(code, purpose="lounge"), 403, "purpose_not_registered")


def test_s67_what_may_not_be_seen_may_not_be_compared(
    wallet: Wallet,
    client: FlaskClient,
    phone: CitizenPhone,
    residence: str,
) -> None:
    desk = Desk.open(wallet, client, purpose_json(claims={"residence": ["permanent_address"]}))
    code = phone.code_of(residence)
    assert_refused(desk.check(code, name_on_ticket="NGUYEN MAU AN"), 403, "claim_not_registered")
    assert_refused(desk.check(code, birth_date_on_ticket="1990-01-01"), 403, "claim_not_registered")


def test_s67_a_ticket_is_not_compared_with_what_is_registered_for_another_kind_alone(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str
) -> None:
    claims = {"residence": ["permanent_address"], "identity": ["full_name", "birth_date"]}
    desk, code = Desk.open(wallet, client, purpose_json(claims=claims)), phone.code_of(residence)
    for name in (phone.persona.name, "AI DO"):
        answer = desk.checked(code, name_on_ticket=name)
        assert answer["ticket"] == {"name": "not_stated"}
        assert claims_of(answer) == {}
    assert phone.get("/v1/me/access-history").json["data"][0]["fields_told"] == []


def test_a_ticket_is_compared_and_what_the_code_does_not_state_is_said_to_be_not_stated(
    phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    code = phone.code_of(residence)
    right = desk.checked(code, name_on_ticket="AN NGUYENMAU MR", birth_date_on_ticket=phone.persona.birth)
    assert right["ticket"] == {"name": "match", "birth_date": "not_stated"}
    decomposed = unicodedata.normalize("NFD", phone.persona.name)
    assert desk.checked(code, name_on_ticket=decomposed)["ticket"] == {"name": "match"}
    assert desk.checked(code, name_on_ticket="NGUYEN MAU ANH")["ticket"] == {"name": "differs"}
    assert "ticket" not in desk.checked(code)


def test_a_document_of_another_kind_is_refused_by_policy_and_tells_nothing(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str
) -> None:
    desk = Desk.open(wallet, client, purpose_json(claims={"driving_licence": ["full_name"]}))
    answer = desk.checked(phone.code_of(residence), name_on_ticket="NGUYEN MAU AN")
    assert (answer["verdict"], answer["reasons"], answer["accepted"]) == ("valid", ["policy_refused"], False)
    assert not answer.keys() & set(PERSONAL)


# ── S-49: nothing about anybody, no oracle ──


def test_s49_unknown_malformed_foreign_and_revoked_codes_give_no_personal_data(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    good = phone.code_of(residence)
    damaged = good[:60] + ("A" if good[60] != "A" else "B") + good[61:]
    for code in ("", "hello", "VD1:", "VL1:XXXX", "VD1:ÂÂÂ", damaged, good[:-4]):
        answer = desk.checked(code, name_on_ticket=phone.persona.name)
        assert answer["accepted"] is False
        assert not answer.keys() & set(PERSONAL), code
    live = live_code(phone, residence)
    revoke(wallet, residence)
    for code in (good, live):
        answer = desk.checked(code, name_on_ticket=phone.persona.name)
        assert answer["verdict"] == "invalid"
        assert "revoked" in answer["reasons"]
        assert not answer.keys() & set(PERSONAL)
        assert phone.persona.name not in json.dumps(answer, ensure_ascii=False)


def test_s49_a_guess_is_not_told_which_field_was_wrong(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    """With a revoked code, right and wrong guesses of a name get the same answer."""
    code = phone.code_of(residence)
    revoke(wallet, residence)
    answers = [
        desk.checked(code, name_on_ticket=name, birth_date_on_ticket=birth)
        for name in (phone.persona.name, "AI DO")
        for birth in (phone.persona.birth, "1999-09-09")
    ]
    assert all(answer == answers[0] for answer in answers)


def test_s49_more_citizens_than_the_quota_are_refused_and_raise_an_alarm(
    wallet: Wallet,
    client: FlaskClient,
    phone_of: Make,
    events: Events,
) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 1, "checks_a_minute": 100}))
    first, second = phone_of("an"), phone_of("sau")
    mine, theirs = first.code_of(first.issue_residence()), second.code_of(second.issue_residence())
    for _ in range(3):
        assert desk.check(mine).status_code == 200, "the same citizen counts once"
    refused = desk.check(theirs)
    assert_refused(refused, 429, "too_many_citizens")
    assert int(refused.headers["Retry-After"]) > 0
    assert second.persona.name not in refused.text
    assert [alarm["subject"] for alarm in events("alarm.verifier_quota")] == [desk.organisation]
    assert second.get("/v1/me/access-history").json["data"][0]["who"] != "verifier", "nothing was told of them"


def test_s49_guesses_are_limited_too(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 10, "checks_a_minute": 2}))
    for _ in range(2):
        assert desk.check("VD1:GUESS").status_code == 200
    assert_refused(desk.check("VD1:GUESS"), 429, "too_many_checks")
    clock.advance(minutes=1, seconds=1)
    assert desk.check("VD1:GUESS").status_code == 200


def test_s49_a_check_that_is_refused_counts_and_one_alarm_an_hour_tells_of_all(
    wallet: Wallet, client: FlaskClient, phone_of: Make, events: Events, clock: FixedClock
) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 1, "checks_a_minute": 4}))
    first, second = phone_of("an"), phone_of("sau")
    mine, theirs = first.code_of(first.issue_residence()), second.code_of(second.issue_residence())
    assert desk.check(mine).status_code == 200
    for _ in range(3):
        assert_refused(desk.check(theirs), 429, "too_many_citizens")
    for _ in range(3):
        assert_refused(desk.check(theirs), 429, "too_many_checks")
    assert [alarm["subject"] for alarm in events("alarm.verifier_quota")] == [desk.organisation]
    clock.advance(minutes=1, seconds=1)
    for _ in range(2):
        assert_refused(desk.check(theirs), 429, "too_many_citizens")
    assert len(events("alarm.verifier_quota")) == 1
    clock.advance(minutes=57)
    assert desk.check(mine).status_code == 200, "and stays the one person of this hour"
    clock.advance(minutes=3)
    assert_refused(desk.check(theirs), 429, "too_many_citizens")
    assert len(events("alarm.verifier_quota")) == 2, "another hour"


# ── live codes ──


def test_a_live_code_is_good_once_at_all_gates_of_an_organisation_and_once_at_another(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str, clock: FixedClock
) -> None:
    one = Desk.open(wallet, client, gate="G-1")
    other_gate = Desk.open(wallet, client, gate="G-2", of=one.organisation)
    elsewhere = Desk.open(wallet, client, gate="G-1")
    code, seen = live_code(phone, residence), {"at": "2026-03-02T05:00:07Z"}
    clock.advance(seconds=7)
    first = one.checked(code)
    assert (first["reasons"], "first_seen" in first) == (["ok"], False)
    clock.advance(seconds=20)
    for desk in (other_gate, one, other_gate):
        again = desk.checked(code)
        assert (again["reasons"], again["first_seen"]) == (["live_replayed"], seen)
        assert not again.keys() & set(PERSONAL)
        clock.advance(seconds=20)
    there = elsewhere.checked(code)
    assert (there["reasons"], "first_seen" in there) == (["ok"], False), "what one saw is not told another"
    assert "first_seen" not in one.checked(phone.code_of(residence)), "a printed code is seen as often as it is shown"


def test_a_live_code_is_remembered_as_long_as_it_passes_whatever_a_phones_clock_says(
    phone: CitizenPhone, desk: Desk, residence: str, wallet: Wallet, clock: FixedClock
) -> None:
    clock.advance(seconds=30)
    code, seen = live_code(phone, residence), {"at": "2026-03-02T05:00:00Z"}
    clock.advance(seconds=-30)
    assert desk.checked(code)["reasons"] == ["ok"]
    clock.advance(seconds=120)
    with wallet.work() as work:
        forget_expired(work.session, clock.now())
    again = desk.checked(code)
    assert (again["reasons"], again["first_seen"]) == (["live_replayed"], seen)
    clock.advance(seconds=1)
    assert desk.checked(code)["reasons"] == ["live_too_old"]


def test_a_code_for_another_gate_or_another_challenge_is_refused(
    phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    other = live_code(phone, residence, GateChallenge("G-2"))
    assert desk.checked(other)["reasons"] == ["wrong_gate"]
    nonce = b"12345678"
    shown = live_code(phone, residence, GateChallenge("G-1", nonce))
    assert desk.checked(shown, nonce="AAAAAAAAAAA")["reasons"] == ["wrong_gate"]
    assert desk.checked(live_code(phone, residence), nonce="MTIzNDU2Nzg")["reasons"] == ["wrong_gate"]
    assert desk.checked(shown, nonce="MTIzNDU2Nzg")["reasons"] == ["ok"]


def test_an_old_live_code_and_the_code_of_another_phone_are_refused(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    code = live_code(phone, residence)
    clock.advance(seconds=91)
    answer = desk.checked(code)
    assert answer["reasons"] == ["live_too_old"]
    assert not answer.keys() & set(PERSONAL)


def test_a_refused_check_uses_no_code_up(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str, clock: FixedClock
) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 9, "checks_a_minute": 1}))
    assert desk.check("VD1:X").status_code == 200
    code = live_code(phone, residence)
    assert_refused(desk.check(code), 429, "too_many_checks")
    clock.advance(seconds=61)
    assert desk.checked(code)["reasons"] == ["ok"]


def test_a_locked_account_is_told_and_nothing_else(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    code = live_code(phone, residence)
    assert phone.post("/v1/me/lock", {}).status_code == 204
    answer = desk.checked(code)
    assert answer["reasons"] == ["suspended", "account_locked"]
    assert not answer.keys() & set(PERSONAL)


def test_a_paper_of_a_locked_account_is_as_valid_at_a_desk_as_to_anybody_and_nobody_is_asked(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str, events: Events, clock: FixedClock
) -> None:
    code = phone.code_of(residence)
    assert phone.post("/v1/me/lock", {}).status_code == 204
    clock.advance(seconds=2)
    public = phone.client.post("/v1/checks", json={"code": code}).json
    answer = desk.checked(code, name_on_ticket="AN NGUYENMAU")
    assert (answer["reasons"], answer["accepted"]) == (public["reasons"], public["accepted"]) == (["ok"], True)
    assert claims_of(answer) == {"full_name": phone.persona.name}
    assert answer["ticket"] == {"name": "match"}
    assert answer["share"] == {"state": "refused"}, "what the paper does not state, nobody is there to share"
    assert [look["data"] for look in events("check.online")] == [["full_name"]]


# ── S-67: what leaves ──


def test_s67_an_answer_holds_no_undisclosed_value(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    content = phone.get(f"/v1/documents/{residence}").json or {}
    with wallet.read() as work:
        holder = work.holders.find(phone.persona.number)
        row = work.document_rows.get(residence)
        whole = json.loads(work.holders.unseal(holder, residence, row.sealed))
    response = desk.check(live_code(phone, residence), name_on_ticket="NGUYEN MAU AN")
    hidden = {value for name, value in whole["claims"].items() if name not in CLAIMS and isinstance(value, str)}
    assert len(hidden) > 5, "a search for nothing proves nothing"
    never = {*hidden, whole["salt"], residence, residence.removeprefix("doc_"), phone.persona.number, holder}
    never |= {str(content.get("expires_at")), str(content.get("request_id"))}
    never -= {whole["claims"]["full_name"], "None"}  # the head of the household is the holder
    for value in filter(lambda value: len(value) > 3, never):
        assert value not in response.text, value
    assert whole["claims"]["birth_date"] not in response.text, "registered, and not shared yet"


def test_s67_two_verifiers_share_nothing_about_one_citizen(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone, residence: str, clock: FixedClock
) -> None:
    portrait = purpose_json(portrait=True, claims={"residence": ["birth_date"]})
    one, two = Desk.open(wallet, client, portrait), Desk.open(wallet, client, portrait)
    clock.advance(minutes=2)
    first = one.checked(live_code(phone, residence))
    clock.advance(minutes=4, seconds=13)
    second = two.checked(live_code(phone, residence))
    common = values_of(first) & values_of(second)
    assert not {value for value in common if isinstance(value, str) and ("_" in value and len(value) > 20)}
    moments = {value for value in common if isinstance(value, str) and "T" in value and value.endswith("Z")}
    assert not moments
    assert "id" not in first["document"]
    assert first["share"]["id"] != second["share"]["id"]


def values_of(answer: Any) -> set[Any]:
    if isinstance(answer, dict):
        return {value for inner in answer.values() for value in values_of(inner)}
    if isinstance(answer, list):
        return {value for inner in answer for value in values_of(inner)}
    return {answer}


# ── the holder sees it ──


def test_every_check_is_in_the_holders_history_with_kinds_of_data_and_no_value(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    desk.checked(live_code(phone, residence), name_on_ticket="NGUYEN MAU AN")
    response = phone.get("/v1/me/access-history")
    look = response.json["data"][0]
    assert look["who"] == "verifier"
    assert look["organisation"] == {
        "id": desk.organisation,
        "name": {"vi": "Hãng bay Sao Mai", "en": "Morning Star Air"},
    }
    assert (look["desk_name"], look["purpose"], look["way"], look["online"]) == ("Cửa 12", "boarding", "online", True)
    assert look["purpose_name"] == {"vi": "Lên máy bay", "en": "Boarding"}
    assert [each["name"] for each in look["fields_told"]] == ["full_name"]
    assert phone.persona.name not in response.text


def test_a_refused_document_is_in_the_history_as_well(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    code = phone.code_of(residence)
    revoke(wallet, residence)
    desk.checked(code)
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["who"], look["outcome"], look["fields_told"]) == ("verifier", "invalid", [])


def test_s65_a_check_that_cannot_be_recorded_discloses_nothing(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    code = live_code(phone, residence)
    with audit_broken(wallet):
        response = desk.check(code)
    assert_refused(response, 503, "storage_unavailable")
    assert phone.persona.name not in response.text
    assert desk.checked(code)["reasons"] == ["ok"], "and no code was used up"


class audit_broken:  # noqa: N801 - reads as what it does
    """The table of the audit record is away for the length of a block."""

    def __init__(self, wallet: Wallet) -> None:
        self.wallet = wallet

    def __enter__(self) -> None:
        self._rename("audit_events", "audit_aside")

    def __exit__(self, *_: object) -> None:
        self._rename("audit_aside", "audit_events")

    def _rename(self, one: str, other: str) -> None:
        with self.wallet.db.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))


# ── who calls, and with what ──


def test_without_a_good_key_nothing_is_checked(client: FlaskClient, phone: CitizenPhone, residence: str) -> None:
    body = {"code": phone.code_of(residence), "purpose": "boarding"}
    assert_refused(client.post("/v1/verifier/checks", json=body), 401, "desk_key_missing")
    wrong = {"X-Desk-Key": f"vsd_test_{'0' * 32}_{'0' * 64}"}
    assert_refused(client.post("/v1/verifier/checks", json=body, headers=wrong), 401, "invalid_desk_key")
    assert_refused(client.post("/v1/verifier/checks", json=body, headers=phone.headers), 401, "desk_key_missing")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"purpose": "boarding"}, "/code"),
        ({"code": "VD1:X"}, "/purpose"),
        ({"code": 1, "purpose": "boarding"}, "/code"),
        ({"code": "VD1:X", "purpose": "boarding", "claims": "full_name"}, "/claims"),
        ({"code": "VD1:X", "purpose": "boarding", "nonce": "short"}, "/nonce"),
        ({"code": "VD1:X", "purpose": "boarding", "birth_date_on_ticket": "20/05/1990"}, "/birth_date_on_ticket"),
        ({"code": "VD1:X", "purpose": "boarding", "name_on_ticket": ""}, "/name_on_ticket"),
        ({"code": "VD1:X", "purpose": "boarding", "status": "valid"}, "/status"),
    ],
)
def test_a_body_of_another_shape_is_refused(
    client: FlaskClient,
    desk: Desk,
    body: dict[str, Any],
    pointer: str,
    unchanged: Unchanged,
) -> None:
    with unchanged():
        response = client.post("/v1/verifier/checks", json=body, headers=desk.headers)
        assert_refused(response, 422, "invalid_input")
    assert pointer in {error["pointer"] for error in response.json["errors"]}


def test_a_purpose_that_is_taken_away_ends_at_once(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    assert desk.check(phone.code_of(residence)).status_code == 200
    with wallet.work() as work:
        work.checks.rows.change_desk(desk.id, state="revoked")
    assert_refused(desk.check(phone.code_of(residence)), 401, "invalid_desk_key")


def test_documents_expire(phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock) -> None:
    code = phone.code_of(residence)
    clock.advance(timedelta(days=400))
    answer = desk.checked(code)
    assert answer["accepted"] is False
    assert "expired" in answer["reasons"]
    assert not answer.keys() & set(PERSONAL)


def test_a_code_that_the_server_signed_for_a_card_is_its_holders_and_says_so(
    wallet: Wallet, client: FlaskClient, phone: CitizenPhone
) -> None:
    """The whole way: the wallet issues the document, cards are fetched, and a gate of an airline is shown one."""
    claims = {"identity": ["full_name", "birth_date"]}
    desk = Desk.open(wallet, client, purpose_json(kind="gate", claims=claims, portrait=True))
    document = phone.post("/v1/requests", {"utility": "identity"}).json["document_id"]
    made = phone.post(f"/v1/documents/{document}/live-codes", {"view": "boarding"}, key=None)
    assert made.status_code == 200, made.text
    answer = desk.checked(made.json["code"], birth_date_on_ticket=phone.persona.birth)
    assert (answer["reasons"], answer["holder_binding"]) == (["ok"], "server")
    assert claims_of(answer) == {"full_name": phone.persona.name, "birth_date": phone.persona.birth}
    assert answer["ticket"] == {"birth_date": "match"}
    assert answer["share"]["state"] == "awaiting"
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["data"], look["outcome"]) == ("identity", "valid")
    assert document not in json.dumps(answer)
    order = {"purpose": "boarding", "code": made.json["code"]}
    for _ in range(2):
        assert desk.post("check-ins", order, key="one").json["holder_binding"] == "server", "a retry says so too"
