"""Who sits at which desk: what a reviewer's grants reach, and that whoever decides is there in person.

A desk is an agency's, in one province or for the whole country. Requests and corrections lie on desks by the same rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wallet.errors import NotAllowed
from wallet.identity.accounts import Accounts, Grant
from wallet.identity.guardians import Guardians
from wallet.identity.sessions import Sessions
from wallet.sources.base import Fact
from wallet.terms import Actor, StaffRole

EVERYWHERE = "*"
"""The province of a grant that is for the whole country."""


@dataclass(frozen=True, slots=True)
class Desks:
    """The desks of reviewers, in one transaction."""

    accounts: Accounts
    guardians: Guardians
    sessions: Sessions

    def of(self, actor: Actor) -> tuple[Grant, ...]:
        """Return every desk at which somebody reviews. Raises NotAllowed("not_allowed") for who reviews at none."""
        found = self.of_account(actor.account_id)
        if not found:
            raise NotAllowed("not_allowed")
        return found

    def of_account(self, account_id: str) -> tuple[Grant, ...]:
        """Return every desk at which an account reviews, by agency and province."""
        return tuple(grant for grant in self.accounts.grants(account_id) if grant.role is StaffRole.REVIEWER)

    def assert_in_person(self, actor: Actor) -> None:
        """Refuse whoever is no officer in a session of their own: nothing else decides, whatever calls this.

        Raises NotAllowed("not_allowed"), NotAuthenticated("session_ended").
        """
        if actor.session_id is None or actor.acting_for is not None:
            raise NotAllowed("not_allowed")
        if self.sessions.check(actor.session_id).account_id != actor.account_id:
            raise NotAllowed("not_allowed")

    def own_holders(self, account_id: str, holder_id: str | None) -> frozenset[str]:
        """Return about whom an officer may not decide: themselves and their wards."""
        own = {ward.holder_id for ward in self.guardians.wards(account_id)}
        return frozenset(own if holder_id is None else own | {holder_id})


def home_province(residence: Mapping[str, Fact]) -> str:
    """Return the province where somebody lives, by the residence register's facts; "" where it does not say.

    Where they are registered for good, else for a time, else where they are now (the order: unconfirmed).
    """
    codes = (residence.get(f"{kind}_province_code") for kind in ("permanent", "temporary", "current"))
    return next((str(code) for code in codes if code), "")


def reaching(grants: Iterable[Grant], agency: str, province: str) -> Grant | None:
    """Return the first of these grants on whose desk something of an agency lies, None where it lies on none of them.

    province: where it lies; "" for what lies in none, which only a grant for the whole country reaches.
    """
    return next((grant for grant in grants if grant.agency == agency and _reaches(grant, province)), None)


def places(grants: Iterable[Grant]) -> tuple[tuple[str, str | None], ...]:
    """Return agency and province of these desks, as a repository asks for what lies there: None for every province."""
    return tuple(
        (grant.agency, None if grant.province == EVERYWHERE else grant.province) for grant in grants if grant.province
    )


def share_a_desk(one: Grant, other: Grant) -> bool:
    """Return whether something could lie on both of these desks."""
    same = EVERYWHERE in (one.province, other.province) or one.province == other.province
    return one.agency == other.agency and same


def _reaches(grant: Grant, province: str) -> bool:
    return grant.province == EVERYWHERE or (province != "" and grant.province == province)
