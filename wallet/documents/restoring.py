"""A database that was put back to an earlier day: found by what was published after that day, and brought up to it.

What is lost with the days between cannot be had back; what must not follow from it is that an index is given out twice,
or that a revoked document is valid again. The signed lists survive the database as files: what they call invalid or
suspended is so again, and nothing more is drawn from a list that is older than the newest of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.published_files import PublishedFiles
from wallet.documents.repository import DocumentRepository, PublicationRepository, StatusRepository
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.documents.status import BITS
from wallet.documents.suspending import SuspensionReason
from wallet.documents.trust import TrustCentre
from wallet.formats.status_list import StatusListToken, set_entries
from wallet.terms import Actor, Status

_SYSTEM = Actor("system")
log = structlog.get_logger("wallet.documents")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought up to the published lists. closed: lists from which nothing is drawn any more."""

    closed: int
    revoked: int
    suspended: int


@dataclass(frozen=True, slots=True)
class Restoring:
    """Brings a database up to what was published, in one transaction."""

    rows: DocumentRepository
    statuses: StatusRepository
    publications: PublicationRepository
    revoking: Revoking
    files: PublishedFiles
    trust: TrustCentre
    audit: Audit
    clock: Clock

    def mend(self) -> Restored | None:
        """Compare with the published lists; return what was mended, None when the database is as new as they are.

        Where the next start comes before the next copies are published it is done again, which changes nothing.
        """
        found = dict(self._published())
        if not any(self._is_newer(list_id, token) for list_id, token in found.items()):
            return None
        closed = 0
        known = {list_id for list_id, *_ in self.statuses.lists()}
        for list_id, token in found.items():
            if list_id not in known:
                size = (len(token.entries) * 8 // BITS - 1).bit_length()
                self.rows.open_list(list_id, size, self.clock.now(), token.uri)
        for list_id in known | set(found):
            if list_id <= max(found):
                closed += self.rows.close_list(list_id)
        revoked = suspended = 0
        for list_id, token in found.items():
            now_revoked, now_suspended = self._bring_up(list_id, token)
            revoked, suspended = revoked + now_revoked, suspended + now_suspended
        self.audit.record(
            "status.restored", _SYSTEM, "status-lists", closed=closed, revoked=revoked, suspended=suspended
        )
        log.warning("database is older than what was published", closed=closed, revoked=revoked, suspended=suspended)
        return Restored(closed, revoked, suspended)

    def _published(self) -> Iterator[tuple[int, StatusListToken]]:
        for list_id, token in self.files.lists():
            read = self.trust.own_list(list_id, token)
            if read is not None and read.bits == BITS:
                yield list_id, read

    def _is_newer(self, list_id: int, token: StatusListToken) -> bool:
        head = self.publications.head(self.trust.list_name(list_id))
        return head is None or head.issued_at < token.issued_at

    def _bring_up(self, list_id: int, token: StatusListToken) -> tuple[int, int]:
        """Set what the list calls invalid or suspended and the database does not; return how many of each."""
        now = self.clock.now()
        stored = {index: value for _, index, value, *_ in self.statuses.changes_since(list_id, 0)}
        revoked = suspended = 0
        missing = [
            (index, value)
            for index, value in set_entries(token.entries, bits=BITS)
            if stored.get(index, Status.VALID) not in (value, Status.INVALID)
        ]
        documents = self.rows.at_places(list_id, [index for index, _ in missing])
        for index, value in missing:
            document_id = documents.get(index)
            if document_id is None:  # issued in the days that are lost, or a copy: its document has a place of its own
                self.rows.set_status(list_id, index, value, now)
            elif value == Status.INVALID:
                self.revoking.void(document_id, RevocationReason.RESTORED, _SYSTEM)
            elif self.rows.mark_suspended(document_id, now, SuspensionReason.AUTHORITY_ORDER):
                # For what reason is lost: the one that an admin alone may end.
                self.rows.set_status(list_id, index, value, now)
            revoked += value == Status.INVALID
            suspended += value == Status.SUSPENDED
        return revoked, suspended
