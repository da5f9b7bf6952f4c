"""Signing in, stepping up, refreshing: the order of transactions around them.

A hash takes a thousand times as long as a row, so it is never computed inside a transaction: the first one
counts the try, the hash follows, the second one tells the outcome. A refusal that must be remembered is
committed first and raised afterwards.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from wallet.clock import Clock
from wallet.errors import NotAllowed, NotAuthenticated, Unavailable
from wallet.identity.attempts import Attempt
from wallet.identity.devices import DeviceProofs, Devices, UnverifiedProof
from wallet.identity.models import AccountState
from wallet.identity.passwords import Hasher, Knowledge
from wallet.identity.proof_of_possession import verify_proof
from wallet.identity.sessions import Sessions, SignedIn, refresh_number
from wallet.identity.tokens import TokenCodec, TokenKind
from wallet.terms import Actor, AuthLevel


class IdentityWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def devices(self) -> Devices: ...

    @property
    def sessions(self) -> Sessions: ...


Transaction = Callable[[], AbstractContextManager[IdentityWork]]


@dataclass(frozen=True, slots=True)
class SignInOrder:
    """What a sign-in asks. number and password come together; without them the device alone signs in.

    token_binding: `dpop` when the access token shall need a proof with every request.
    """

    proof: str = field(repr=False)
    number: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token_binding: str | None = None


@dataclass(frozen=True, slots=True)
class SigningIn:
    """Built once per process. write: one transaction; read: committed data, nothing written."""

    write: Transaction
    read: Transaction
    clock: Clock
    hasher: Hasher
    proofs: DeviceProofs
    tokens: TokenCodec
    leeway: timedelta

    def sign_in(self, order: SignInOrder, request_id: str = "") -> SignedIn:
        """Begin a session: auth level 2 with number and password, 1 with the device's key alone.

        Raises NotAllowed("device_not_bound") before any password is looked at (S-01), and
        NotAllowed("rebinding_required"), TooManyAttempts("too_many_attempts"),
        NotAuthenticated("invalid_device_proof" or "invalid_credentials"), Unavailable("busy").
        """
        proof = self._proven(order.proof)
        if order.number is None or order.password is None:
            return self._sign_in_with_device(proof, order.token_binding, request_id)
        with self.write() as work:
            attempt = work.sessions.attempts.begin(proof, Knowledge.PASSWORD, order.number, request_id)
        right, new_hash = self._evaluate(attempt, order.password)
        signed_in = None
        with self.write() as work:
            accepted = work.sessions.attempts.accept(attempt, new_hash) if right else None
            if accepted is None:
                work.sessions.attempts.refuse(attempt)
            else:
                signed_in = work.sessions.start(*accepted, AuthLevel.TWO, order.token_binding, request_id)
        if signed_in is None:
            raise NotAuthenticated("invalid_credentials")
        return signed_in

    def step_up(self, actor: Actor, passcode: str, proof_text: str) -> SignedIn:
        """Raise the actor's session to auth level 2: the device again, and the passcode.

        Raises what `sign_in` raises; a proof by another device than the session's is no proof.
        """
        proof = self._proven(proof_text)
        if actor.session_id is None or proof.device_id != actor.device_id:
            raise NotAuthenticated("invalid_device_proof")
        with self.write() as work:
            attempt = work.sessions.attempts.begin(proof, Knowledge.PASSCODE, None, actor.request_id)
        right, new_hash = self._evaluate(attempt, passcode)
        raised = None
        with self.write() as work:
            if right and work.sessions.attempts.accept(attempt, new_hash) is not None:
                raised = work.sessions.raise_level(actor.session_id, AuthLevel.TWO, actor.request_id)
            else:
                work.sessions.attempts.refuse(attempt)
        if raised is None:
            raise NotAuthenticated("invalid_credentials")
        return raised

    def refresh(self, token: str, proof_text: str, *, method: str, url: str, request_id: str = "") -> SignedIn:
        """Exchange a refresh token for a new pair. proof_text: the `DPoP` header of this request.

        Raises NotAuthenticated: "invalid_dpop_proof" before the token is touched, "invalid_token",
        "token_expired", "session_ended", "token_reuse".
        """
        now = self.clock.now()
        claims = self.tokens.decode(TokenKind.REFRESH, token, now, self.leeway)
        number = refresh_number(claims)
        proof = verify_proof(proof_text, method=method, url=url, now=now)
        with self.write() as work:
            rotated = work.sessions.rotate(claims["sid"], number, proof, request_id)
        if rotated is None:
            raise NotAuthenticated("token_reuse")
        return rotated

    def _proven(self, text: str) -> UnverifiedProof:
        """Return a proof whose signature is its device's own. Nothing is written, no lock is taken."""
        proof = self.proofs.parse(text, self.clock.now())
        with self.read() as work:
            device = work.devices.find(proof.device_id)
        if device is None:
            raise NotAllowed("device_not_bound")
        self.proofs.verify(proof, device.public_key)
        return proof

    def _sign_in_with_device(self, proof: UnverifiedProof, binding: str | None, request_id: str) -> SignedIn:
        with self.write() as work:
            device = work.sessions.attempts.admit(proof)
            account = work.sessions.repository.account(device.account_id, lock=True)
            if account is None or account.state != AccountState.ACTIVE:
                raise NotAuthenticated("invalid_credentials")
            return work.sessions.start(account, device, AuthLevel.ONE, binding, request_id)

    def _evaluate(self, attempt: Attempt, secret: str) -> tuple[bool, str | None]:
        """Return whether the secret is right, and its new hash where the old one was cheaper or dearer."""
        try:
            right = self.hasher.matches(attempt.kind, secret, attempt.kept) and attempt.eligible
        except Unavailable:
            # Nothing was learnt from this try, so it does not count: a rush locks nobody out.
            with self.write() as work:
                work.sessions.attempts.give_back(attempt)
            raise
        if not right or attempt.kept is None or not self.hasher.needs_rehash(attempt.kept):
            return right, None
        try:
            return True, self.hasher.hash(attempt.kind, secret)
        except Unavailable:
            return True, None
