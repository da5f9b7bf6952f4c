"""Stored before it is signed: a fault, a crash or an absent signer at any point leaves nothing that cannot be revoked.

Source: docs/security.md, S-41, S-42, S-62.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.documents.own_keys import rotating, with_own_keys
from tests.documents.people import actor_of, admin_of, issue, on_one_database, order_for, saying
from tests.phone import CitizenPhone
from tests.support import NOON, FixedClock
from tests.web.refusals import assert_refused
from wallet.audit import AuditEvent
from wallet.crypto.keystore import Role
from wallet.crypto.signing import Signer
from wallet.documents.intended import IntendedDocument, read_unsigned
from wallet.documents.models import DocumentRow
from wallet.documents.revoking import RevocationReason
from wallet.documents.signing import BATCH
from wallet.errors import ProfileViolated, Unavailable
from wallet.keys.rotating import KeyReason
from wallet.settings import Settings
from wallet.sources.base import RegisterCode
from wallet.terms import Status
from wallet.utilities.base import Claim, Paper, Source
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
Make = Callable[..., CitizenPhone]


@dataclass
class Watched:
    """A signer that counts, and that can be away or out of its mind."""

    real: Signer
    away: bool = False
    mad: bool = False
    signed: list[bytes] = field(default_factory=list)

    @property
    def kid(self) -> str:
        return self.real.kid

    @property
    def certificate_der(self) -> bytes:
        return self.real.certificate_der

    def sign(self, message: bytes) -> bytes:
        if self.away:
            raise Unavailable("signing_unavailable", reasons=["no_answer"])
        self.signed.append(message)
        return bytes(63) + b"\1" if self.mad else self.real.sign(message)


@pytest.fixture
def signer(wallet: Wallet) -> Watched:
    """Put a watched signer in the place of the real one."""
    watched = Watched(wallet.signing.signer())
    wallet.__dict__["signing"] = replace(wallet.signing, signer=lambda: watched)
    return watched


def order(wallet: Wallet, key: str = "an") -> IntendedDocument:
    """Let one document be decided on, whatever becomes of its signature."""
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        return work.issuing.issue(order_for(actor), actor)


def rows(wallet: Wallet) -> list[DocumentRow]:
    """Return what was decided on in this test, oldest first; personas have documents from before."""
    statement = select(DocumentRow).where(DocumentRow.issued_at >= NOON)
    with wallet.db.read() as session:
        return list(session.scalars(statement.order_by(DocumentRow.issued_at, DocumentRow.id)))


def unsigned(wallet: Wallet, signer: Watched) -> DocumentRow:
    """Leave one document behind as a crash between the halves does."""
    signer.away = True
    with pytest.raises(Unavailable):
        order(wallet)
    signer.away = False
    (row,) = [row for row in rows(wallet) if row.signed_at is None]
    return row


def events(wallet: Wallet, action: str) -> list[AuditEvent]:
    statement = select(AuditEvent).where(AuditEvent.action == action, AuditEvent.at >= NOON)
    with wallet.db.read() as session:
        return list(session.scalars(statement))


# --- Before anything is signed --------------------------------------------------------------------------------------


def with_claims(wallet: Wallet, *claims: Claim) -> Wallet:
    real = wallet.catalogue.plugin("residence")
    kind = replace(real.utility.document("residence"), claims=claims, check=lambda *_: None, derive=lambda _: {})
    changed = replace(real.utility, documents=(kind,))
    return replace(wallet, catalogue=Catalogue({"residence": Plugin(changed, real.texts, real.module)}))


def test_s41_what_breaks_the_profile_is_never_signed(wallet: Wallet, state: State) -> None:
    name = Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED)
    broken = with_claims(wallet, name, Claim(2, "number", source=Source.POPULATION, paper=Paper.SHOWN))
    watched, before = Watched(broken.signing.signer()), state()
    broken.__dict__["signing"] = replace(broken.signing, signer=lambda: watched)
    with pytest.raises(ProfileViolated) as refused:
        order(broken)
    assert refused.value.rules == ["claim_never_in_a_code: number"]
    assert watched.signed == []
    assert state() == before


def test_a_broken_profile_is_said_in_words(phone_of: Make, wallet: Wallet) -> None:
    citizen = phone_of("an")

    def refuse(*_: Any) -> str:
        raise ProfileViolated(["malformed"])

    wallet.linter.code = refuse  # type: ignore[method-assign]
    assert_refused(citizen.post("/v1/requests", {"utility": "residence"}), 500, "profile_violation")
    assert rows(wallet) == []


@on_one_database
def test_the_throwaway_key_is_nobodys(wallet: Wallet) -> None:
    """What the linter signs is refused by everybody else, and its key never leaves it."""
    document = order(wallet)
    code = wallet.linter.code(document.content, wallet.trust.trust())
    judgement = judge(code, wallet.trust.trust(), Policy(), wallet.clock.now())
    assert judgement.reasons == ("unknown_issuer",)
    assert judgement.document is None


def test_each_document_is_signed_once_by_the_real_key(wallet: Wallet, signer: Watched) -> None:
    document = issue(wallet)
    assert len(signer.signed) == 1
    (row,) = rows(wallet)
    assert (row.id, row.kid) == (document.id, signer.kid)
    assert row.signed_at == wallet.clock.now()


# --- A signer that is away or mad -----------------------------------------------------------------------------------


def test_without_a_signer_what_was_decided_stands_and_nothing_counts(wallet: Wallet, signer: Watched) -> None:
    row = unsigned(wallet, signer)
    assert (row.kid, row.revoked_at) == (None, None)
    assert events(wallet, "document.issued") == []
    with wallet.read() as work:
        assert work.holding.get(row.id, actor_of(wallet)).state == "signing"
        with pytest.raises(Unavailable) as refused:
            work.holding.code(row.id, actor_of(wallet))
    assert refused.value.code == "signing_unavailable"


def test_a_signature_that_does_not_hold_is_noticed(wallet: Wallet, signer: Watched) -> None:
    signer.mad = True
    with pytest.raises(Unavailable) as refused:
        order(wallet)
    assert refused.value.values["reasons"] == ["bad_signature"]
    (row,) = rows(wallet)
    assert row.signed_at is None
    assert events(wallet, "document.issued") == []


def test_s42_the_same_key_again_makes_no_second_document(phone_of: Make, wallet: Wallet, signer: Watched) -> None:
    """S-62 and S-42: 503, then the very document that was promised."""
    citizen = phone_of("an")
    signer.away = True
    for _ in range(2):
        refused = citizen.post("/v1/requests", {"utility": "residence"}, key="once")
        assert_refused(refused, 503, "signing_unavailable")
    (row,) = rows(wallet)
    listed = citizen.get("/v1/documents").json["data"]
    assert [(each["id"], each["state"]) for each in listed] == [(row.id, "signing")]
    whole = citizen.get(f"/v1/documents/{row.id}")
    assert whole.status_code == 200
    assert "code" not in whole.json
    assert_refused(citizen.get(f"/v1/documents/{row.id}/code.txt"), 503, "signing_unavailable")
    signer.away = False
    answer = citizen.post("/v1/requests", {"utility": "residence"}, key="once")
    assert (answer.status_code, answer.json["document_id"]) == (201, row.id)
    assert citizen.code_of(row.id).startswith("VD1:")
    assert [each.id for each in rows(wallet)] == [row.id]
    assert len(events(wallet, "document.issued")) == 1


def test_reading_and_checking_go_on_without_a_signer(
    phone_of: Make, wallet: Wallet, signer: Watched, client: Any
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    code = citizen.code_of(document)
    signer.away = True
    assert citizen.get(f"/v1/documents/{document}").status_code == 200
    assert client.post("/v1/checks", json={"code": code}).json["verdict"] == "valid"
    assert client.get("/v1/status-lists/1").status_code == 200
    assert_refused(citizen.post("/v1/requests", {"utility": "residence"}), 503, "signing_unavailable")


# --- A crash between the halves -------------------------------------------------------------------------------------


@contextmanager
def storing_fails(wallet: Wallet) -> Iterator[None]:
    """Let the database refuse to store what was signed."""
    if wallet.db.is_sqlite:
        make = ["CREATE TRIGGER refuse BEFORE UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'full'); END"]
        drop = ["DROP TRIGGER refuse"]
    else:
        body = "BEGIN RAISE EXCEPTION 'full'; END"
        make = [f"CREATE FUNCTION refuse() RETURNS trigger AS $$ {body} $$ LANGUAGE plpgsql"]
        make += ["CREATE TRIGGER refuse BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION refuse()"]
        drop = ["DROP TRIGGER refuse ON documents", "DROP FUNCTION refuse()"]
    for statements, after in ((make, False), (drop, True)):
        if after:
            yield
        with wallet.db.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))


def test_s42_storing_that_fails_after_signing_leaves_one_document(
    phone_of: Make, wallet: Wallet, signer: Watched
) -> None:
    citizen = phone_of("an")
    with storing_fails(wallet):
        response = citizen.post("/v1/requests", {"utility": "residence"}, key="once")
        assert response.status_code == 503
    assert len(signer.signed) == 1
    (row,) = rows(wallet)
    assert row.signed_at is None
    again = citizen.post("/v1/requests", {"utility": "residence"}, key="once")
    assert (again.status_code, again.json["document_id"]) == (201, row.id)
    assert len(rows(wallet)) == 1
    assert signer.signed[0] == signer.signed[1], "the very same bytes: the same id, the same entry, the same claims"


def test_what_was_never_signed_can_be_revoked_and_is_then_never_signed(
    wallet: Wallet, signer: Watched, clock: FixedClock
) -> None:
    row = unsigned(wallet, signer)
    with wallet.work() as work:
        work.revoking.revoke(row.id, RevocationReason.ISSUED_IN_ERROR, admin_of(wallet))
    clock.advance(minutes=1)
    assert wallet.signing.run() is False
    wallet.signing.complete_stored([row.id])
    assert signer.signed == []
    (row,) = rows(wallet)
    assert (row.signed_at, row.kid) == (None, None)
    wallet.board.refresh(force=True)
    assert wallet.board.lists[row.status_list].get(row.status_index) == Status.INVALID


def test_the_job_signs_what_a_crash_left_behind(wallet: Wallet, signer: Watched, clock: FixedClock) -> None:
    row = unsigned(wallet, signer)
    assert wallet.signing.run() is False
    assert rows(wallet)[0].signed_at is None, "it is left to whoever asked for a moment"
    clock.advance(minutes=1)
    wallet.signing.run()
    (signed,) = rows(wallet)
    assert (signed.id, signed.signed_at) == (row.id, clock.now())
    with wallet.read() as work:
        content = work.holding.content(row.id, actor_of(wallet))
        held = work.holding.get(row.id, actor_of(wallet))
    assert judge(content.code, wallet.trust.trust(), Policy(), clock.now()).accepted
    assert held.state == "valid"
    (event,) = events(wallet, "document.issued")
    assert event.actor == actor_of(wallet).account_id, "who asked is on record, not who signed"


def test_one_that_cannot_be_signed_holds_up_nobody(wallet: Wallet, signer: Watched, clock: FixedClock) -> None:
    spoilt = unsigned(wallet, signer)
    with wallet.db.write() as session:
        session.execute(text("UPDATE documents SET sealed = :x WHERE id = :id"), {"x": b"x" * 90, "id": spoilt.id})
    clock.advance(minutes=1)
    signer.away = True
    with pytest.raises(Unavailable):
        order(wallet, "sau")
    signer.away = False
    clock.advance(minutes=1)
    wallet.signing.run()
    assert [row.signed_at is None for row in rows(wallet)] == [True, False]


def left_behind(wallet: Wallet, signer: Watched, count: int) -> list[DocumentRow]:
    """Leave documents behind, as a signer that is away for long does."""
    signer.away = True
    for _ in range(count):
        with pytest.raises(Unavailable):
            order(wallet)
    signer.away = False
    return [row for row in rows(wallet) if row.signed_at is None]


def test_s42_however_many_cannot_be_signed_they_hold_up_nobody(
    wallet: Wallet, signer: Watched, clock: FixedClock
) -> None:
    left_behind(wallet, signer, BATCH + 1)
    with wallet.db.write() as session:
        session.execute(text("UPDATE documents SET sealed = :x WHERE signed_at IS NULL"), {"x": b"x" * 90})
    clock.advance(minutes=1)
    (newest,) = (row for row in left_behind(wallet, signer, 1) if row.issued_at == clock.now())
    clock.advance(minutes=1)
    assert wallet.signing.run() is False, "whoever cannot be signed is left for the next round"
    signed = {row.id for row in rows(wallet) if row.signed_at is not None}
    assert signed == {newest.id}
    assert wallet.signing.waiting() == 0
    clock.advance(minutes=10)
    assert wallet.signing.waiting() == BATCH + 1, "for somebody to look"


def test_as_many_as_there_are_are_signed_round_by_round(wallet: Wallet, signer: Watched, clock: FixedClock) -> None:
    left_behind(wallet, signer, BATCH + 1)
    clock.advance(minutes=1)
    assert wallet.signing.run() is True
    assert sum(row.signed_at is None for row in rows(wallet)) == 1
    assert wallet.signing.run() is False
    assert all(row.signed_at is not None for row in rows(wallet))


@pytest.fixture
def own_keys(deployment: Settings, clock: FixedClock, built_in: Catalogue, tmp_path: Path) -> Iterator[Wallet]:
    """A wallet with keys of its own, which may be revoked."""
    settings = with_own_keys(deployment, tmp_path)
    wallet = Wallet.build(settings, clock=clock, catalogue=built_in.anew())
    yield wallet
    wallet.close()


def test_s42_what_the_lost_key_left_unsigned_is_signed_by_the_next_as_of_its_day(
    own_keys: Wallet, clock: FixedClock
) -> None:
    """The day of the decision lies before the next key: no signature of that day would count."""
    wallet, real = own_keys, own_keys.signing
    watched = Watched(real.signer())
    wallet.__dict__["signing"] = replace(real, signer=lambda: watched)
    (row,) = left_behind(wallet, watched, 1)
    clock.advance(days=2)
    lost = wallet.keystore.signer(Role.DOCUMENT).kid
    rotating(wallet).revoke(lost, KeyReason.LOST, clock.now())
    clock.advance(seconds=5)
    wallet.__dict__["signing"] = real
    real.run()
    (signed,) = rows(wallet)
    assert (signed.id, signed.status_list, signed.status_index) == (row.id, row.status_list, row.status_index)
    assert (signed.issued_at, signed.signed_at, signed.expires_at) == (clock.now(), clock.now(), row.expires_at)
    with wallet.read() as work:
        code = work.holding.content(row.id, actor_of(wallet)).code
    judgement = judge(code, wallet.trust.trust(), Policy(), clock.now())
    assert judgement.accepted
    assert judgement.document is not None
    assert judgement.document.issued_at == clock.now()
    wallet.reissue_job.run()
    assert wallet.reverifying.run().mismatch is None
    (event,) = events(wallet, "document.issued")
    assert event.subject == row.id


def test_what_was_suspended_before_it_was_signed_is_signed_and_stays_suspended(
    wallet: Wallet, signer: Watched, clock: FixedClock
) -> None:
    row = unsigned(wallet, signer)
    with wallet.work() as work:
        work.document_rows.mark_suspended(row.id, clock.now(), "under_review")
        work.document_rows.set_status(row.status_list, row.status_index, Status.SUSPENDED, clock.now())
    wallet.board.refresh(force=True)
    clock.advance(minutes=1)
    wallet.signing.run()
    assert rows(wallet)[0].signed_at is not None
    with wallet.read() as work:
        code = work.holding.content(row.id, actor_of(wallet)).code
    assert judge(code, wallet.trust.trust(), Policy(), clock.now()).reasons == ("suspended",)


def test_the_job_leaves_what_has_expired(wallet: Wallet, signer: Watched, clock: FixedClock) -> None:
    unsigned(wallet, signer)
    clock.advance(timedelta(days=400))
    wallet.signing.run()
    assert signer.signed == []


def test_of_two_that_sign_one_document_one_stores_it(wallet: Wallet, signer: Watched, clock: FixedClock) -> None:
    row = unsigned(wallet, signer)
    with wallet.read() as work:
        stored = work.document_rows.get(row.id)
        assert stored is not None
        document = read_unsigned(stored, work.holders)
    wallet.signing.complete([document])
    first = rows(wallet)[0]
    clock.advance(seconds=30)
    wallet.signing.complete([document])
    assert repr(vars(rows(wallet)[0])["sealed"]) == repr(first.sealed)
    assert rows(wallet)[0].signed_at == first.signed_at
    assert len(events(wallet, "document.issued")) == 1


def test_who_closed_the_account_meanwhile_gets_nothing_signed(
    wallet: Wallet, signer: Watched, clock: FixedClock
) -> None:
    row = unsigned(wallet, signer)
    with wallet.db.write() as session:
        session.execute(text("UPDATE holders SET sealed_data_key = NULL WHERE id = :id"), {"id": row.holder_id})
    clock.advance(minutes=1)
    wallet.signing.run()
    assert signer.signed == []
    assert rows(wallet)[0].signed_at is None


# --- What takes the place of what -----------------------------------------------------------------------------------


def superseding(wallet: Wallet) -> Wallet:
    real = wallet.catalogue.plugin("residence")
    kind = replace(real.utility.document("residence"), supersedes=True)
    changed = replace(real.utility, documents=(kind,))
    return replace(wallet, catalogue=Catalogue({"residence": Plugin(changed, real.texts, real.module)}))


def test_the_older_ends_when_the_newer_is_signed_and_not_before(wallet: Wallet, clock: FixedClock) -> None:
    wallet = superseding(wallet)
    watched = Watched(wallet.signing.signer())
    wallet.__dict__["signing"] = replace(wallet.signing, signer=lambda: watched)
    older = issue(wallet)
    clock.advance(minutes=1)
    watched.away = True
    with pytest.raises(Unavailable):
        order(wallet)
    states = {row.id: row.revoked_at for row in rows(wallet)}
    assert states[older.id] is None, "nobody is left without a document because a signer is away"
    watched.away = False
    clock.advance(minutes=1)
    wallet.signing.run()
    ended = {row.id: row.revocation_reason for row in rows(wallet)}
    assert ended.pop(older.id) == "superseded"
    assert list(ended.values()) == [None]


def test_what_is_signed_late_does_not_end_what_came_after_it(wallet: Wallet, clock: FixedClock) -> None:
    wallet = superseding(wallet)
    watched = Watched(wallet.signing.signer(), away=True)
    wallet.__dict__["signing"] = replace(wallet.signing, signer=lambda: watched)
    with pytest.raises(Unavailable):
        order(wallet)
    clock.advance(minutes=1)
    watched.away = False
    newer = issue(wallet)
    (first,) = [row for row in rows(wallet) if row.id != newer.id]
    assert first.revocation_reason == "superseded", "the later one took its place before it was ever signed"
    clock.advance(minutes=1)
    wallet.signing.run()
    assert {row.id: row.revoked_at is None for row in rows(wallet)} == {first.id: False, newer.id: True}


def test_of_two_in_one_second_one_counts(wallet: Wallet) -> None:
    wallet = superseding(wallet)
    for _ in range(3):
        issue(wallet)
    assert sum(row.revoked_at is None for row in rows(wallet)) == 1


@on_one_database
def test_what_is_stored_for_the_signer_opens_for_its_holder_only(wallet: Wallet, signer: Watched) -> None:
    altered = saying(wallet, RegisterCode.POPULATION, full_name="Nguyễn Thị Ẩn Danh")
    altered.__dict__["signing"] = wallet.signing
    signer.away = True
    with pytest.raises(Unavailable):
        order(altered)
    (row,) = rows(wallet)
    assert "Ẩn Danh".encode() not in row.sealed
