"""The services of the messages' room in one transaction, each made when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

from wallet.crypto.keystore import Secret
from wallet.means import Means
from wallet.messages.endpoints import Endpoints
from wallet.messages.inbox import Inbox
from wallet.messages.queue import Queue
from wallet.messages.repository import MessageRepository
from wallet.messages.telling import Telling


@dataclass
class MessageServices:
    """Messages: what is told, what waits to leave, and where it goes."""

    means: Means

    @cached_property
    def rows(self) -> MessageRepository:
        return MessageRepository(self.means.session)

    @cached_property
    def telling(self) -> Telling:
        return Telling(self.rows, self.means.clock, self.means.entropy, self._secret)

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(self.rows, self.means.clock)

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.rows, self.means.audit, self.means.clock, self.means.entropy)

    @cached_property
    def endpoints(self) -> Endpoints:
        means = self.means
        return Endpoints(
            self.rows,
            self.telling,
            means.audit,
            means.clock,
            means.entropy,
            self._secret,
            means.settings.webhooks_to_localhost,
        )

    @property
    def _secret(self) -> bytes:
        return self.means.keystore.secret(Secret.MESSAGES)
