"""The passkeys of accounts: a second way in, for browsers (Web Authentication Level 3, section 4, credential record).

A copied authenticator betrays itself by a signature count that does not go up (section 6.1.1 there): such a use is
refused and recorded.
"""

from dataclasses import dataclass
from datetime import datetime

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from wallet.identity.account_states import AccountState
from wallet.identity.contacts import Contacts
from wallet.identity.models import Account, Passkey
from wallet.identity.repository import IdentityRepository
from wallet.identity.webauthn import NewCredential, UnverifiedAssertion
from wallet.terms import Actor

MOST = 5
"""Passkeys of one holder at a time."""


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """A passkey as its holder sees it. public_key: COSE."""

    id: str
    account_id: str
    credential_id: bytes
    public_key: bytes
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passkeys:
    """The passkeys of one transaction."""

    repository: IdentityRepository
    contacts: Contacts
    audit: Audit
    clock: Clock
    entropy: Entropy

    def of_account(self, account_id: str) -> list[PasskeyView]:
        """Return the passkeys of an account, oldest first."""
        return [_as_value(row) for row in self.repository.passkeys(account_id)]

    def find(self, credential_id: bytes) -> PasskeyView | None:
        """Return the passkey with this credential id, unless it was removed."""
        row = self.repository.passkey_by_credential(credential_id)
        return None if row is None or row.removed_at is not None else _as_value(row)

    def add(self, account_id: str, new: NewCredential, name: str, actor: Actor) -> PasskeyView:
        """Give an account a passkey, and tell its holder.

        Raises InvalidInput for a challenge that was used, Conflict("too_many_passkeys"), and Conflict("passkey_taken")
        for a credential that somebody has or had.
        """
        if not self.repository.use_once(new.challenge.purpose, new.challenge.value, new.challenge.expires_at):
            raise InvalidInput({"/credential": "invalid_passkey"})
        self.repository.account(account_id, lock=True)  # two at once are counted one after the other
        if self.repository.count_passkeys(account_id) >= MOST:
            raise Conflict("too_many_passkeys", limit=MOST)
        row = Passkey(
            id=new_id(self.entropy, "pky"),
            account_id=account_id,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            transports=list(new.transports),
            name=name,
            created_at=self.clock.now(),
        )
        try:
            self.repository.add(row)
        except Conflict as error:
            raise Conflict("passkey_taken") from error
        self.audit.record("passkey.added", actor, account_id, passkey=row.id)
        self.contacts.tell(account_id, "passkey_added", passkey=row.id)
        return _as_value(row)

    def remove(self, account_id: str, passkey_id: str, actor: Actor) -> None:
        """Remove a passkey, end its sessions at once, and tell the holder. Raises NotFound("not_found")."""
        now = self.clock.now()
        if not self.repository.remove_passkey(account_id, passkey_id, now):
            raise NotFound("not_found")
        self.repository.end_sessions(now, "passkey_removed", passkey_id=passkey_id)
        self.audit.record("passkey.removed", actor, account_id, passkey=passkey_id)
        self.contacts.tell(account_id, "passkey_removed", passkey=passkey_id)

    def remove_all(self, account_id: str, reason: str, actor: Actor) -> int:
        """Remove every passkey of an account, end their sessions at once, and tell the holder once; return how many.

        For what shuts a thief out: whoever had the former phone or the former secret may have made one.
        reason: why, for the record. An account without passkeys is told nothing.
        """
        self.repository.account(account_id, lock=True)  # none is added meanwhile
        now, removed = self.clock.now(), self.repository.passkeys(account_id)
        for row in removed:
            self.repository.remove_passkey(account_id, row.id, now)
            self.repository.end_sessions(now, "passkey_removed", passkey_id=row.id)
            self.audit.record("passkey.removed", actor, account_id, passkey=row.id, reason=reason)
        if removed:
            self.contacts.tell(account_id, "passkeys_removed")
        return len(removed)

    def use(
        self, passkey: PasskeyView, assertion: UnverifiedAssertion, sign_count: int, request_id: str
    ) -> Account | None:
        """Use an assertion up that was verified, and return the active account it speaks for.

        None when it speaks for none (locked, removed meanwhile, a count that did not go up): that is recorded, so the
        caller has to commit before it refuses. Raises NotAuthenticated("invalid_credentials") for a challenge that
        was used, and for a handle of another account.
        """
        challenge = assertion.challenge
        fresh = self.repository.use_once(challenge.purpose, challenge.value, challenge.expires_at)
        if not fresh or assertion.user_handle != passkey.account_id:
            raise NotAuthenticated("invalid_credentials")
        account = self.repository.account(passkey.account_id, lock=True)
        actor = Actor(passkey.account_id, request_id=request_id)
        if account is None or account.state != AccountState.ACTIVE:
            self.audit.record("session.refused", actor, passkey.account_id, passkey=passkey.id, factor="passkey")
            return None
        if not self.repository.use_passkey(passkey.id, sign_count, self.clock.now()):
            self.audit.record("passkey.count_fell", actor, passkey.account_id, passkey=passkey.id, count=sign_count)
            return None
        return account


def _as_value(row: Passkey) -> PasskeyView:
    return PasskeyView(
        id=row.id,
        account_id=row.account_id,
        credential_id=row.credential_id,
        public_key=row.public_key,
        name=row.name,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
