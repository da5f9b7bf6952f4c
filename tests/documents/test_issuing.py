"""Issuing: claims from registers and from nowhere else, verified before they leave, all of it or nothing."""

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest
import rfc8785
from sqlalchemy import inspect as inspect_table
from sqlalchemy import select

from tests.documents.people import (
    ISSUED,
    AlteredRegister,
    IssuedDocument,
    actor_of,
    issue,
    on_one_database,
    order_for,
    saying,
    unlike_anything,
)
from tests.oracle import reader
from tests.support import GROUND, FixedClock
from wallet.audit import AuditEvent
from wallet.db import Base
from wallet.demo.personas import persona
from wallet.documents.issuing import IssueOrder, Issuing, end_of_validity
from wallet.documents.models import DocumentRow, StatusListRow
from wallet.documents.qr_image import matrix
from wallet.errors import (
    ClaimsRejected,
    Conflict,
    LevelTooLow,
    NotAllowed,
    NotFound,
    StepUpRequired,
    Unavailable,
    UnknownUtility,
    WalletError,
)
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.terms import AccountLevel, AuthLevel
from wallet.utilities.base import Claim, Kind, Paper, Source, Utility
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.wiring import Wallet
from wallet.working_days import ZONE

State = Callable[[], dict[str, list[str]]]


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def read(wallet: Wallet, code: str) -> reader.Reading:
    """Read a code as a stranger does."""
    bundle = wallet.trust.bundle().token.decode()
    return reader.read(code, bundle, [wallet.trust.pin], seconds(wallet.clock.now()))


def refused(wallet: Wallet, error: type[WalletError], key: str = "an", **changes: object) -> WalletError:
    actor = actor_of(wallet, key, **changes)
    with pytest.raises(error) as caught, wallet.work() as work:
        work.issuing.issue(order_for(actor), actor)
    return caught.value


# --- What a document says -------------------------------------------------------------------------------------------


@on_one_database
def test_claims_are_what_the_registers_state(wallet: Wallet) -> None:
    document = issue(wallet, "an")
    number = persona("an").number
    stated = {**wallet.registers[RegisterCode.POPULATION].read(number, GROUND).values}
    stated |= wallet.registers[RegisterCode.RESIDENCE].read(number, GROUND).values
    for claim in wallet.catalogue.get("residence").document("residence").claims:
        if claim.source is not Source.DERIVED and claim.kind is not Kind.RECORDS:
            fact = stated.get(claim.name)
            expected = fact.isoformat() if isinstance(fact, date) else fact
            assert document.claims.get(claim.name) == expected, claim.name
    assert document.claims["number_last4"] == number[-4:]
    assert "temporary_address" not in document.claims


def test_s40_an_order_has_no_place_for_a_claim() -> None:
    """What a case carries was answered to a form, and only a claim that says so (`declared`) is made of it."""
    names = {"utility", "holder_id", "request_id", "case", "rules_version", "number", "gathered", "decided"}
    names |= {"renewal", "ends_by"}
    assert {field.name for field in fields(IssueOrder)} == names
    assert list(inspect.signature(Issuing.issue).parameters) == ["self", "order", "actor"]


@on_one_database
def test_paper_shows_the_declared_view_and_no_more(wallet: Wallet) -> None:
    document = issue(wallet, "an")
    kind = wallet.catalogue.get("residence").document("residence")
    shown = {claim.number for claim in kind.claims if claim.paper is not Paper.HIDDEN}
    reading = read(wallet, document.code)
    assert reading.reasons == ["ok"]
    assert reading.claims is not None
    assert set(reading.claims) == shown
    assert document.claims["number"] not in str(reading.claims)
    since = date.fromisoformat(document.claims["permanent_since"])
    assert reading.claims[9] == (since - date(1970, 1, 1)).days


@on_one_database
def test_every_persona_with_a_document_gets_one(wallet: Wallet) -> None:
    for key in ISSUED:
        document = issue(wallet, key)
        assert read(wallet, document.code).accepted
        assert document.claims["full_name"] == persona(key).name
        assert len(document.code) <= 970
        assert len(matrix(document.code)) <= 97


@on_one_database
def test_birth_date_known_by_year_stays_a_year(wallet: Wallet) -> None:
    document = issue(wallet, "sau")
    assert document.claims["birth_date"] == "1948"
    assert "1948-01-01" not in json.dumps(document.claims, ensure_ascii=False)


@on_one_database
def test_document_bears_the_new_number(wallet: Wallet) -> None:
    assert issue(wallet, "doi").claims["number"] == persona("doi").number


@on_one_database
def test_a_correction_in_the_register_is_in_the_next_document(wallet: Wallet) -> None:
    corrected = saying(wallet, RegisterCode.POPULATION, full_name="Nguyễn Văn Ân")
    assert issue(wallet).claims["full_name"] == persona("an").name
    assert issue(corrected).claims["full_name"] == "Nguyễn Văn Ân"


@on_one_database
def test_hash_is_that_of_salt_and_claims_by_jcs(wallet: Wallet) -> None:
    document = issue(wallet, "xa")
    reading = read(wallet, document.code)
    whole = {"claims": json.loads(json.dumps(document.claims)), "salt": document.salt}
    assert reading.claims_hash == hashlib.sha256(rfc8785.dumps(whole)).hexdigest()
    assert reader.hash_matches(reading, whole)
    assert not reader.hash_matches(reading, {**whole, "salt": issue(wallet, "xa").salt})
    assert len(document.salt) == 22


def test_two_documents_of_one_person_share_neither_id_nor_salt_nor_index(wallet: Wallet) -> None:
    first, second = issue(wallet), issue(wallet)
    assert first.id != second.id
    assert first.salt != second.salt
    assert first.code != second.code
    with wallet.db.read() as session:
        rows = session.scalars(select(DocumentRow).where(DocumentRow.id.in_([first.id, second.id]))).all()
    assert len({(row.status_list, row.status_index) for row in rows}) == 2


# --- When it ends ---------------------------------------------------------------------------------------------------


MIDNIGHTS = {
    "2026-03-02T16:59:59+00:00": date(2027, 3, 2),  # 23:59:59 in Hà Nội
    "2026-03-02T17:00:00+00:00": date(2027, 3, 3),  # 00:00:00 in Hà Nội
    "2026-03-02T23:59:59+00:00": date(2027, 3, 3),  # the last second of a day in UTC
    "2026-03-03T00:00:00+00:00": date(2027, 3, 3),  # the first of the next, the same day in Hà Nội
    "2026-12-31T17:00:00+00:00": date(2028, 1, 1),
    "2027-02-28T17:00:00+00:00": date(2028, 2, 29),  # 365 days later stands a leap day
}


def test_validity_ends_at_24_hours_in_hanoi(wallet: Wallet, clock: FixedClock) -> None:
    for issued, last_day in MIDNIGHTS.items():
        clock.set(datetime.fromisoformat(issued))
        document = issue(wallet)
        end = datetime(last_day.year, last_day.month, last_day.day, 17, tzinfo=UTC)
        assert (issued, document.expires_at) == (issued, end)
        assert document.expires_at.astimezone(ZONE).time().isoformat() == "00:00:00"
        content = reader.parse_cbor(reader.parse_tag_18(reader.inflate(reader.unbase45(document.code[4:]), 4096))[2])
        assert (content[6], content[4]) == (seconds(clock.now()), seconds(end))
        with wallet.read() as work:
            assert work.holding.get(document.id, actor_of(wallet)).expires_at == end


def test_a_year_means_365_days_wherever_the_server_stands() -> None:
    for hour in range(48):
        issued = datetime(2026, 6, 30, tzinfo=UTC) + timedelta(hours=hour)
        end = end_of_validity(issued, timedelta(days=365))
        assert timedelta(days=365) < end - issued <= timedelta(days=366)
        assert end == end_of_validity(issued.astimezone(ZONE), timedelta(days=365))


@on_one_database
def test_parts_of_a_second_are_dropped(wallet: Wallet, clock: FixedClock) -> None:
    clock.advance(seconds=0.987)
    document = issue(wallet)
    assert document.issued_at.microsecond == 0
    assert read(wallet, document.code).reasons == ["ok"]


# --- Who gets none --------------------------------------------------------------------------------------------------


def test_nobody_is_issued_another_persons_document(wallet: Wallet, state: State) -> None:
    other, before = actor_of(wallet, "sau"), state()
    actor = actor_of(wallet, "an")
    with pytest.raises(NotAllowed), wallet.work() as work:
        work.issuing.issue(order_for(other), actor)
    assert state() == before


@on_one_database
def test_an_actor_without_a_holder_is_issued_nothing(wallet: Wallet, state: State) -> None:
    before = state()
    refused_actor = actor_of(wallet, "an", holder_id=None)
    with pytest.raises(NotAllowed), wallet.work() as work:
        work.issuing.issue(order_for(actor_of(wallet, "an")), refused_actor)
    assert state() == before


def test_levels_below_the_utilitys_are_refused(wallet: Wallet, state: State) -> None:
    before = state()
    assert refused(wallet, LevelTooLow, account_level=AccountLevel.ONE).values == {"needed": 2}
    assert refused(wallet, StepUpRequired, auth_level=AuthLevel.ONE).values == {"auth_level": 2}
    assert state() == before


@on_one_database
def test_unknown_and_closed_utilities_are_refused(wallet: Wallet) -> None:
    actor = actor_of(wallet)
    with pytest.raises(UnknownUtility), wallet.work() as work:
        work.issuing.issue(order_for(actor, "no-such-thing"), actor)


FACTS = {
    "full_name": RegisterCode.POPULATION,
    "birth_date": RegisterCode.POPULATION,
    "permanent_since": RegisterCode.RESIDENCE,
    "permanent_address": RegisterCode.RESIDENCE,
}


def test_fact_that_the_register_lacks_is_a_refusal(wallet: Wallet, state: State) -> None:
    before = state()
    for fact, register in FACTS.items():
        error = refused(saying(wallet, register, **{fact: None}), ClaimsRejected)
        assert (error.code, error.fields) == ("claims_rejected", {f"/claims/{fact}": "missing_in_register"})  # type: ignore[attr-defined]
    assert state() == before


@on_one_database
def test_fact_that_may_be_absent_stays_absent(wallet: Wallet) -> None:
    document = issue(saying(wallet, RegisterCode.POPULATION, nationality=None))
    assert "nationality" not in document.claims
    assert None not in document.claims.values()


def test_what_the_utility_refuses_is_not_issued(wallet: Wallet, state: State) -> None:
    before = state()
    error = refused(wallet, ClaimsRejected, "mai")
    assert error.fields == {"/claims/permanent_since": "in_future"}  # type: ignore[attr-defined]
    assert state() == before


@on_one_database
def test_today_is_the_day_in_hanoi(wallet: Wallet, clock: FixedClock) -> None:
    clock.set(datetime(2026, 3, 2, 16, 59, tzinfo=UTC))
    tomorrow = saying(wallet, RegisterCode.RESIDENCE, permanent_since=date(2026, 3, 3))
    refused(tomorrow, ClaimsRejected)
    clock.advance(minutes=1)
    assert issue(tomorrow).claims["permanent_since"] == "2026-03-03"


def test_person_whom_a_register_does_not_know_gets_none_and_the_reading_is_recorded(
    wallet: Wallet, state: State
) -> None:
    before = state()
    assert refused(wallet, Conflict, "vang").code == "not_in_register"
    assert state() == before
    with wallet.db.read() as session:
        by_vang = select(AuditEvent).where(AuditEvent.actor == actor_of(wallet, "vang").account_id)
        rows = session.scalars(by_vang.order_by(AuditEvent.id)).all()
    reads = [(row.details["source"], row.details["outcome"]) for row in rows if row.action == "source.read"]
    assert reads == [("population", "answered"), ("residence", "person_unknown")]


@on_one_database
def test_register_that_does_not_answer_is_unavailable(wallet: Wallet, state: State) -> None:
    def down(_: dict[str, object]) -> dict[str, object]:
        raise Unavailable("source_unavailable", 5)

    before = state()
    altered = AlteredRegister(wallet.registers[RegisterCode.RESIDENCE], down)
    broken = replace(wallet, registers={**wallet.registers, RegisterCode.RESIDENCE: altered})
    assert refused(broken, Unavailable).code == "source_unavailable"
    assert state() == before


@on_one_database
def test_each_register_is_read_once_with_its_ground(wallet: Wallet) -> None:
    reads = []

    class Counting(AlteredRegister):
        def read(self, number: str, ground: Ground) -> Facts:
            reads.append(self.code)
            return super().read(number, ground)

    registers = {code: Counting(real, lambda values: values) for code, real in wallet.registers.items()}
    issue(replace(wallet, registers=registers))  # type: ignore[arg-type]
    assert sorted(reads) == ["population", "residence"]
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(3)).all()
    assert [row.action for row in rows] == ["document.issued", "source.read", "source.read"]
    assert {row.details["purpose"] for row in rows[1:]} == {"issue_document"}
    assert {row.details["procedure"] for row in rows[1:]} == {"residence"}
    assert {row.subject for row in rows[1:]} == {actor_of(wallet).holder_id}


# --- Nothing leaves that we would refuse ----------------------------------------------------------------------------


def test_what_our_own_verifier_refuses_is_not_stored(wallet: Wallet, clock: FixedClock, state: State) -> None:
    clock.advance(timedelta(days=731))  # the signing key's time is over
    before = state()
    error = refused(wallet, Unavailable)
    assert (error.code, error.values["reasons"]) == ("signing_unavailable", ["key_not_allowed"])
    assert state() == before


def test_index_of_a_refused_document_is_given_back(wallet: Wallet) -> None:
    def used() -> int:
        with wallet.db.read() as session:
            return session.scalars(select(StatusListRow.used)).one()

    before = used()
    refused(wallet, ClaimsRejected, "mai")
    assert used() == before
    issue(wallet)
    assert used() == before + 1


@on_one_database
def test_place_of_more_than_paper_holds_falls_back_to_what_is_required(wallet: Wallet) -> None:
    for letters in (300, 3000):  # more than paper holds, more than any code holds
        place = unlike_anything(letters)
        document = issue(saying(wallet, RegisterCode.RESIDENCE, permanent_commune=place))
        reading = read(wallet, document.code)
        assert (reading.reasons, set(reading.claims or ())) == (["ok"], {1, 2})
        assert document.claims["permanent_commune"] == place
        assert reading.claims_hash is not None


@on_one_database
def test_name_that_fits_nowhere_is_a_refusal_and_no_broken_code(wallet: Wallet, state: State) -> None:
    before = state()
    for letters in (300, 4000):
        altered = saying(wallet, RegisterCode.POPULATION, full_name=unlike_anything(letters))
        error = refused(altered, ClaimsRejected)
        assert list(error.fields.values()) == ["code_too_large"]  # type: ignore[attr-defined]
    assert state() == before


# --- What a plug-in may and may not do ------------------------------------------------------------------------------


def with_utility(wallet: Wallet, **changes: object) -> Wallet:
    real = wallet.catalogue.plugin("residence")
    kind = replace(real.utility.document("residence"), **changes)  # type: ignore[arg-type]
    changed: Utility = replace(real.utility, documents=(kind,))
    return replace(wallet, catalogue=Catalogue({"residence": Plugin(changed, real.texts, real.module)}))


@on_one_database
def test_a_plug_in_cannot_overwrite_what_a_register_stated(wallet: Wallet) -> None:
    derived = {"number_last4": "0000", "registration_kind": "x", "full_name": "Ai Đó", "unheard_of": 1}
    document = issue(with_utility(wallet, derive=lambda _: derived))
    assert document.claims["full_name"] == persona("an").name
    assert document.claims["number_last4"] == "0000"
    assert "unheard_of" not in document.claims


@on_one_database
def test_required_claim_that_the_plug_in_forgot_is_a_refusal(wallet: Wallet, state: State) -> None:
    before = state()
    error = refused(with_utility(wallet, derive=lambda _: {"registration_kind": "x"}), ClaimsRejected)
    assert list(error.fields) == ["/claims/number_last4"]  # type: ignore[attr-defined]
    assert state() == before


@on_one_database
def test_utility_from_one_register_reads_that_one_only(wallet: Wallet) -> None:
    name = Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED)
    named = with_utility(wallet, claims=(name,), check=lambda *_: None, derive=lambda _: {})
    document = issue(named, "vang")  # whom the residence register does not know
    assert document.claims == {"full_name": persona("vang").name}


# --- What is stored -------------------------------------------------------------------------------------------------


def personal(document: IssuedDocument) -> set[str]:
    """Return every text of a document that tells who someone is."""
    texts = {value for value in document.claims.values() if isinstance(value, str)}
    for member in document.claims.get("household_members", ()):
        texts |= {value for value in member.values() if isinstance(value, str)}
    return {text for text in texts if len(text) > 5} | {document.salt, document.code, document.code[4:60]}


def test_the_row_tells_nothing_about_the_person(wallet: Wallet) -> None:
    document = issue(wallet, "an")
    with wallet.db.read() as session:
        row = session.get(DocumentRow, document.id)
        assert row is not None
        columns = {column.key: getattr(row, column.key) for column in inspect_table(DocumentRow).column_attrs}
    stored = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in columns.values())
    for text in personal(document):
        assert text.encode() not in stored, text
        assert json.dumps(text).encode() not in stored, text


def test_no_table_tells_anything_about_the_person(wallet: Wallet) -> None:
    document = issue(wallet, "an")
    secrets = personal(document) - {"residence"}
    with wallet.db.read() as session:
        for table in Base.metadata.sorted_tables:
            content = repr(session.execute(select(table)).all())
            found = [text for text in secrets if text in content or repr(text.encode())[2:-1] in content]
            assert not found, (table.name, found)


def test_sealed_bytes_open_for_their_holder_and_their_row_only(wallet: Wallet) -> None:
    document, other = issue(wallet, "an"), issue(wallet, "an")
    stranger = actor_of(wallet, "sau").holder_id or ""
    with wallet.read() as work:
        sealed = work.document_rows.get(document.id).sealed  # type: ignore[union-attr]
        content = json.loads(work.holders.unseal(document.holder_id, document.id, sealed))
        assert content.pop("sources").keys() == document.claims.keys()
        assert content == {"claims": document.claims, "salt": document.salt, "code": document.code}
        for holder, row in ((document.holder_id, other.id), (stranger, document.id)):
            with pytest.raises(WalletError):
                work.holders.unseal(holder, row, sealed)


def test_unknown_holder_is_not_found(wallet: Wallet) -> None:
    actor = actor_of(wallet, holder_id="hld_" + "0" * 32)
    with pytest.raises(NotFound), wallet.work() as work:
        work.issuing.issue(order_for(actor), actor)


def test_one_request_has_one_document(wallet: Wallet, state: State) -> None:
    actor = actor_of(wallet)
    order = order_for(actor)
    with wallet.work() as work:
        work.issuing.issue(order, actor)
    before = state()
    with pytest.raises(Exception, match=r"(?i)unique"), wallet.work() as work:
        work.issuing.issue(order, actor)
    assert state() == before
