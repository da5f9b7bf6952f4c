"""Issuing again in bulk: what is provably logged before the moment lives on, the rest is revoked (S-63)."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from tests.documents.own_keys import rotating, with_own_keys
from tests.documents.people import status_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.crypto import jws
from wallet.crypto.keystore import Key, Role
from wallet.documents.models import DocumentCopyRow, DocumentRow
from wallet.documents.reissuing import Tally
from wallet.documents.revoking import RevocationReason
from wallet.keys.rotating import KeyReason
from wallet.settings import Settings
from wallet.terms import Actor, Status
from wallet.utilities.catalogue import Catalogue
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]


@pytest.fixture
def wallet(deployment: Settings, clock: FixedClock, built_in: Catalogue, tmp_path: Path) -> Iterator[Wallet]:
    """A wallet with keys of its own, which may be revoked."""
    settings = with_own_keys(deployment, tmp_path)
    wallet = Wallet.build(settings, clock=clock, catalogue=built_in.anew())
    yield wallet
    wallet.close()


@pytest.fixture
def client(wallet: Wallet, application: Callable[[Wallet], Flask]) -> FlaskClient:
    return application(wallet).test_client()


def revoke(
    wallet: Wallet, clock: FixedClock, since: timedelta = timedelta(0), *, role: Role = Role.DOCUMENT, kid: str = ""
) -> Key:
    """Revoke the key of a role, that for documents, or one revoked before, as of so long ago; let the wallet notice."""
    kid = kid or wallet.keystore.signer(role).kid
    rotating(wallet).revoke(kid, KeyReason.COMPROMISED, clock.now() - since)
    clock.advance(seconds=5)
    return next(key for key in wallet.keystore.keys(role) if key.record.kid == kid)


def rows(wallet: Wallet) -> dict[str, DocumentRow]:
    with wallet.db.read() as session:
        found = {row.id: row for row in session.scalars(select(DocumentRow))}
        session.expunge_all()
    return found


def reasons(wallet: Wallet, code: str) -> tuple[str, ...]:
    wallet.board.refresh(force=True)
    return tuple(map(str, judge(code, wallet.trust.trust(), Policy(), wallet.clock.now()).reasons))


def test_s63_old_code_ends_with_its_key_and_the_document_goes_on_under_another(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    old, before = citizen.code_of(document), citizen.get(f"/v1/documents/{document}").json
    clock.advance(hours=1)
    key = revoke(wallet, clock)
    assert reasons(wallet, old) == ("key_not_allowed",)
    assert wallet.reissue_job.go(key).reissued >= 1
    citizen.sign_in()
    after = citizen.get(f"/v1/documents/{document}").json
    new = citizen.code_of(document)
    assert (reasons(wallet, old), reasons(wallet, new)) == (("key_not_allowed",), ("ok",))
    assert {name: value for name, value in after.items() if name != "code"} == {
        name: value for name, value in before.items() if name != "code"
    }
    assert client.post("/v1/checks", json={"code": new}).json["verdict"] == "valid"
    assert wallet.reverifying.run().mismatch is None


def test_signer_that_takes_its_time_leaves_documents_of_one_date(
    wallet: Wallet, phone_of: Make, clock: FixedClock
) -> None:
    """The record names the moment that the code names, not that at which it was stored."""
    phone_of("an").issue_residence()
    key = revoke(wallet, clock)
    real = wallet.keystore

    class Slow:
        def signer(self, role: Role) -> Any:
            clock.advance(seconds=1)
            signer = real.signer(role)

            class Signing:
                kid, certificate_der = signer.kid, signer.certificate_der

                def sign(self, message: bytes) -> bytes:
                    clock.advance(seconds=2)
                    return signer.sign(message)

            return Signing()

        def keys(self, role: Role) -> Any:
            return real.keys(role)

    job = replace(wallet.reissue_job, keystore=Slow())  # type: ignore[arg-type]
    assert job.go(key).reissued >= 1
    assert wallet.reverifying.run().mismatch is None


def test_s63_what_was_issued_after_the_moment_is_revoked(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    citizen = phone_of("an")
    sooner = citizen.issue_residence()
    clock.advance(minutes=10)
    citizen = phone_of("sau")
    later = citizen.issue_residence()
    clock.advance(minutes=1)
    key = revoke(wallet, clock, timedelta(minutes=5))
    wallet.reissue_job.go(key)
    assert wallet.reverifying.run().mismatch is None, "whatever was ever issued is as the record says"
    found = rows(wallet)
    assert found[sooner].kid == wallet.keystore.signer(Role.DOCUMENT).kid
    assert (found[later].kid, found[later].revocation_reason) == (key.record.kid, "key_revoked")


def test_s63_what_no_record_speaks_of_is_revoked(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    """Who stole the key and could write a row has no entry of the record from before."""
    document = phone_of("an").issue_residence()
    with wallet.db.write() as session:
        session.execute(delete(AuditEvent).where(AuditEvent.subject == document))
    clock.advance(hours=1)
    wallet.reissue_job.go(revoke(wallet, clock))
    assert rows(wallet)[document].revocation_reason == "key_revoked"


def test_s63_an_earlier_moment_told_later_revokes_what_was_issued_again_meanwhile(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock
) -> None:
    sooner = phone_of("an").issue_residence()
    clock.advance(hours=1)
    citizen = phone_of("sau")
    later, ended = citizen.issue_residence(), citizen.issue_residence()
    clock.advance(minutes=30)
    key = revoke(wallet, clock)
    wallet.reissue_job.run()
    new = wallet.keystore.signer(Role.DOCUMENT).kid
    citizen.sign_in()
    code = citizen.code_of(later)
    assert reasons(wallet, code) == ("ok",)
    with wallet.work() as work:
        work.revoking.void(ended, RevocationReason.DATA_CHANGED, Actor("system"))
    unrelated = phone_of("doi").issue_residence()
    clock.advance(hours=2)
    wallet.reissue_job.run()
    key = revoke(wallet, clock, timedelta(hours=3), kid=key.record.kid)
    assert wallet.reissue_job.run() is False
    found = rows(wallet)
    assert (found[sooner].kid, found[sooner].revoked_at) == (new, None)
    assert (found[later].kid, found[later].revocation_reason) == (new, "key_revoked")
    assert found[ended].revocation_reason == "data_changed"
    assert found[unrelated].revoked_at is None
    assert reasons(wallet, code) == ("revoked",)
    assert wallet.reissue_job.go(key) == Tally(), "looking again changes nothing"
    assert wallet.reverifying.run().mismatch is None


def test_s63_the_same_moment_told_again_revokes_nothing(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    document = phone_of("an").issue_residence()
    clock.advance(hours=1)
    key = revoke(wallet, clock, timedelta(minutes=30))
    assert wallet.reissue_job.go(key).reissued >= 1
    clock.advance(hours=1)
    for since in (timedelta(minutes=20), timedelta(minutes=90)):  # a later one, and one that is as early as it was
        key = revoke(wallet, clock, since, kid=key.record.kid)
        assert wallet.reissue_job.go(key) == Tally()
    assert rows(wallet)[document].revoked_at is None


def test_revoked_and_expired_documents_are_left_as_they_are(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    document, admin = phone_of("an").issue_residence(), phone_of("admin1")
    admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"})
    before = rows(wallet)
    over = {row.id for row in before.values() if row.revoked_at is not None or row.expires_at <= clock.now()}
    assert len(over) >= 2
    clock.advance(hours=1)
    wallet.reissue_job.go(revoke(wallet, clock))
    after = rows(wallet)
    assert {(after[each].kid, after[each].sealed) for each in over} == {
        (before[each].kid, before[each].sealed) for each in over
    }


def test_interrupted_job_goes_on_and_a_second_one_finds_nothing(
    wallet: Wallet, phone_of: Make, clock: FixedClock
) -> None:
    for persona in ("an", "sau", "doi", "nho"):
        phone_of(persona).issue_residence()
    clock.advance(hours=1)
    key = revoke(wallet, clock)

    class Stop(Exception):
        pass

    @contextmanager
    def stopped() -> Iterator[Any]:
        with wallet.work() as work:
            yield work
            raise Stop

    job = wallet.reissue_job
    with pytest.raises(Stop):
        replace(job, work=stopped).documents(key, "", 2)
    assert all(row.kid == key.record.kid for row in rows(wallet).values()), "a round is done whole or not at all"
    first, _ = job.documents(key, "", 2)
    assert first.done == 2
    seen: list[int] = []
    rest = wallet.reissue_job.go(key, seen.append)
    assert rest.done >= 2
    assert seen[-1] == rest.done
    assert wallet.reissue_job.go(key) == Tally()
    assert wallet.reissue_job.run() is False
    live = [row for row in rows(wallet).values() if row.revoked_at is None and row.expires_at > clock.now()]
    assert len({row.id for row in live}) == len({(row.status_list, row.status_index) for row in live}) == len(live)
    new = wallet.keystore.signer(Role.DOCUMENT).kid
    assert {row.kid for row in live} == {new}


def test_suspended_account_keeps_its_document_suspended_or_not_alike(
    wallet: Wallet, phone_of: Make, clock: FixedClock
) -> None:
    document = phone_of("an").issue_residence()
    clock.advance(hours=1)
    key = revoke(wallet, clock)
    before = rows(wallet)[document]
    wallet.reissue_job.go(key)
    after = rows(wallet)[document]
    assert (after.status_list, after.status_index, after.issued_at, after.expires_at) == (
        before.status_list,
        before.status_index,
        before.issued_at,
        before.expires_at,
    )


def test_each_document_issued_again_is_on_record_once(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    document = phone_of("an").issue_residence()
    clock.advance(hours=1)
    key = revoke(wallet, clock)
    wallet.reissue_job.go(key)
    wallet.reissue_job.go(key)
    with wallet.db.read() as session:
        events = list(session.scalars(select(AuditEvent).where(AuditEvent.subject == document)))
    again = [event for event in events if event.action == "document.reissued"]
    assert [(event.actor, event.details["former"]) for event in again] == [("system", key.record.kid)]


def test_no_transaction_is_open_while_the_signer_signs(
    wallet: Wallet, phone_of: Make, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone_of("an").issue_residence()
    clock.advance(hours=1)
    key = revoke(wallet, clock)
    signer, written = wallet.keystore.signer(Role.DOCUMENT), []
    sign = signer.sign

    def signing(message: bytes) -> bytes:
        with wallet.work() as work:  # another writer, which waits for nobody
            work.limits.forget_expired()
        written.append(message)
        return sign(message)

    monkeypatch.setattr(signer, "sign", signing)
    assert wallet.reissue_job.go(key).reissued > 0
    assert written


def test_of_a_key_that_counts_nothing_is_taken_back(wallet: Wallet, phone_of: Make) -> None:
    phone_of("an").issue_residence()
    before = {row.id: row.revoked_at for row in rows(wallet).values()}
    with pytest.raises(ValueError, match="counts"):
        wallet.reissue_job.go(wallet.keystore.keys(Role.DOCUMENT)[0])
    assert {row.id: row.revoked_at for row in rows(wallet).values()} == before


# --- Copies in other forms ------------------------------------------------------------------------------------------

FILES = {"sd_jwt": "document.sdjwt", "mdoc": "document.mdoc", "pdf": "document.pdf"}
CERTIFIED = (Role.SD_JWT, Role.MDOC, Role.SEAL)
RESTING = {
    Role.SD_JWT: {"sd_jwt", "pdf"},
    Role.MDOC: {"mdoc"},
    Role.SEAL: {"pdf"},
    Role.DOCUMENT: {"pdf"},
}
"""Which copies rest on a key: a PDF on that of its code, of its seal and of the SD-JWT VC inside."""


def copies(wallet: Wallet) -> list[DocumentCopyRow]:
    with wallet.db.read() as session:
        found = list(session.scalars(select(DocumentCopyRow).order_by(DocumentCopyRow.form, DocumentCopyRow.number)))
        session.expunge_all()
    return found


def read_all(phone: CitizenPhone, document: str) -> dict[str, bytes]:
    answers = {form: phone.get(f"/v1/documents/{document}/{file}") for form, file in FILES.items()}
    assert {answer.status_code for answer in answers.values()} == {200}, [answer.text for answer in answers.values()]
    return {form: answer.data for form, answer in answers.items()}


@pytest.mark.parametrize("role", RESTING)
def test_a_copy_that_rests_on_a_revoked_key_is_revoked_and_made_anew(
    wallet: Wallet, phone_of: Make, clock: FixedClock, role: Role
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    before = read_all(citizen, document)
    first = copies(wallet)
    assert {row.form for row in first} == set(FILES)
    assert {row.code_kid for row in first if row.form == "pdf"} == {wallet.keystore.signer(Role.DOCUMENT).kid}
    clock.advance(hours=1)
    key = revoke(wallet, clock, role=role)
    assert key in list(wallet.reissue_job.revoked())
    assert wallet.reissue_job.run() is False
    found = {row.form: (row.revoked_at is not None, status_of(wallet, row)) for row in copies(wallet)}
    assert found == {form: (True, Status.INVALID) if form in RESTING[role] else (False, Status.VALID) for form in FILES}
    assert wallet.reissue_job.go(key) == Tally(), "looking again changes nothing"
    citizen.sign_in()
    after = read_all(citizen, document)
    assert {form for form in FILES if after[form] != before[form]} == RESTING[role]
    second = copies(wallet)
    assert len(second) == len(first) + len(RESTING[role])
    assert len({(row.status_list, row.status_index) for row in second}) == len(second)
    assert [status_of(wallet, row) for row in second if row.revoked_at is None] == [Status.VALID] * len(FILES)
    assert read_all(citizen, document) == after
    assert wallet.reverifying.run().mismatch is None


@pytest.mark.parametrize("rotated", [False, True], ids=["signs", "retired"])
def test_copies_whose_chain_leads_to_a_revoked_root_are_revoked_and_made_anew(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock, rotated: bool
) -> None:
    """Else nobody who follows chains could read what a holder gets, and nothing else could be had."""
    citizen = phone_of("an")
    document = citizen.issue_residence()
    before, first = read_all(citizen, document), copies(wallet)
    signers = [wallet.keystore.signer(role).kid for role in CERTIFIED]
    root = wallet.keystore.signer(Role.IACA).kid
    if rotated:
        rotating(wallet).rotate(Role.IACA)
        clock.advance(days=5)
    rotating(wallet).revoke(root, KeyReason.COMPROMISED, clock.now())
    clock.advance(seconds=5)
    wallet.trust.publish()
    citizen.sign_in()
    after = read_all(citizen, document)
    assert [form for form in FILES if after[form] == before[form]] == [], "at once, before any job came by"
    assert {key.record.kid for key in wallet.reissue_job.revoked()} >= set(signers)
    assert wallet.reissue_job.run() is False
    rows_now = copies(wallet)
    assert {row.id for row in rows_now if row.revoked_at is not None} == {row.id for row in first}
    assert {status_of(wallet, row) for row in rows_now if row.revoked_at is not None} == {Status.INVALID}
    assert [status_of(wallet, row) for row in rows_now if row.revoked_at is None] == [Status.VALID] * len(FILES)
    (served,) = x509.load_pem_x509_certificates(client.get("/v1/trust/iaca").data)
    header = json.loads(jws.b64url_decode(after["sd_jwt"].decode().split(".")[0]))
    x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0])).verify_directly_issued_by(served)
    now = {kid for row in rows_now if row.revoked_at is None for kid in (row.kid, row.seal_kid)} - {None}
    chains = {key.record.kid: key.chain for role in CERTIFIED for key in wallet.keystore.keys(role)}
    assert {chains[kid or ""][1] for kid in now} == {served.public_bytes(Encoding.DER)}
    assert read_all(citizen, document) == after
    assert sum((wallet.reissue_job.go(key) for key in wallet.reissue_job.revoked()), Tally()) == Tally()
    assert wallet.reverifying.run().mismatch is None


def test_a_paper_is_not_handed_out_with_a_code_that_counts_no_more(
    wallet: Wallet, phone_of: Make, clock: FixedClock
) -> None:
    citizen = phone_of("an")
    document, never = citizen.issue_residence(), citizen.issue_residence()
    before = read_all(citizen, document)
    clock.advance(hours=1)
    key = revoke(wallet, clock)
    citizen.sign_in()
    entries = [(row.id, row.revoked_at) for row in copies(wallet)]
    for each in (document, never):
        response = citizen.get(f"/v1/documents/{each}/document.pdf")
        assert (response.status_code, response.json["code"]) == (503, "signing_unavailable")
    assert [(row.id, row.revoked_at) for row in copies(wallet)] == entries, "no entry is promised"
    wallet.reissue_job.documents(key, "")
    after = citizen.get(f"/v1/documents/{document}/document.pdf")
    assert after.status_code == 200, after.text
    assert after.data != before["pdf"]
    papers = [row for row in copies(wallet) if row.form == "pdf"]
    assert [(row.revoked_at is None, status_of(wallet, row)) for row in papers] == [
        (False, Status.INVALID),
        (True, Status.VALID),
    ]
    assert papers[1].code_kid == wallet.keystore.signer(Role.DOCUMENT).kid
    assert wallet.reissue_job.go(key).copies == 0, "what was replaced is revoked already"


def test_a_paper_of_the_time_before_its_code_was_kept_is_made_anew(wallet: Wallet, phone_of: Make) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    before = read_all(citizen, document)
    with wallet.db.write() as session:
        session.execute(update(DocumentCopyRow).values(code_kid=None))
    assert wallet.reverifying.run().mismatch is None
    after = read_all(citizen, document)
    assert {form for form in FILES if after[form] != before[form]} == {"pdf"}


def test_of_a_key_for_copies_that_counts_nothing_is_revoked(wallet: Wallet, phone_of: Make) -> None:
    citizen = phone_of("an")
    read_all(citizen, citizen.issue_residence())
    for role in RESTING:
        with wallet.work() as work, pytest.raises(ValueError, match="counts"):
            work.reissuing.copy_batch(wallet.keystore.keys(role)[0], "")
    assert [row.revoked_at for row in copies(wallet)] == [None] * len(FILES)
