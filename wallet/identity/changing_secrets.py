"""Changing what a holder knows, for the old one: transactions and hashes in the order that `signing_in` explains."""

import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from wallet.errors import InvalidInput, NotAuthenticated, Unavailable
from wallet.identity.accounts import Accounts
from wallet.identity.attempts import Attempt
from wallet.identity.contacts import Contacts
from wallet.identity.passwords import Hasher, Knowledge, check_passcode, check_password
from wallet.identity.sessions import Sessions
from wallet.terms import Actor


class SecretsWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def contacts(self) -> Contacts: ...

    @property
    def sessions(self) -> Sessions: ...


Transaction = Callable[[], AbstractContextManager[SecretsWork]]


@dataclass(frozen=True, slots=True)
class ChangingSecrets:
    """Built once per process. write: one transaction; read: committed data, nothing written."""

    write: Transaction
    read: Transaction
    hasher: Hasher

    def change_password(self, actor: Actor, current: str, new: str) -> None:
        """Set a new password, end the holder's other sessions and tell the holder.

        A wrong current one counts as a wrong try on the session's device. Raises InvalidInput("weak_password" or
        "secret_unchanged"), NotAuthenticated("invalid_credentials", or "session_ended" where it was ended meanwhile),
        NotAllowed("device_needed"), TooManyAttempts, Unavailable("busy").
        """
        check_password(new, "/new_password")
        self._change(actor, Knowledge.PASSWORD, current, new)

    def change_passcode(self, actor: Actor, current: str, new: str) -> None:
        """Set a new passcode and tell the holder. Raises InvalidInput("weak_passcode") and what the other raises."""
        with self.read() as work:
            profile = work.accounts.profile(actor.account_id)
        check_passcode(new, number=profile.number, birth_date=profile.birth_date, pointer="/new_passcode")
        self._change(actor, Knowledge.PASSCODE, current, new)

    def _change(self, actor: Actor, kind: Knowledge, current: str, new: str) -> None:
        if unicodedata.normalize("NFC", current) == unicodedata.normalize("NFC", new):
            raise InvalidInput({f"/new_{kind}": "secret_unchanged"}, "secret_unchanged")
        with self.write() as work:
            attempt = work.sessions.attempts.begin_in_session(actor, kind)
        new_hash = self._new_hash(attempt, current, new)
        right = stands = False
        with self.write() as work:
            if new_hash is None or work.sessions.attempts.accept(attempt, None) is None:
                work.sessions.attempts.refuse(attempt)
            else:
                right = True
                stands = work.sessions.stands(actor.session_id)  # asked once nobody else changes the account
                if stands:
                    self._store(work, actor, kind, new_hash)
        if not right:
            raise NotAuthenticated("invalid_credentials")
        if not stands:
            raise NotAuthenticated("session_ended")

    def _new_hash(self, attempt: Attempt, current: str, new: str) -> str | None:
        """Return the hash of the new secret, None when the current one is wrong. Raises Unavailable("busy")."""
        try:
            right = self.hasher.matches(attempt.kind, current, attempt.kept) and attempt.eligible
            return self.hasher.hash(attempt.kind, new) if right else None
        except Unavailable:
            with self.write() as work:
                work.sessions.attempts.give_back(attempt)
            raise

    def _store(self, work: SecretsWork, actor: Actor, kind: Knowledge, new_hash: str) -> None:
        if kind is Knowledge.PASSCODE:
            work.accounts.set_passcode_hash(actor.account_id, new_hash, actor)
            work.contacts.tell(actor.account_id, "passcode_changed")
            return
        work.accounts.set_password_hash(actor.account_id, new_hash, actor)
        work.sessions.end_all(actor.account_id, "password_changed", actor, keep=actor.session_id)
        work.contacts.tell(actor.account_id, "password_changed")
