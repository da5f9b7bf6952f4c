"""Sessions: begun by a device that proved itself, kept by rotating refresh tokens, ended at once.

An access token says nothing that is not looked up again: with every request one read by key asks whether the
session, its account and its device still stand (S-23). What the token claims can only be less than that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import NotAuthenticated
from wallet.identity.attempts import Attempts
from wallet.identity.compact_jws import thumbprint
from wallet.identity.models import Account, AccountState, Device, DeviceState, RefreshToken, SignedInSession
from wallet.identity.proof_of_possession import Proof, use
from wallet.identity.repository import IdentityRepository, SessionFacts
from wallet.identity.tokens import to_seconds
from wallet.terms import AccountLevel, Actor, AuthLevel, StaffRole

RETRY = timedelta(seconds=30)
DPOP = "dpop"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that stands, with what it allows. jkt: thumbprint of its device's key."""

    id: str
    account_id: str
    holder_id: str
    device_id: str
    account_level: AccountLevel
    auth_level: AuthLevel
    roles: frozenset[StaffRole]
    token_binding: str | None
    jkt: str
    created_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    cooling_off_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a pair of tokens is made of. refresh_number: the place of the refresh token in its line."""

    session: LiveSession
    access_jti: str
    issued_at: datetime
    access_expires_at: datetime
    refresh_number: int
    refresh_issued_at: datetime

    @property
    def bound(self) -> bool:
        """Whether the access token needs a proof with every request."""
        return self.session.token_binding == DPOP

    def access_claims(self) -> dict[str, Any]:
        """Return the claims of the access token (RFC 9068, section 2.2; `cnf`: RFC 9449, section 6.1)."""
        session = self.session
        claims: dict[str, Any] = {
            "jti": self.access_jti,
            "iat": to_seconds(self.issued_at),
            "exp": to_seconds(self.access_expires_at),
            "sid": session.id,
            "dev": session.device_id,
            "account_level": int(session.account_level),
            "auth_level": int(session.auth_level),
            "auth_time": to_seconds(session.authenticated_at),
            "roles": sorted(session.roles),
        }
        if self.bound:
            claims["cnf"] = {"jkt": session.jkt}
        return claims

    def refresh_claims(self) -> dict[str, Any]:
        """Return the claims of the refresh token: the same each time it is asked for."""
        return {
            "jti": f"{self.session.id}.{self.refresh_number}",
            "iat": to_seconds(self.refresh_issued_at),
            "exp": to_seconds(self.session.expires_at),
            "sid": self.session.id,
            "dev": self.session.device_id,
        }


def refresh_number(claims: Mapping[str, Any]) -> int:
    """Return the place in its line of a refresh token that was decoded. Raises NotAuthenticated."""
    session_id, _, number = str(claims["jti"]).rpartition(".")
    if session_id != claims["sid"] or not number.isdecimal() or len(number) > 9:
        raise NotAuthenticated("invalid_token")
    return int(number)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of one transaction."""

    repository: IdentityRepository
    attempts: Attempts
    audit: Audit
    clock: Clock
    entropy: Entropy
    access_life: timedelta
    session_life: timedelta

    def start(
        self, account: Account, device: Device, level: AuthLevel, binding: str | None, request_id: str
    ) -> SignedIn:
        """Begin a session with its first refresh token."""
        now = self.clock.now()
        row = SignedInSession(
            id=new_id(self.entropy, "ses"),
            account_id=account.id,
            device_id=device.id,
            auth_level=int(level),
            token_binding=binding,
            created_at=now,
            authenticated_at=now,
            expires_at=now + self.session_life,
        )
        self.repository.add(row)
        self.repository.add(RefreshToken(session_id=row.id, number=1, issued_at=now, expires_at=row.expires_at))
        live = self.check(row.id)
        self.audit.record(
            "session.started", _actor(live, request_id), account.id, session=row.id, auth_level=int(level)
        )
        return self._signed_in(live, 1, now)

    def check(self, session_id: str) -> LiveSession:
        """Return a session that stands, its account active and its device bound. One read by key.

        Raises NotAuthenticated("session_ended"), Unavailable("dependency_unavailable").
        """
        facts = self.repository.session_facts(session_id)
        if (
            facts is None
            or facts.ended_at is not None
            or self.clock.now() >= facts.expires_at
            or facts.account_state != AccountState.ACTIVE
            or facts.device_state != DeviceState.BOUND
        ):
            raise NotAuthenticated("session_ended")
        return _live(facts)

    def raise_level(self, session_id: str, level: AuthLevel, request_id: str) -> SignedIn:
        """Record that the session was authenticated better, and return tokens that say so.

        The refresh token stays the one that is live: a client that never sees this answer goes on with its own.
        """
        self.check(session_id)
        row, token = self.repository.signed_in(session_id, lock=True), self.repository.unused_refresh_token(session_id)
        if row is None or token is None:
            raise NotAuthenticated("session_ended")
        row.auth_level, row.authenticated_at = max(row.auth_level, int(level)), self.clock.now()
        self.repository.flush()
        live = self.check(session_id)
        self.audit.record(
            "session.raised", _actor(live, request_id), live.account_id, session=session_id, auth_level=int(level)
        )
        return self._signed_in(live, token.number, token.issued_at)

    def rotate(self, session_id: str, number: int, proof: Proof, request_id: str) -> SignedIn | None:
        """Use a refresh token and return its successor; None when it was used before.

        Then the session is ended, and the caller has to commit that before it refuses (S-20). A retry by the
        device's own key within RETRY is no reuse: it gets the same successor. Raises NotAuthenticated.
        """
        self.repository.signed_in(session_id, lock=True)
        live = self.check(session_id)
        use(proof, self.repository)
        now, own_key = self.clock.now(), proof.jkt == live.jkt
        if own_key and self.repository.use_refresh_token(session_id, number, now):
            successor = RefreshToken(
                session_id=session_id, number=number + 1, issued_at=now, expires_at=live.expires_at
            )
            self.repository.add(successor)
            return self._signed_in(live, successor.number, now)
        token = self.repository.refresh_token(session_id, number)
        if token is None:
            raise NotAuthenticated("invalid_token")
        if token.used_at is None:
            raise NotAuthenticated("invalid_dpop_proof")
        if own_key and now - token.used_at <= RETRY:
            return self._signed_in(live, number + 1, token.used_at)
        actor = _actor(live, request_id)
        self.repository.end_session(session_id, now, "token_reuse")
        self.audit.record("session.token_reuse", actor, live.account_id, session=session_id, device=live.device_id)
        return None

    def end(self, session_id: str, reason: str, actor: Actor) -> None:
        """End a session now, with every token of it. Ending it twice changes nothing."""
        if self.repository.end_session(session_id, self.clock.now(), reason):
            self.audit.record("session.ended", actor, actor.account_id, session=session_id, reason=reason)

    def end_all(self, account_id: str, reason: str, actor: Actor) -> int:
        """End every session of an account now; return how many."""
        count = self.repository.end_sessions(self.clock.now(), reason, account_id=account_id)
        self.audit.record("session.all_ended", actor, account_id, reason=reason, count=count)
        return count

    def use_proof(self, proof: Proof) -> None:
        """Use up a proof that came with an access token. Raises NotAuthenticated the second time."""
        use(proof, self.repository)

    def _signed_in(self, live: LiveSession, number: int, issued_at: datetime) -> SignedIn:
        now = self.clock.now()
        return SignedIn(
            session=live,
            access_jti=self.entropy.bytes(16).hex(),
            issued_at=now,
            access_expires_at=min(now + self.access_life, live.expires_at),
            refresh_number=number,
            refresh_issued_at=issued_at,
        )


def _live(facts: SessionFacts) -> LiveSession:
    return LiveSession(
        id=facts.id,
        account_id=facts.account_id,
        holder_id=facts.holder_id,
        device_id=facts.device_id,
        account_level=AccountLevel(facts.account_level),
        auth_level=AuthLevel(facts.auth_level),
        roles=frozenset(map(StaffRole, facts.roles)),
        token_binding=facts.token_binding,
        jkt=thumbprint(facts.public_key["x"], facts.public_key["y"]),
        created_at=facts.created_at,
        authenticated_at=facts.authenticated_at,
        expires_at=facts.expires_at,
        cooling_off_until=facts.cooling_off_until,
    )


def _actor(live: LiveSession, request_id: str) -> Actor:
    return Actor(
        account_id=live.account_id,
        holder_id=live.holder_id,
        session_id=live.id,
        device_id=live.device_id,
        account_level=live.account_level,
        auth_level=live.auth_level,
        roles=live.roles,
        request_id=request_id,
    )
