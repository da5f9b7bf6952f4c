"""Personas as the services see them, registers that can be made to say something else, documents issued at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.support import NOON
from wallet.crypto.keystore import Secret
from wallet.demo.personas import credentials, persona
from wallet.documents.issuing import IssueOrder
from wallet.documents.models import DocumentCopyRow
from wallet.identity.sessions import Beginning
from wallet.sources.base import Facts, Ground, Register, RegisterCode
from wallet.terms import AccountLevel, Actor, AuthLevel, StaffRole, Status
from wallet.utilities.base import Case
from wallet.wiring import Wallet
from wallet.working_days import vietnamese_day

ISSUED = ("an", "sau", "doi", "nho", "xa", "dai", "marie")
"""The personas whose story ends with a document."""

on_one_database = pytest.mark.parametrize("deployment", [pytest.param("sqlite", id="one")], indirect=True)
"""For a test of what no database decides: it runs once."""


def actor_of(wallet: Wallet, key: str = "an", **changes: Any) -> Actor:
    """Return a persona in a session at level 2."""
    with wallet.read() as work:
        holder_id = work.holders.find(persona(key).number)
        assert holder_id is not None
        account = work.accounts.of_holder(holder_id)
        assert account is not None
    actor = Actor(
        account_id=account.id,
        holder_id=holder_id,
        account_level=AccountLevel.TWO,
        auth_level=AuthLevel.TWO,
        request_id="req_of_a_test",
    )
    return replace(actor, **changes)


def officer_of(wallet: Wallet, key: str) -> Actor:
    """Return a persona who reviews, in a session of their own: nothing else decides."""
    actor = actor_of(wallet, key, roles=frozenset({StaffRole.REVIEWER}))
    device = credentials(persona(key), wallet.keystore.secret(Secret.DEMO)).device_id
    with wallet.work() as work:
        begun = work.sessions.start(actor.account_id, AuthLevel.TWO, Beginning(device_id=device))
    return replace(actor, session_id=begun.session.id)


def admin_of(wallet: Wallet, key: str = "admin1") -> Actor:
    return actor_of(wallet, key, roles=frozenset({StaffRole.ADMIN}))


def unlike_anything(letters: int) -> str:
    """Return text that does not deflate."""
    return "".join(chr(0x4E00 + number * 7919 % 20000) for number in range(letters))


def order_for(actor: Actor, utility: str = "residence") -> IssueOrder:
    """Return what a request of this person asks issuing for, whose answers have been accepted."""
    case = Case(now=NOON, today=vietnamese_day(NOON), submitted_at=NOON)
    return IssueOrder(utility, actor.holder_id or "", f"req_{uuid4().hex}", case, "2024-01")


@dataclass(frozen=True)
class IssuedDocument:
    """A document that was signed and stored."""

    id: str
    holder_id: str
    request_id: str
    issued_at: datetime
    expires_at: datetime
    code: str
    claims: Mapping[str, Any]
    salt: str
    sources: Mapping[str, Mapping[str, str]]


def issue(wallet: Wallet, key: str = "an") -> IssuedDocument:
    """Issue one residence document to a persona."""
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        stored = work.issuing.issue(order_for(actor), actor)
    with wallet.read() as work:
        held, content = work.holding.get(stored.id, actor), work.holding.content(stored.id, actor)
    return IssuedDocument(
        id=held.id,
        holder_id=stored.holder_id,
        request_id=held.request_id,
        issued_at=held.issued_at,
        expires_at=held.expires_at,
        code=content.code,
        claims=content.claims,
        salt=content.salt,
        sources=content.sources,
    )


@dataclass(frozen=True)
class AlteredRegister:
    """A register whose facts are changed on the way: what an owner's mistake or correction looks like from here."""

    real: Register
    change: Callable[[dict[str, Any]], Mapping[str, Any]]

    @property
    def code(self) -> RegisterCode:
        return self.real.code

    def read(self, number: str, ground: Ground) -> Facts:
        facts = self.real.read(number, ground)
        return replace(facts, values=self.change(dict(facts.values)))


def saying(wallet: Wallet, register: RegisterCode, **facts: Any) -> Wallet:
    """Return a wallet whose register says this instead; None: it does not say it."""

    def change(values: dict[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in {**values, **facts}.items() if value is not None}

    altered = AlteredRegister(wallet.registers[register], change)
    return replace(wallet, registers={**wallet.registers, register: altered})


def copies_of(wallet: Wallet) -> list[DocumentCopyRow]:
    """Return every copy that was made or promised, by id."""
    with wallet.db.read() as session:
        return list(session.scalars(select(DocumentCopyRow).order_by(DocumentCopyRow.id)))


def status_of(wallet: Wallet, row: DocumentCopyRow) -> Status:
    """Return what the board says of a copy now."""
    wallet.board.refresh(force=True)
    return wallet.board.lists[row.status_list].get(row.status_index)
