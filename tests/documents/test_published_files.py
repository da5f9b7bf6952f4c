"""Signed copies as files, and the job that makes them: no request signs, nothing is lost with process or database."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from tests.documents.people import admin_of, issue, on_one_database
from tests.support import AUTHORITY, FixedClock
from wallet.crypto.keystore import Role
from wallet.crypto.making import create_missing
from wallet.documents.models import PublicationRow
from wallet.documents.published_files import PublishedFiles
from wallet.documents.publishing import Publication
from wallet.documents.revoking import RevocationReason
from wallet.documents.trust import LIFE, STATUS_TTL
from wallet.entropy import SystemEntropy
from wallet.errors import NotFound, Unavailable
from wallet.terms import Status
from wallet.verifier import Policy, TrustedBundle, judge
from wallet.wiring import Wallet

FILES = {"bundle.jwt", "status-list/1.jwt", "status-list/1.cwt"}
BY_THE_JOB = FILES | {"entities.jws"}


def folder(wallet: Wallet) -> Path:
    return wallet.settings.published_dir


def files(wallet: Wallet) -> set[str]:
    """Return the names of the files, without the roots' lists of revoked signers: those are named after a key."""
    found = (path for path in folder(wallet).rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder(wallet)).as_posix() for path in found if path.suffix != ".crl"}


def served(wallet: Wallet) -> list[Publication]:
    trust = wallet.trust
    return [trust.bundle(), trust.status_list(1), trust.status_list(1, cbor=True)]


def revoke(wallet: Wallet, document_id: str) -> None:
    with wallet.work() as work:
        work.revoking.revoke(document_id, RevocationReason.FRAUD, admin_of(wallet))


@contextmanager
def another(wallet: Wallet) -> Iterator[Wallet]:
    """Another process of the same deployment, as it begins."""
    other = Wallet.build(wallet.settings, clock=wallet.clock)
    yield other
    other.close()


@contextmanager
def no_database(*wallets: Wallet) -> Iterator[None]:
    """A database that does not answer."""

    @contextmanager
    def down() -> Iterator[Any]:
        raise Unavailable("dependency_unavailable")
        yield

    with pytest.MonkeyPatch.context() as patch:
        for wallet in wallets:
            patch.setattr(wallet.db, "read", down)
            patch.setattr(wallet.db, "write", down)
        yield


def signatures(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the role of each signature that the wallet makes from now on."""
    made: list[str] = []
    signer = wallet.keystore.signer

    def noting(role: Role) -> Any:
        real = signer(role)

        class Noting:
            kid, certificate_der = real.kid, real.certificate_der

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def sign(self, message: bytes) -> bytes:
                made.append(str(role))
                return real.sign(message)

        return Noting()

    monkeypatch.setattr(wallet.keystore, "signer", noting)
    return made


# --- The job --------------------------------------------------------------------------------------------------------


def test_s54_job_publishes_a_revocation_and_no_request_signs(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = issue(wallet)
    wallet.trust.publish()
    wallet.publisher.left_to_job = True
    before = served(wallet)
    made = signatures(wallet, monkeypatch)
    revoke(wallet, document.id)
    clock.advance(seconds=30)
    assert served(wallet) == before
    assert made == []
    wallet.trust.publish()
    assert sorted(made) == ["bundle", "bundle", "status", "status"], "the bundle, its list of entities, two lists"
    after = served(wallet)
    assert [copy.sequence for copy in after] == [copy.sequence + 1 for copy in before]
    bundle = TrustedBundle.from_jws(after[0].token.decode(), [wallet.trust.pin], clock.now())
    assert judge(document.code, bundle, Policy(), clock.now()).reasons == ("revoked",)
    assert after[1].token.decode() in _lists_of(after[0])


def _lists_of(bundle: Publication) -> list[str]:
    segment = bundle.token.decode().split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return [entry["token"] for entry in payload["status_lists"]]


def test_round_in_which_nothing_changed_signs_nothing_and_reads_little(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet.trust.publish()
    made, before = signatures(wallet, monkeypatch), served(wallet)
    for _ in range(5):
        clock.advance(seconds=2)
        wallet.trust.publish()
    assert made == []
    assert served(wallet) == before
    clock.advance(STATUS_TTL)
    wallet.trust.publish()
    assert sorted(made) == ["bundle", "bundle", "status", "status"], "the bundle, its list of entities, two lists"


def test_job_and_request_of_two_processes_serve_the_same(wallet: Wallet, clock: FixedClock) -> None:
    with another(wallet) as other:
        for number in range(4):
            with wallet.work() as work:
                work.document_rows.set_status(1, number, Status.INVALID, clock.now())
            clock.advance(seconds=2)
            (wallet, other)[number % 2].trust.publish()
            (other, wallet)[number % 2].trust.publish()
            assert served(wallet) == served(other)


@on_one_database
def test_list_that_is_opened_is_published_in_the_next_round(wallet: Wallet, clock: FixedClock) -> None:
    wallet.trust.publish()
    wallet.publisher.left_to_job = True
    with pytest.raises(NotFound):
        wallet.trust.status_list(2)
    with wallet.work() as work:
        work.document_rows.open_list(2, 8, clock.now(), wallet.trust.address(2))
    clock.advance(seconds=2)
    wallet.trust.publish()
    assert wallet.trust.status_list(2).token
    assert files(wallet) == BY_THE_JOB | {"status-list/2.jwt", "status-list/2.cwt"}


@on_one_database
def test_first_request_of_a_deployment_is_served_before_the_job_has_run(wallet: Wallet) -> None:
    wallet.publisher.left_to_job = True
    assert [copy.sequence for copy in served(wallet)] == [1, 1, 1]


def test_request_after_a_restart_takes_what_is_stored_though_the_content_changed(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = served(wallet)
    with wallet.work() as work:
        work.document_rows.set_status(1, 3, Status.INVALID, clock.now())
    clock.advance(seconds=5)
    with another(wallet) as other:
        other.publisher.left_to_job = True
        made = signatures(other, monkeypatch)
        assert served(other) == before
        assert made == []
        other.trust.publish()
        assert other.trust.bundle().sequence == before[0].sequence + 1


@on_one_database
def test_job_of_a_process_runs_and_stops(wallet: Wallet) -> None:
    wallet.publish_in_background()
    assert wallet.trust.bundle().sequence >= 1
    assert wallet.publishing.stop()


# --- Files ----------------------------------------------------------------------------------------------------------


def test_s57_process_that_starts_without_its_database_serves_the_files_until_they_expire(
    wallet: Wallet, clock: FixedClock, application: Callable[[Wallet], Flask]
) -> None:
    wallet.trust.publish()
    held = served(wallet)
    assert files(wallet) == BY_THE_JOB
    with another(wallet) as other, no_database(wallet, other):
        other.publisher.left_to_job = True
        client: FlaskClient = application(other).test_client()
        clock.advance(LIFE - timedelta(seconds=1))
        for path, accept, copy in (
            ("/v1/trust/bundle", "*/*", held[0]),
            ("/v1/status-lists/1", "*/*", held[1]),
            ("/v1/status-lists/1", "application/statuslist+cwt", held[2]),
        ):
            response = client.get(path, headers={"Accept": accept})
            assert (response.status_code, response.data) == (200, copy.token)
            tag = {"If-None-Match": response.headers["ETag"], "Accept": accept}
            assert client.get(path, headers=tag).status_code == 304
        assert client.get("/v1/status-lists/2").status_code == 503
        clock.advance(seconds=1)
        for path in ("/v1/trust/bundle", "/v1/status-lists/1"):
            refused = client.get(path)
            assert (refused.status_code, refused.json["code"]) == (503, "dependency_unavailable")
            assert "Retry-After" in refused.headers
    assert wallet.trust.bundle().sequence == held[0].sequence + 1


@on_one_database
def test_file_that_no_key_of_ours_signed_is_not_served(wallet: Wallet, clock: FixedClock, tmp_path: Path) -> None:
    copies = served(wallet)
    stranger_keys = tmp_path / "stranger"
    create_missing(stranger_keys, now=clock.now(), entropy=SystemEntropy(), authority=AUTHORITY)
    stranger = Wallet.build(
        replace(wallet.settings, keys_dir=stranger_keys, published_dir=tmp_path / "theirs"), clock=clock
    )
    clock.advance(seconds=2)
    theirs = served(stranger)
    stranger.close()
    names = ["bundle.jwt", "status-list/1.jwt", "status-list/1.cwt"]
    bad: list[bytes] = [b"", b"\xff\xfe", b"a.b.c", b"\x00" * 1000]
    with another(wallet) as other, no_database(other):
        for place, (name, copy) in enumerate(zip(names, copies, strict=True)):
            changed = copy.token[:-9] + bytes(reversed(copy.token[-9:]))
            for token in (
                *bad,
                changed,
                copies[place - 1].token,
                theirs[place].token,
                copy.token[: len(copy.token) // 2],
            ):
                (folder(wallet) / name).write_bytes(token)
                with pytest.raises(Unavailable):
                    served(other)[place]
            (folder(wallet) / name).unlink()
            with pytest.raises(Unavailable):
                served(other)
            (folder(wallet) / name).write_bytes(copy.token)
        assert [copy.token for copy in served(other)] == [copy.token for copy in copies]


def test_older_copy_never_takes_the_place_of_a_newer_file(wallet: Wallet, clock: FixedClock) -> None:
    with another(wallet) as other:
        old = served(other)
        clock.advance(STATUS_TTL)
        new = served(wallet)
        for copy in old:
            other.publisher.shelf.put(copy)
        assert (folder(wallet) / "status-list/1.jwt").read_bytes() == new[1].token
        assert (folder(wallet) / "bundle.jwt").read_bytes() == new[0].token


def test_database_that_was_put_back_is_behind_and_the_line_goes_on(wallet: Wallet, clock: FixedClock) -> None:
    """A verifier never goes back: after a restore from a backup the next bundle is newer than all that were out."""
    with wallet.db.read() as session:
        first = {row.name: row.sequence for row in session.query(PublicationRow)}
    assert first == {}
    served(wallet)
    with wallet.db.read() as session:
        backup = [
            {column.name: getattr(row, column.name) for column in PublicationRow.__table__.columns}
            for row in session.query(PublicationRow)
        ]
    for _ in range(3):
        clock.advance(STATUS_TTL)
        last = served(wallet)
    held = TrustedBundle.from_jws(last[0].token.decode(), [wallet.trust.pin], clock.now())
    for stored in (backup, []):
        with wallet.db.write() as session:
            session.execute(delete(PublicationRow))
            if stored:
                session.execute(PublicationRow.__table__.insert(), stored)
        clock.advance(seconds=5)
        with another(wallet) as restarted:
            restarted.trust.publish()
            after = served(restarted)
        assert all(new.issued_at > old.issued_at for new, old in zip(after, last, strict=True))
        held = TrustedBundle.from_jws(after[0].token.decode(), [wallet.trust.pin], clock.now(), held)
        last = after


@on_one_database
def test_disk_that_refuses_stops_no_publication(wallet: Wallet, clock: FixedClock, tmp_path: Path) -> None:
    in_the_way = tmp_path / "in the way"
    in_the_way.write_text("a file, no folder")
    other = Wallet.build(replace(wallet.settings, published_dir=in_the_way), clock=clock)
    assert [copy.sequence for copy in served(other)] == [1, 1, 1]
    other.close()
    assert in_the_way.read_text() == "a file, no folder"


@on_one_database
def test_write_that_is_cut_off_leaves_the_old_file_whole(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = served(wallet)
    shelf = PublishedFiles(folder(wallet), wallet.trust.recognised, wallet.clock)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    shelf.put(replace(copies[1], issued_at=copies[1].issued_at + timedelta(hours=1), token=b"never written"))
    monkeypatch.undo()
    assert (folder(wallet) / "status-list/1.jwt").read_bytes() == copies[1].token
    assert files(wallet) == FILES
    assert not list(folder(wallet).rglob(".new-*"))


@on_one_database
def test_files_are_for_everyone_to_read_and_hold_no_secret(wallet: Wallet) -> None:
    served(wallet)
    for name in FILES:
        assert (folder(wallet) / name).stat().st_mode & 0o777 == 0o644
    content = b"".join((folder(wallet) / name).read_bytes() for name in FILES)
    for path in wallet.settings.keys_dir.iterdir():
        if path.suffix in (".pem", ".secret"):
            assert path.read_bytes() not in content


@on_one_database
def test_name_never_leads_out_of_the_folder(wallet: Wallet, tmp_path: Path) -> None:
    (tmp_path / "outside.jwt").write_bytes(served(wallet)[1].token)
    shelf = PublishedFiles(folder(wallet), wallet.trust.recognised, wallet.clock)
    for name in ("../outside.jwt", "status-list/../../outside.jwt", "status-list/x.jwt", "status-list/9.jwt", ""):
        assert shelf.read(name) is None


def test_publication_row_of_a_later_sequence_wins(wallet: Wallet, clock: FixedClock) -> None:
    """What another process stored between our look and our copy is taken as it is."""
    served(wallet)
    heads = wallet.publisher.heads()
    with wallet.db.write() as session:
        session.execute(update(PublicationRow).values(sequence=PublicationRow.sequence + 5))
    clock.advance(STATUS_TTL)
    draft = wallet.trust._list_draft(1, cbor=False)
    copy = wallet.publisher.renew("status-list/1.jwt", heads["status-list/1.jwt"], draft)
    assert copy.sequence == 6
