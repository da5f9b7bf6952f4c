"""Receipts: what a desk checked without network is told later, so that the holder sees it.

A receipt names what the desk read in the code, and nothing beside it. Whether it fits anybody is not told: the answer
is the same, so that nobody learns by receipts which ids there are. Source: docs/security.md, S-49; docs/wire.md, 3.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.checks.desks import DeskActor
from wallet.checks.online.disclosing import registered
from wallet.checks.online.looks import PORTRAIT, Looks, Way
from wallet.checks.online.repository import OnlineRepository
from wallet.clock import Clock
from wallet.documents.shown import ShownDocuments
from wallet.errors import InvalidInput
from wallet.terms import Actor

OLDEST = timedelta(days=30)
AHEAD = timedelta(minutes=5)
"""How far the clock of a gate may be before ours."""

GIVEN = "receipt"
"""What sort of single use a receipt is (`wallet.single_use`): kept until it would be refused for its age."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One offline check. id: the desk's own, by which it counts once. document_id: as the code had it."""

    id: str
    document_id: str
    checked_at: datetime
    purpose: str
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipts:
    """Takes receipts, in one transaction."""

    rows: OnlineRepository
    shown: ShownDocuments
    looks: Looks
    audit: Audit
    clock: Clock

    def take(self, receipts: Iterable[Receipt], counts: dict[str, int], desk: DeskActor, actor: Actor) -> None:
        """Take receipts, each once, and how many checks there were of which verdict.

        counts: verdict to number, of all checks since the last time, also those without a receipt. Raises InvalidInput
        for a purpose that the desk does not have, and for a moment that is too long ago or still to come.
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
        for receipt in given:
            until = receipt.checked_at + OLDEST + AHEAD
            if self.rows.use_once(GIVEN, f"{desk.desk_id}:{receipt.id}", until):
                self._tell(receipt, desk, actor)
        if counts:
            told = {verdict: number for verdict, number in sorted(counts.items()) if number}
            self.audit.record("verifier_desk.offline_checks", actor, desk.desk_id, counts=told)

    def _tell(self, receipt: Receipt, desk: DeskActor, actor: Actor) -> None:
        shown = self.shown.find(receipt.document_id)
        if shown is None:
            return
        purpose = desk.purposes[receipt.purpose]
        self.looks.record(
            Way.OFFLINE,
            desk,
            purpose,
            actor,
            shown.holder_id,
            utility=shown.utility,
            kind=shown.kind,
            data=_readable(registered(purpose, shown.kind)),
            verdict=receipt.verdict,
            looked_at=receipt.checked_at,
        )


def _readable(names: Collection[str]) -> list[str]:
    """Return what the desk may have read: what its purpose has. Offline nobody gets a portrait."""
    return [name for name in names if name != PORTRAIT]
