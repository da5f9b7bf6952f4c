"""What tests of enrolment need of the registers and of accounts, beside the personas."""

from datetime import date
from typing import Any

from sqlalchemy import update

from wallet.demo.personas import persona
from wallet.sources.models import Citizen, Permit
from wallet.terms import AccountLevel, Actor, AuthLevel, StaffRole
from wallet.wiring import Wallet

SON, DAUGHTER, WIFE = "099216000071", "099320000072", "099192000051"


def account_of(wallet: Wallet, key: str) -> str:
    """Return the account of a persona."""
    with wallet.read() as work:
        holder_id = work.holders.find(persona(key).number)
        account = None if holder_id is None else work.accounts.of_holder(holder_id)
    assert account is not None
    return account.id


def actor_of(wallet: Wallet, key: str, *roles: StaffRole) -> Actor:
    """Return a persona as the session of their phone would name them."""
    account_id = account_of(wallet, key)
    with wallet.read() as work:
        account = work.accounts.find(account_id)
    return Actor(
        account_id,
        account.holder_id,
        account_level=AccountLevel(account.level),
        auth_level=AuthLevel.TWO,
        roles=frozenset(roles),
    )


def amend(wallet: Wallet, whose: str, /, **facts: Any) -> None:
    """Change what the population register states of somebody."""
    with wallet.nation.write() as session:
        session.execute(update(Citizen).where(Citizen.number == whose).values(**facts))


def amend_permit(wallet: Wallet, number: str, ends: date) -> None:
    """Change when a foreigner's residence card ends."""
    with wallet.nation.write() as session:
        session.execute(update(Permit).where(Permit.number == number).values(permit_expires=ends))
