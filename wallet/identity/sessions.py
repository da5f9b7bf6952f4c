"""Sessions: begun by a device or a passkey that proved itself, kept by rotating refresh tokens, ended at once.

An access token says nothing that is not looked up again: with every request one read by key asks whether the
session, its account and its device or passkey still stand (S-23). What the token claims can only be less than that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import NotAuthenticated, NotFound
from wallet.identity.account_states import AccountState
from wallet.identity.attempts import Attempts
from wallet.identity.compact_jws import thumbprint
from wallet.identity.contacts import Contacts
from wallet.identity.factors import Factor, ways
from wallet.identity.models import DeviceState, RefreshToken, SignedInSession
from wallet.identity.proof_of_possession import Proof, use
from wallet.identity.repository import IdentityRepository, SessionFacts
from wallet.identity.tokens import to_seconds
from wallet.terms import AccountLevel, Actor, AuthLevel, StaffRole

RETRY = timedelta(seconds=30)
DPOP = "dpop"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that stands, with what it allows.

    It rests on a device, or on a passkey of a browser; the other id is None. jkt: thumbprint of the key that its
    refresh proofs are made with. has_biometric_key: its device can prove a face or a fingerprint.
    """

    id: str
    account_id: str
    holder_id: str
    device_id: str | None
    passkey_id: str | None
    account_level: AccountLevel
    auth_level: AuthLevel
    roles: frozenset[StaffRole]
    token_binding: str | None
    jkt: str
    created_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    cooling_off_until: datetime | None = None
    has_biometric_key: bool = False

    @property
    def rests_on(self) -> str:
        """The id of its device or of its passkey: what the claim `dev` of its tokens says."""
        return self.device_id or self.passkey_id or ""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a session begins, beside who it is of.

    place: where, as far as is known. client_key: public JWK of a browser, which has no device key. token_binding:
    `dpop` when its access tokens shall need a proof with every request.
    """

    place: str = ""
    request_id: str = ""
    token_binding: str | None = None
    device_id: str | None = None
    passkey_id: str | None = None
    client_key: Mapping[str, str] | None = field(default=None, repr=False)
    client_name: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """An id, and what its holder calls it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its holder sees it in a list."""

    id: str
    created_at: datetime
    expires_at: datetime
    place: str
    auth_level: AuthLevel
    device: Named | None
    passkey: Named | None
    client_name: str


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
            "dev": session.rests_on,
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
            "dev": self.session.rests_on,
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
    contacts: Contacts
    audit: Audit
    clock: Clock
    entropy: Entropy
    access_life: timedelta
    session_life: timedelta

    def start(self, account_id: str, level: AuthLevel, beginning: Beginning) -> SignedIn:
        """Begin a session with its first refresh token. Of one in a browser the holder is told."""
        now = self.clock.now()
        row = SignedInSession(
            id=new_id(self.entropy, "ses"),
            account_id=account_id,
            device_id=beginning.device_id,
            passkey_id=beginning.passkey_id,
            client_name=beginning.client_name,
            place=beginning.place,
            auth_level=int(level),
            token_binding=beginning.token_binding,
            created_at=now,
            authenticated_at=now,
            expires_at=now + self.session_life,
        )
        if beginning.client_key is not None:
            row.client_key = dict(beginning.client_key)
        self.repository.add(row)
        self.repository.add(RefreshToken(session_id=row.id, number=1, issued_at=now, expires_at=row.expires_at))
        live = self.check(row.id)
        self.audit.record(
            "session.started", _actor(live, beginning.request_id), account_id, session=row.id, auth_level=int(level)
        )
        if beginning.passkey_id is not None:
            self.contacts.tell(account_id, "signed_in_elsewhere", session=row.id)
        return self._signed_in(live, 1, now)

    def check(self, session_id: str) -> LiveSession:
        """Return a session that stands, its account active, its device bound or its passkey there. One read by key.

        Raises NotAuthenticated("session_ended"), Unavailable("dependency_unavailable").
        """
        facts = self.repository.session_facts(session_id)
        if (
            facts is None
            or facts.ended_at is not None
            or self.clock.now() >= facts.expires_at
            or facts.account_state != AccountState.ACTIVE
            or not _rests_firmly(facts)
        ):
            raise NotAuthenticated("session_ended")
        return _live(facts)

    def stands(self, session_id: str | None) -> bool:
        """Return whether `check` would let a session through."""
        try:
            self.check(session_id or "")
        except NotAuthenticated:
            return False
        return True

    def end_for_staff(self, account_id: str, actor: Actor) -> None:
        """End every session of an account at once, as staff decides, and tell its holder (S-23).

        Raises NotFound("account_unknown").
        """
        if self.repository.account(account_id, lock=True) is None:
            raise NotFound("account_unknown")
        self.end_all(account_id, "staff_ended", actor)
        self.contacts.tell(account_id, "sessions_ended")

    def raise_level(self, session_id: str, level: AuthLevel, request_id: str) -> SignedIn:
        """Record that the session was authenticated again, and return tokens that say so.

        What was proven now makes the level, never a mixture with what was proven before: with less than the session
        has, only the access token of this answer says so, and the session stays what it is. The refresh token stays
        the one that is live: a client that never sees this answer goes on with its own.
        """
        former, now = self.check(session_id), self.clock.now()
        row, token = self.repository.signed_in(session_id, lock=True), self.repository.unused_refresh_token(session_id)
        if row is None or token is None:
            raise NotAuthenticated("session_ended")
        live = replace(former, auth_level=level, authenticated_at=now)
        if level >= row.auth_level:
            row.auth_level, row.authenticated_at = int(level), now
            self.repository.flush()
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
        self.audit.record("session.token_reuse", actor, live.account_id, session=session_id, rests_on=live.rests_on)
        self.contacts.tell(live.account_id, "token_reuse", session=session_id)
        return None

    def end(self, session_id: str, reason: str, actor: Actor) -> None:
        """End a session now, with every token of it. Ending it twice changes nothing."""
        if self.repository.end_session(session_id, self.clock.now(), reason):
            self.audit.record("session.ended", actor, actor.account_id, session=session_id, reason=reason)

    def end_own(self, session_id: str, actor: Actor) -> None:
        """End one of the actor's sessions. Raises NotFound("not_found") for another's, and for one that is over."""
        row = self.repository.signed_in(session_id)
        if row is None or row.account_id != actor.account_id or row.ended_at is not None:
            raise NotFound("not_found")
        self.end(session_id, "signed_out", actor)

    def end_all(self, account_id: str, reason: str, actor: Actor, *, keep: str | None = None) -> int:
        """End every session of an account now, except the one to `keep`; return how many."""
        count = self.repository.end_sessions(self.clock.now(), reason, account_id=account_id, keep=keep)
        self.audit.record("session.all_ended", actor, account_id, reason=reason, count=count)
        return count

    def page(self, account_id: str, limit: int, place: str | None) -> tuple[list[OpenSession], str | None]:
        """Return one page of the sessions of an account that are not over, newest first, and the place of the next."""
        rows, following = self.repository.session_page(account_id, self.clock.now(), limit, place)
        return [self._as_value(row) for row in rows], following

    def ways(self, live: LiveSession, level: AuthLevel) -> list[list[str]]:
        """Return the ways in which this session can reach a level; none where it never can."""
        available: set[Factor] = set()
        if live.device_id is not None:
            available |= {Factor.DEVICE, Factor.PASSCODE}
        if live.has_biometric_key:
            available.add(Factor.BIOMETRIC)
        if self.repository.count_passkeys(live.account_id):
            available.add(Factor.PASSKEY)
        return ways(level, available)

    def use_proof(self, proof: Proof) -> None:
        """Use up a proof that came with an access token. Raises NotAuthenticated the second time."""
        use(proof, self.repository)

    def _as_value(self, row: SignedInSession) -> OpenSession:
        device = self.repository.device(row.device_id) if row.device_id else None
        passkey = self.repository.passkey(row.passkey_id) if row.passkey_id else None
        return OpenSession(
            id=row.id,
            created_at=row.created_at,
            expires_at=row.expires_at,
            place=row.place,
            auth_level=AuthLevel(row.auth_level),
            device=Named(device.id, device.name) if device else None,
            passkey=Named(passkey.id, passkey.name) if passkey else None,
            client_name=row.client_name,
        )

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


def _rests_firmly(facts: SessionFacts) -> bool:
    if facts.device_id is not None:
        return facts.device_state == DeviceState.BOUND
    return facts.passkey_id is not None and facts.passkey_removed_at is None


def _live(facts: SessionFacts) -> LiveSession:
    key = facts.public_key or {}
    return LiveSession(
        id=facts.id,
        account_id=facts.account_id,
        holder_id=facts.holder_id,
        device_id=facts.device_id,
        passkey_id=facts.passkey_id,
        account_level=AccountLevel(facts.account_level),
        auth_level=AuthLevel(facts.auth_level),
        roles=frozenset(map(StaffRole, facts.roles)),
        token_binding=facts.token_binding,
        jkt=thumbprint(key["x"], key["y"]),
        created_at=facts.created_at,
        authenticated_at=facts.authenticated_at,
        expires_at=facts.expires_at,
        cooling_off_until=facts.cooling_off_until,
        has_biometric_key=facts.has_biometric_key,
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
