"""The factor `chip`: a real chip answered our challenge, and the register says that it is the holder's present card."""

from dataclasses import dataclass

from wallet.audit import Audit
from wallet.ceremonies.approving import card_fault
from wallet.ceremonies.ceremonies import Ceremonies
from wallet.ceremonies.chips import CardChips, ChipFacts, ChipReading
from wallet.ceremonies.kinds import Factor
from wallet.ceremonies.models import CeremonyRow
from wallet.clock import Clock
from wallet.errors import Malformed
from wallet.identity.accounts import Accounts
from wallet.identity.challenges import Challenge, Challenges, Purpose
from wallet.identity.holders import Holders
from wallet.sources.base import Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.terms import Actor

FAULTS = frozenset({"unknown_signer", "groups_missing", "data_altered", "data_missing", "chip_cloned"})
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class JudgedReading:
    """A reading before anything is looked up. challenge: None when it is none of ours. fault: why it was refused."""

    challenge: Challenge | None
    facts: ChipFacts | None
    fault: str


def judge(
    reading: ChipReading, challenge: str, ceremony_id: str, chips: CardChips, challenges: Challenges, clock: Clock
) -> JudgedReading:
    """Judge a reading by its signatures alone, outside any transaction. Raises Unavailable."""
    try:
        recognised = challenges.recognise(challenge, ceremony_id, clock.now(), Purpose.CHIP)
    except Malformed:
        return JudgedReading(None, None, "challenge_invalid")
    try:
        return JudgedReading(recognised, chips.verify(reading, challenge), "")
    except Malformed as error:
        return JudgedReading(recognised, None, error.detail if error.detail in FAULTS else UNREADABLE)


@dataclass(frozen=True, slots=True)
class CardFactor:
    """Card chips in one transaction."""

    ceremonies: Ceremonies
    accounts: Accounts
    holders: Holders
    sources: Sources
    audit: Audit
    clock: Clock

    def prove(self, row: CeremonyRow, judged: JudgedReading, actor: Actor) -> bool:
        """Return whether the factor was proven now; why not stands in the audit record and nowhere else.

        The challenge is used up in both cases. The caller commits before it refuses. Raises Unavailable.
        """
        fault = self._fault(row, judged, actor)
        if fault is None:
            return self.ceremonies.prove(row, Factor.CHIP, actor)
        self.audit.record("ceremony.chip_refused", actor, row.id, reason=fault)
        return False

    def _fault(self, row: CeremonyRow, judged: JudgedReading, actor: Actor) -> str | None:
        challenge, facts = judged.challenge, judged.facts
        if challenge is None:
            return judged.fault
        if not self.ceremonies.repository.use_once("chip-challenge", challenge.value, challenge.expires_at):
            return "challenge_used"
        if facts is None:
            return judged.fault
        ground = Ground("verify_card", row.kind, actor)
        stated = self.sources.find(RegisterCode.CARDS, facts.number, ground, subject=row.id) or {}
        account = None if row.account_id is None else self.accounts.find(row.account_id)
        if account is None or not self.holders.has_number(account.holder_id, facts.number):
            return "another_person"
        return card_fault(stated, facts.serial, self.clock.now())
