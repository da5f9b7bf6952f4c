"""Whom a story is about: a grown-up of the demo nation who has a card and no account yet."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select

from wallet.demo.numbers import PREFIX, RESERVED
from wallet.demo.phones import phone_of
from wallet.demo.records import VIETNAM
from wallet.demo.stories.calling import Surprise
from wallet.sources.models import Citizen, Residence
from wallet.wiring import Wallet

AT_ONCE = 100
BORN_FROM, BORN_BEFORE = "1960", "2000"


@dataclass(frozen=True, slots=True)
class FreeCitizen:
    """What this person knows of themselves, and has in their pocket. birth_date: `YYYY-MM-DD`."""

    number: str
    full_name: str
    birth_date: str
    sex: str = field(repr=False)
    cmnd: str | None = field(repr=False)
    address: str = field(repr=False)
    card_issued: date = field(repr=False)
    card_expires: date | None = field(repr=False)

    @property
    def phone(self) -> str:
        return phone_of(self.number)

    @property
    def card_text(self) -> str:
        """What the code on the card says (docs/domain.md, section 3.2)."""
        born, issued = (f"{day:%d%m%Y}" for day in (date.fromisoformat(self.birth_date), self.card_issued))
        return "|".join((self.number, self.cmnd or "", self.full_name, born, self.sex, self.address, issued))


def free_citizen(wallet: Wallet, seed: int) -> FreeCitizen:
    """Return somebody who has no account: the first from the place `seed` on. Raises Surprise when nobody is left."""
    today = wallet.clock.now().date()
    statement = (
        select(Citizen, Residence)
        .join(Residence, Residence.number == Citizen.number)
        .where(
            Citizen.state == "alive",
            Citizen.nationality == VIETNAM,
            Citizen.birth_date.between(f"{BORN_FROM}-01-01", f"{BORN_BEFORE}-01-01"),
            Citizen.card_issued.is_not(None),
            Citizen.card_expires > today.replace(year=today.year + 1, day=1),
            Citizen.number.like(f"{PREFIX}%"),
        )
        .order_by(Citizen.number)
    )
    place = (seed - 1) * AT_ONCE
    while True:
        with wallet.nation.read() as session:
            rows = session.execute(statement.limit(AT_ONCE).offset(place)).all()
        if not rows:
            raise Surprise(
                "không còn công dân nào chưa có tài khoản / nobody without an account is left",
                "wallet demo seed --citizens 20000",
            )
        for person, residence in rows:
            if len(person.birth_date) == len("YYYY-MM-DD") and int(person.number[6:]) >= RESERVED:
                with wallet.read() as work:
                    if work.holders.find(person.number) is None:
                        return _as_value(person, residence)
        place += AT_ONCE


def _as_value(person: Citizen, residence: Residence) -> FreeCitizen:
    parts = (residence.permanent_line, residence.permanent_commune, residence.permanent_province)
    issued = person.card_issued
    assert issued is not None  # noqa: S101 - the statement asked for it
    return FreeCitizen(
        person.number,
        person.full_name,
        person.birth_date,
        person.sex,
        person.cmnd,
        ", ".join(part for part in parts if part),
        issued,
        person.card_expires,
    )
