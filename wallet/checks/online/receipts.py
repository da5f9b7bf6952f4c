"""Receipts: what a desk checked without network is told later, so that the holder sees it.

A receipt names what the desk read in the code, and nothing beside it. Whether it fits anybody is not told: the answer
is the same, so that nobody learns by receipts which ids there are. For the same reason what would flood somebody's
history is left out of it in silence, and told to the auditor. Source: docs/security.md, S-49; docs/wire.md, 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.checks.desks import DeskActor
from wallet.checks.online.checking import REFUSED
from wallet.checks.online.disclosing import registered
from wallet.checks.online.looks import Looks, Way
from wallet.checks.online.repository import OnlineRepository
from wallet.clock import Clock
from wallet.documents.shown import Shown, ShownDocuments
from wallet.errors import InvalidInput, TooManyAttempts
from wallet.identity.limits import Limits
from wallet.terms import Actor
from wallet.utilities.catalogue import Catalogue
from wallet.verifier import Verdict
from wallet.verifier.reasons import POLICY_REFUSED

OLDEST = timedelta(days=30)
AHEAD = timedelta(minutes=5)
"""How far the clock of a gate may be before ours."""

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AN_HOUR = 2_000
"""Receipts of one desk that are taken in an hour; whoever was without network for long hands in the rest later."""

LOOKS_A_DAY = 100
"""Offline looks of one organisation at one person that a day adds to their history."""

TOLD = "receipt-look"
"""What sort of single use the look of a desk at a document is, in an hour of the clock (`wallet.single_use`)."""

GIVEN, COUNTED = "receipt", "receipt-counts"
"""What sort of single use a receipt is, and what a batch counts (`wallet.single_use`): a receipt is kept until it would
be refused for its age, and so long is the name of a batch, which may come again when its Idempotency-Key is forgotten.
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One offline check. id: the desk's own, by which it counts once. document_id: as the code had it. asked: the desk
    asked online about it too, and never heard the answer."""

    id: str
    document_id: str
    checked_at: datetime
    purpose: str
    verdict: str
    reasons: tuple[str, ...]
    asked: bool = False

    @property
    def outcome(self) -> str:
        """Return the verdict as the holder reads it, as of a check online: what is valid may not be taken there."""
        refused = self.verdict == Verdict.VALID and POLICY_REFUSED in self.reasons
        return REFUSED if refused else self.verdict


@dataclass(frozen=True, slots=True)
class Receipts:
    """Takes receipts, in one transaction."""

    rows: OnlineRepository
    shown: ShownDocuments
    catalogue: Catalogue
    limits: Limits
    looks: Looks
    audit: Audit
    clock: Clock

    def take(
        self, receipts: Iterable[Receipt], counts: dict[str, int], batch: str, desk: DeskActor, actor: Actor
    ) -> None:
        """Take receipts, each once, and how many checks there were of which verdict.

        counts: verdict to number, of all checks since the last time, also those without a receipt. batch: the desk's
        name for what comes at once; its counts are taken once. Raises InvalidInput for a purpose that the desk does
        not have, and for a moment that is too long ago or still to come, TooManyAttempts("too_many_receipts").
        """
        given, now = list(receipts), self.clock.now()
        faults: dict[str, str] = {}
        for place, receipt in enumerate(given):
            if receipt.purpose not in desk.purposes:
                faults[f"/receipts/{place}/purpose"] = "purpose_not_registered"
            if not now - OLDEST < receipt.checked_at <= now + AHEAD:
                faults[f"/receipts/{place}/checked_at"] = "out_of_range"
        if faults:
            raise InvalidInput(faults)
        new = [
            receipt
            for receipt in given
            if self.rows.use_once(GIVEN, f"{desk.desk_id}:{receipt.id}", receipt.checked_at + OLDEST + AHEAD)
        ]
        self._count(desk, len(new))
        found = [(receipt, shown) for receipt in new if (shown := self.shown.find(receipt.document_id)) is not None]
        # Each person's count is held until the end: gates of one organisation take them in one order, or they deadlock.
        for receipt, shown in sorted(found, key=lambda each: each[1].holder_id):
            self._tell(receipt, shown, desk, actor)
        if counts and self.rows.use_once(COUNTED, f"{desk.desk_id}:{batch}", now + OLDEST + AHEAD):
            told = {verdict: number for verdict, number in sorted(counts.items()) if number}
            self.audit.record("verifier_desk.offline_checks", actor, desk.desk_id, counts=told)

    def _count(self, desk: DeskActor, receipts: int) -> None:
        try:
            self.limits.count("desk-receipts", desk.desk_id, AN_HOUR, HOUR, receipts)
        except TooManyAttempts as refusal:
            raise TooManyAttempts("too_many_receipts", refusal.retry_after, limit=AN_HOUR) from refusal

    def _tell(self, receipt: Receipt, shown: Shown, desk: DeskActor, actor: Actor) -> None:
        purpose = desk.purposes[receipt.purpose]
        if receipt.asked and self.looks.has_asked(
            desk, purpose, actor, shown.holder_id, shown.kind, receipt.checked_at
        ):
            return
        if not self._is_told(receipt, shown, desk, actor):
            return
        self.looks.record(
            Way.OFFLINE,
            desk,
            purpose,
            actor,
            shown.holder_id,
            utility=shown.utility,
            kind=shown.kind,
            data=registered(purpose, shown.kind) & self._stated(receipt.document_id, shown),
            verdict=receipt.outcome,
            looked_at=receipt.checked_at,
        )

    def _is_told(self, receipt: Receipt, shown: Shown, desk: DeskActor, actor: Actor) -> bool:
        """Return whether a receipt is an entry of its holder's history: a desk's first in an hour, and not the 101st of
        its organisation in a day, of which the auditor is told."""
        hour = receipt.checked_at.replace(minute=0, second=0, microsecond=0)
        look = f"{desk.desk_id}:{receipt.purpose}:{shown.document_id}:{hour.isoformat()}"
        if not self.rows.use_once(TOLD, look, receipt.checked_at + OLDEST + AHEAD):
            return False
        try:
            self.limits.count("offline-looks", f"{desk.organisation_id}:{shown.holder_id}", LOOKS_A_DAY, DAY)
        except TooManyAttempts:
            today = self.clock.now().date()
            about, until = f"{desk.organisation_id}:{today}", self.clock.now() + DAY
            self.audit.alarm("alarm.offline_looks", actor, desk.organisation_id, about, until, looks=LOOKS_A_DAY)
            return False
        return True

    def _stated(self, document_id: str, shown: Shown) -> set[str]:
        """Return the names of what the desk could read in the code. The portrait is in none."""
        plugin, numbers = self.catalogue.find(shown.utility), self.shown.stated(document_id)
        kinds = () if plugin is None else plugin.utility.documents
        return {
            claim.name for kind in kinds if kind.code == shown.kind for claim in kind.claims if claim.number in numbers
        }
