"""A database that was put back to an earlier day: found by what was published after that day, and brought up to it.

What is lost with the days between cannot be had back; what must not follow from it is that an index is given out twice,
or that a revoked document is valid again. The signed lists survive the database as files: what they call invalid or
suspended is so again, and nothing more is drawn from a list that is older than the newest of them. A list is signed
again after minutes only, and drawing changes none: how far each was drawn stands beside it (`high_water.py`).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import structlog

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.copy_revoking import CopyEnd, CopyRevoking
from wallet.documents.copy_standing import CopyStanding
from wallet.documents.high_water import UNREADABLE, HighWaterMarks
from wallet.documents.models import DocumentCopyRow
from wallet.documents.published_files import PublishedFiles
from wallet.documents.publishing import dated_ahead
from wallet.documents.repository import CopyRepository, DocumentRepository, PublicationRepository, StatusRepository
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
    """What was brought up to the published lists. closed: lists from which nothing is drawn any more.

    locks_lost: copies that the lists call suspended although neither document nor account is: somebody had locked.
    reinstated: ids of documents that are suspended here and not in a newer list: somebody had reinstated them, and an
    admin has to do it again.
    """

    closed: int
    revoked: int
    suspended: int
    locks_lost: int
    reinstated: list[str]


@dataclass(frozen=True, slots=True)
class Restoring:
    """Brings a database up to what was published, in one transaction."""

    rows: DocumentRepository
    copies: CopyRepository
    statuses: StatusRepository
    publications: PublicationRepository
    revoking: Revoking
    copy_revoking: CopyRevoking
    copy_standing: CopyStanding
    files: PublishedFiles
    marks: HighWaterMarks
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
        ended: list[DocumentCopyRow] = []
        held_back: list[DocumentCopyRow] = []
        reinstated = [
            document_id
            for list_id, token in found.items()
            if list_id in known and self._is_newer(list_id, token)
            for document_id in self._reinstated(list_id, token)
        ]
        for list_id, token in found.items():
            now_revoked, now_suspended = self._bring_up(list_id, token, ended, held_back)
            revoked, suspended = revoked + now_revoked, suspended + now_suspended
        # With a document its copies have ended; what is left ended by itself, and must not be handed out again.
        alone = [copy for copy in ended if not self.rows.is_revoked(copy.document_id)]
        self.copy_revoking.revoke(alone, CopyEnd.RESTORED, _SYSTEM)
        done = Restored(closed, revoked, suspended, self._settle(held_back), reinstated)
        self.audit.record("status.restored", _SYSTEM, "status-lists", **asdict(done))
        log.warning("database is older than what was published", **asdict(done))
        return done

    def pass_over(self) -> None:
        """Draw nothing that may have been drawn already, however little the database has lost.

        Whether it lost anything cannot be told here: the marks are ahead of what is drawn also when it did not. A list
        that it never knew is opened so that nothing is drawn from it, and one whose mark says nothing is closed.
        """
        known = {list_id for list_id, *_ in self.statuses.lists()}
        for list_id, mark in sorted(self.marks.all()):
            if list_id not in known:
                address = self.trust.address(list_id)
                self.rows.open_list(list_id, mark.bits_log2_size, self.clock.now(), address)
            if list_id not in known or mark == UNREADABLE:
                if self.rows.close_list(list_id):
                    log.warning("nothing more is drawn from a list", status_list=list_id, known=list_id in known)
            else:
                self.rows.pass_over(list_id, mark.used)

    def _published(self) -> Iterator[tuple[int, StatusListToken]]:
        for list_id, token in self.files.lists():
            read = self.trust.own_list(list_id, token)
            if read is not None and read.bits == BITS:
                yield list_id, read

    def _is_newer(self, list_id: int, token: StatusListToken) -> bool:
        head = self.publications.head(self.trust.list_name(list_id))
        if head is not None and dated_ahead(head.issued_at, self.clock.now()):
            return head.issued_at != token.issued_at  # its date says nothing: it is the file's copy, or another day's
        return head is None or head.issued_at < token.issued_at

    def _reinstated(self, list_id: int, token: StatusListToken) -> list[str]:
        """Return the documents that the database has suspended and this newer list has not.

        They stay suspended: why they no longer were is lost.
        """
        stored = {index: value for _, index, value, *_ in self.statuses.changes_since(list_id, 0)}
        standing = {index for index, _ in set_entries(token.entries, bits=BITS)}
        indices = [index for index, value in stored.items() if value == Status.SUSPENDED and index not in standing]
        return sorted(self.rows.at_places(list_id, indices).values())

    def _settle(self, held_back: list[DocumentCopyRow]) -> int:
        """Write what follows for copies that a list calls suspended, once it is known which documents are; return of
        how many it is not known why.

        Those were suspended with an account whose lock is lost: no unlocking would ever let them count again. They end,
        and whoever asks gets another.
        """
        now, lost = self.clock.now(), []
        for copy in held_back:
            locked = self.copy_standing.is_locked(copy)
            if self.rows.is_revoked(copy.document_id):
                continue
            if locked or self.rows.is_suspended(copy.document_id):
                self.rows.set_status(copy.status_list, copy.status_index, Status.SUSPENDED, now, locked=locked)
            else:
                lost.append(copy)
        return self.copy_revoking.revoke(lost, CopyEnd.RESTORED, _SYSTEM)

    def _bring_up(
        self,
        list_id: int,
        token: StatusListToken,
        ended: list[DocumentCopyRow],
        held_back: list[DocumentCopyRow],
    ) -> tuple[int, int]:
        """Set what the list calls invalid or suspended and the database does not; return how many of each.

        Copies that it calls invalid are added to `ended` instead, and those it calls suspended to `held_back`: what
        becomes of them depends on their documents, and on accounts.
        """
        now = self.clock.now()
        stored = {index: value for _, index, value, *_ in self.statuses.changes_since(list_id, 0)}
        revoked = suspended = 0
        missing = [
            (index, value)
            for index, value in set_entries(token.entries, bits=BITS)
            if stored.get(index, Status.VALID) not in (value, Status.INVALID)
        ]
        indices = [index for index, _ in missing]
        documents, copies = self.rows.at_places(list_id, indices), self.copies.at_places(list_id, indices)
        for index, value in missing:
            document_id, copy = documents.get(index), copies.get(index)
            if copy is not None:
                (ended if value == Status.INVALID else held_back).append(copy)
            elif document_id is None:  # made in the days that are lost
                self.rows.set_status(list_id, index, value, now)
            elif value == Status.INVALID:
                self.revoking.void(document_id, RevocationReason.RESTORED, _SYSTEM)
            elif self.rows.mark_suspended(document_id, now, SuspensionReason.AUTHORITY_ORDER):
                # For what reason is lost: the one that an admin alone may end.
                self.rows.set_status(list_id, index, value, now)
            revoked += value == Status.INVALID
            suspended += value == Status.SUSPENDED
        return revoked, suspended
