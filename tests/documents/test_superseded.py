"""S-46: the online check says that a newer document took the place of an older one; offline it is revoked, no more."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import Client

from tests.documents.people import IssuedDocument, admin_of, issue
from tests.support import FixedClock
from tests.test_schema import config, empty
from wallet.db import Database
from wallet.documents.models import StatusChange
from wallet.documents.revoking import RevocationReason
from wallet.documents.status import BoardList
from wallet.schema import upgrade
from wallet.settings import Settings
from wallet.terms import Status
from wallet.verifier import Policy, judge
from wallet.verifier.bundle import TrustedBundle
from wallet.wiring import Wallet

__all__ = ["empty"]  # a fixture is found by its name


def end(wallet: Wallet, document: IssuedDocument, reason: RevocationReason) -> None:
    with wallet.work() as work:
        work.revoking.void(document.id, reason, admin_of(wallet))


def reasons(wallet: Wallet, document: IssuedDocument) -> list[str]:
    return list(wallet.checking.check(document.code)["reasons"])


def test_s46_online_names_what_was_superseded_and_nothing_else(wallet: Wallet, clock: FixedClock) -> None:
    older, newer, revoked = issue(wallet), issue(wallet), issue(wallet)
    end(wallet, older, RevocationReason.SUPERSEDED)
    end(wallet, revoked, RevocationReason.FRAUD)
    clock.advance(seconds=2)
    answer = wallet.checking.check(older.code)
    assert (answer["verdict"], answer["reasons"], answer["accepted"]) == ("invalid", ["revoked", "superseded"], False)
    assert reasons(wallet, newer) == ["ok"]
    assert reasons(wallet, revoked) == ["revoked"]


def test_it_is_named_beside_what_else_is_wrong(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    end(wallet, document, RevocationReason.SUPERSEDED)
    clock.advance(days=400)
    assert reasons(wallet, document) == ["expired", "revoked", "superseded"]


@pytest.mark.parametrize("reason", [each for each in RevocationReason if each is not RevocationReason.SUPERSEDED])
def test_no_other_reason_is_told(wallet: Wallet, clock: FixedClock, reason: RevocationReason) -> None:
    document = issue(wallet)
    end(wallet, document, reason)
    clock.advance(seconds=2)
    assert reasons(wallet, document) == ["revoked"]


def test_another_process_names_it_too(wallet: Wallet, deployment: Settings, clock: FixedClock) -> None:
    document = issue(wallet)
    running = Wallet.build(deployment, clock=clock)
    assert reasons(running, document) == ["ok"]
    end(wallet, document, RevocationReason.SUPERSEDED)
    clock.advance(seconds=2)
    assert reasons(running, document) == ["revoked", "superseded"]
    running.close()
    started = Wallet.build(deployment, clock=clock)
    assert reasons(started, document) == ["revoked", "superseded"]
    started.close()


def test_offline_it_is_revoked_and_the_list_does_not_tell(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    end(wallet, document, RevocationReason.SUPERSEDED)
    clock.advance(seconds=2)
    wallet.trust.publish()
    token = wallet.trust.bundle().token.decode()
    held = TrustedBundle.from_jws(token, [wallet.trust.pin], clock.now(), None)
    assert judge(document.code, held, Policy(), clock.now()).reasons == ("revoked",)
    with wallet.read() as work:
        row = work.document_rows.get(document.id)
        assert row is not None
    board = wallet.board.lists[row.status_list]
    assert board.get(row.status_index) is Status.INVALID


def test_a_code_that_another_issuer_might_have_signed_is_not_looked_up(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    end(wallet, document, RevocationReason.SUPERSEDED)
    clock.advance(seconds=2)
    broken = document.code[:-6] + ("AAAAAA" if not document.code.endswith("AAAAAA") else "BBBBBB")
    assert "superseded" not in wallet.checking.check(broken)["reasons"]


def test_a_list_remembers_one_bit_and_only_where_there_is_one() -> None:
    board = BoardList(8, bytearray(64))
    assert not any(board.is_superseded(index) for index in range(256))
    assert board.superseded == b""
    board.supersede(0)
    board.supersede(255)
    board.supersede(9)
    assert [index for index in range(256) if board.is_superseded(index)] == [0, 9, 255]
    assert len(board.superseded) == 32


def test_what_was_superseded_before_is_told_after_the_tables_have_changed(empty: Database) -> None:
    command.upgrade(config(empty), "0011")
    moment = "2026-03-02 05:00:00.000000" if empty.is_sqlite else "2026-03-02T05:00:00+00:00"
    names = (
        "id, holder_id, request_id, utility, kind, kind_version, rules_version, issued_at, expires_at, status_list,"
        " status_index, sealed, revoked_at, revocation_reason"
    )
    with empty.engine.begin() as connection:
        for index, reason in enumerate(("superseded", "fraud")):
            connection.execute(
                text(
                    f"INSERT INTO documents ({names}) VALUES ('doc_{index}', 'hld', 'req_{index}', 'u', 'u', 1, 'r',"
                    f" '{moment}', '{moment}', 1, {index}, :sealed, '{moment}', '{reason}')"
                ),
                {"sealed": b""},
            )
            connection.execute(
                text(
                    "INSERT INTO status_changes (status_list, sequence, status_index, value, at)"
                    f" VALUES (1, {index + 1}, {index}, 1, '{moment}')"
                )
            )
        copy = (
            "id, document_id, holder_id, form, holder_key, number, status_list, status_index, issued_at, expires_at,"
            " sealed"
        )
        connection.execute(
            text(
                f"INSERT INTO document_copies ({copy}) VALUES"
                f" ('copy_0', 'doc_0', 'hld', 'mdoc', 'key', 0, 1, 7, '{moment}', '{moment}', :sealed)"
            ),
            {"sealed": b""},
        )
        connection.execute(
            text(
                "INSERT INTO status_changes (status_list, sequence, status_index, value, at)"
                f" VALUES (1, 3, 7, 1, '{moment}')"
            )
        )
    upgrade(empty)
    with empty.read() as session:
        found = session.execute(select(StatusChange.status_index, StatusChange.superseded)).all()
    assert [tuple(row) for row in sorted(found)] == [(0, True), (1, False), (7, True)]
    command.downgrade(config(empty), "0011")


def test_both_lanes_name_it(wallet: Wallet, clock: FixedClock, application: Callable[[Wallet], Flask]) -> None:
    document = issue(wallet)
    end(wallet, document, RevocationReason.SUPERSEDED)
    clock.advance(seconds=2)
    lane: Any = application(wallet).wsgi_app
    for served in (lane, lane._behind):
        answer = Client(served).post("/v1/checks", json={"code": document.code})
        assert (answer.status_code, answer.json["reasons"]) == (200, ["revoked", "superseded"])
