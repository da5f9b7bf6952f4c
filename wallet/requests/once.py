"""What is asked for once: while one request asks for it no other does, whoever sends it, at the same moment too."""

from dataclasses import dataclass

from wallet.errors import AnswersRejected
from wallet.identity.holders import Holders
from wallet.requests.models import RequestRow
from wallet.requests.repository import RequestRepository
from wallet.utilities.base import ASKED_ALREADY, Case, Move, Utility
from wallet.utilities.lifecycles import DRAFT
from wallet.utilities.plugin import in_words_of


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """What requests ask for, in one transaction."""

    rows: RequestRepository
    holders: Holders

    def faults(self, utility: Utility, row: RequestRow, case: Case) -> dict[str, str]:
        """Return what is wrong with a request that could be sent now: another one asks for the same."""
        sendable = row.state == DRAFT or utility.lifecycle.move(row.state, "supplement") is not None
        digest = self._digest(utility, case) if sendable else None
        if utility.once is None or digest is None or self.rows.asked_once(digest) in (None, row.id):
            return {}
        return {utility.once.field: ASKED_ALREADY}

    def take(self, utility: Utility, row: RequestRow, case: Case) -> None:
        """Let nobody else ask for it from now on; what the request asked for before is free again.

        row: stored. Raises AnswersRejected where another request was sent first.
        """
        if utility.once is None:
            return
        digest = self._digest(utility, case)
        if not self.rows.ask_once(row.id, digest):
            with in_words_of(utility):
                raise AnswersRejected({utility.once.field: ASKED_ALREADY})

    def follow(self, utility: Utility, row: RequestRow, arrow: Move) -> None:
        """Free what a request asked for that a move has ended, unless the document that came of it keeps it."""
        if utility.once is None or arrow.target not in utility.lifecycle.final:
            return
        if not utility.once.kept or row.document_id is None or arrow.voids:
            self.rows.ask_once(row.id, None)

    def _digest(self, utility: Utility, case: Case) -> bytes | None:
        asked_for = "" if utility.once is None else utility.once.of(case)
        return self.holders.fingerprint(f"{utility.code} {asked_for}") if asked_for else None
