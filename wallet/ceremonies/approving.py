"""Approving a new phone: by the holder on the old one, or by an officer who has the person and the card before them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from wallet.ceremonies.ceremonies import Ceremonies, CeremonyView
from wallet.ceremonies.kinds import CeremonyKind, Factor
from wallet.ceremonies.models import CeremonyRow
from wallet.clock import Clock
from wallet.errors import Conflict, NotAllowed, NotFound
from wallet.identity.accounts import Accounts
from wallet.identity.contacts import Contacts
from wallet.identity.holders import Holders
from wallet.sources.base import Fact, Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.terms import Actor, StaffRole
from wallet.working_days import vietnamese_day

WRONG_COMPARISONS = 3


class Decision(StrEnum):
    """What the holder says on the old device."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A phone that waits for approval, as the old one shows it.

    Without the two digits: who approves has to read them off the new phone. Else someone who is asked again and again
    would approve a stranger's with one tap.
    """

    id: str
    device_name: str
    place: str
    asked_at: datetime
    expires_at: datetime
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vouching:
    """What an officer attests. number, card_serial: of the card in hand. legal_ref: of the record of the procedure."""

    number: str = field(repr=False)
    card_serial: str
    legal_ref: str


@dataclass(frozen=True, slots=True)
class Approving:
    """Approvals of one transaction."""

    ceremonies: Ceremonies
    accounts: Accounts
    holders: Holders
    contacts: Contacts
    sources: Sources
    clock: Clock

    def waiting(self, account_id: str, limit: int, place: str | None) -> tuple[list[BindingRequest], str | None]:
        """Return one page of the phones that wait for this account's approval, and the place of the next."""
        rows, following = self.ceremonies.repository.open_of(
            account_id, CeremonyKind.BINDING, self.clock.now(), limit, place
        )
        return [_request(row) for row in rows if self.ceremonies.is_running(row)], following

    def decide(self, ceremony_id: str, decision: Decision, comparison: str, actor: Actor) -> BindingRequest | None:
        """Approve or refuse a phone, from the account's bound device; return the request, None for wrong digits.

        Wrong digits are counted, and the third ends the ceremony: the caller commits before it refuses. Refusing needs
        no right ones. Raises NotFound("not_found") for another account's, Conflict("ceremony_over"),
        NotAllowed("device_needed") in a session without a device.
        """
        if actor.device_id is None:
            raise NotAllowed("device_needed")
        row = self.ceremonies.load(ceremony_id)
        if row.account_id != actor.account_id or row.kind != CeremonyKind.BINDING:
            raise NotFound("not_found")
        if not self.ceremonies.is_running(row) or row.device_id == actor.device_id:
            raise Conflict("ceremony_over")
        if decision is Decision.REFUSE:
            self._end(row, "refused", actor)
        elif comparison == self.ceremonies.comparison(row.id):
            self.ceremonies.prove(row, Factor.OLD_DEVICE, actor, device=actor.device_id)
        else:
            row.tries += 1
            self.ceremonies.repository.flush()
            if row.tries >= WRONG_COMPARISONS:
                self._end(row, "comparison_wrong", actor)
            return None
        return _request(row)

    def vouch(self, ceremony_id: str, vouching: Vouching, officer: Actor) -> CeremonyView:
        """Prove the factor `desk`: the officer has compared the person's face with the card, and the card with this
        number, and answers for both. A biometric matcher at the desk can only add to what is attested here.

        The register of cards is asked as well: a card that was revoked or replaced vouches for nobody. The desk's
        agency becomes the place. Raises NotFound("not_found"), Conflict("ceremony_over"),
        Conflict("factor_not_useful"), NotAllowed("self_vouching"), Unavailable, and Conflict("vouching_mismatch") for
        another person's number or a card that is not theirs now.
        """
        row = self.ceremonies.running(ceremony_id)
        self.ceremonies.demand(row, Factor.DESK)
        if row.account_id == officer.account_id:
            raise NotAllowed("self_vouching")
        ground = Ground("vouch", row.kind, officer)
        facts = self.sources.find(RegisterCode.CARDS, vouching.number, ground, subject=row.id) or {}
        account = None if row.account_id is None else self.accounts.find(row.account_id)
        owned = account is not None and self.holders.has_number(account.holder_id, vouching.number)
        if not owned or card_fault(facts, vouching.card_serial, self.clock.now()) is not None:
            raise Conflict("vouching_mismatch")
        grants = {grant.role: grant for grant in self.accounts.grants(officer.account_id)}
        agency = grants[StaffRole.OFFICER].agency if StaffRole.OFFICER in grants else ""
        row.place = agency[:80]
        if not self.ceremonies.prove(row, Factor.DESK, officer, agency=agency, legal_ref=vouching.legal_ref):
            raise Conflict("ceremony_over")
        return self.ceremonies.view(row)

    def _end(self, row: CeremonyRow, reason: str, actor: Actor) -> None:
        self.ceremonies.end(row, reason, actor)
        self.contacts.tell(actor.account_id, "binding_refused")


def card_fault(facts: Mapping[str, Fact], serial: str, now: datetime) -> str | None:
    """Return what is wrong with a card by the register, as a code; None for the card that its holder has now."""
    if not facts:
        return "card_unknown"
    if facts.get("serial") != serial:
        return "card_replaced"
    if facts.get("state") != "valid":
        return "card_not_valid"
    expires = facts.get("expires")
    if isinstance(expires, date) and expires < vietnamese_day(now):
        return "card_expired"
    return None


def _request(row: CeremonyRow) -> BindingRequest:
    return BindingRequest(row.id, row.device_name, row.place, row.created_at, row.expires_at, tuple(row.factors))
