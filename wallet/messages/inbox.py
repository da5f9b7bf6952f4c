"""An account's inbox: what it was told, and what of it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.clock import Clock
from wallet.errors import NotFound
from wallet.messages.repository import MessageRepository


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice. code: of the catalogue's section `notices`; values fill its texts."""

    id: str
    code: str
    values: Mapping[str, Any]
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inbox:
    """Inboxes, in one transaction."""

    repository: MessageRepository
    clock: Clock

    def page(self, account_id: str, limit: int, place: str | None) -> tuple[list[NoticeView], str | None]:
        """Return one page, newest first, and the place of the next (None at the end)."""
        rows, following = self.repository.notices(account_id, limit, place)
        return [NoticeView(row.id, row.code, row.values, row.created_at, row.read_at) for row in rows], following

    def unread(self, account_id: str) -> int:
        """Return how many notices were not read."""
        return self.repository.unread(account_id)

    def mark(self, account_id: str, notice_id: str) -> None:
        """Mark one notice as read; the first time counts. Raises NotFound, for somebody else's too."""
        if self.repository.mark_read(account_id, self.clock.now(), notice_id):
            return
        if self.repository.notice(account_id, notice_id) is None:
            raise NotFound("not_found")

    def mark_all(self, account_id: str) -> None:
        """Mark every notice as read."""
        self.repository.mark_read(account_id, self.clock.now())
