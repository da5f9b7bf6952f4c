"""Reading through `Sources`: the register that does not answer is named, and every attempt is on record."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.support import GROUND, NOON
from wallet.audit import AuditEvent
from wallet.errors import NotFound, Unavailable
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.gathering import gather
from wallet.wiring import Wallet

NUMBER = "099090000001"


@dataclass
class Register:
    """A register that states what a test says, and keeps the grounds it was asked on."""

    code: str
    stated: Any
    grounds: list[Ground] = field(default_factory=list)

    def read(self, number: str, ground: Ground) -> Facts:
        self.grounds.append(ground)
        if isinstance(self.stated, Exception):
            raise self.stated
        return Facts(self.code, self.stated, NOON)


def with_registers(wallet: Wallet, *registers: Register) -> Wallet:
    return replace(wallet, registers={**wallet.registers, **{each.code: each for each in registers}})


def outcomes(wallet: Wallet) -> list[tuple[str, str]]:
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "source.read").order_by(AuditEvent.id))
        return [(row.details["source"], row.details["outcome"]) for row in rows if row.subject == "hld_read"]


def test_register_that_is_down_or_not_connected_is_named(wallet: Wallet) -> None:
    down = Register("residence", Unavailable("source_unavailable", 7))
    wallet = with_registers(wallet, down)
    for code, seconds in (("residence", 7), ("club_members", 3600)):
        with pytest.raises(Unavailable) as refusal, wallet.work() as work:
            work.sources.read(code, NUMBER, GROUND, subject="hld_read")
        assert (refusal.value.code, refusal.value.retry_after) == ("source_unavailable", seconds)
        assert refusal.value.values["register"] == code
    assert outcomes(wallet) == [("residence", "source_unavailable"), ("club_members", "source_unavailable")]


def test_third_partys_own_name_for_its_register_is_kept(wallet: Wallet) -> None:
    names = {"vi": "hội viên", "en": "member"}
    refusing = Register("club_members", Unavailable("source_unavailable", register_names=names))
    wallet = with_registers(wallet, refusing)
    with pytest.raises(Unavailable) as refusal, wallet.work() as work:
        work.sources.read("club_members", NUMBER, GROUND, subject="hld_read")
    assert refusal.value.values["register_names"] == names


def test_later_registers_are_told_whom_the_first_one_named(wallet: Wallet) -> None:
    person = Register("population", {"number": NUMBER, "full_name": "Nguyễn Mẫu An", "birth_date": "1948"})
    other, unknown = Register("vehicles", {}), Register("residence", NotFound("person_unknown"))
    wallet = with_registers(wallet, person, other, unknown)
    with wallet.work() as work:
        gathered = gather(work.sources, ["population", "residence", "vehicles"], NUMBER, GROUND, subject="hld_read")
    assert gathered.unknown == {"residence"}
    assert person.grounds == [GROUND]
    assert [(each.full_name, each.birth_date) for each in (*unknown.grounds, *other.grounds)] == [
        ("Nguyễn Mẫu An", "1948")
    ] * 2
    assert [outcome for _, outcome in outcomes(wallet)] == ["answered", "person_unknown", "answered"]


def test_every_register_of_the_wallet_is_connected(wallet: Wallet) -> None:
    assert set(wallet.registers) >= set(RegisterCode)
