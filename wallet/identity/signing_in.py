"""Signing in, stepping up, refreshing, unlocking: the order of transactions around them.

A hash takes a thousand times as long as a row, so it is never computed inside a transaction: the first one
counts the try, the hash follows, the second one tells the outcome. A refusal that must be remembered is
committed first and raised afterwards.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from wallet.clock import Clock
from wallet.errors import InvalidInput, Malformed, NotAllowed, NotAuthenticated, Unavailable
from wallet.identity.account_states import LockGround
from wallet.identity.accounts import Accounts
from wallet.identity.attempts import Attempt
from wallet.identity.compact_jws import public_jwk
from wallet.identity.devices import BIOMETRIC_TYP, BoundDevice, DeviceProofs, Devices, UnverifiedProof
from wallet.identity.factors import Factor, level_of
from wallet.identity.passkeys import Passkeys, PasskeyView
from wallet.identity.passwords import Hasher, Knowledge
from wallet.identity.proof_of_possession import verify_proof
from wallet.identity.sessions import Beginning, Sessions, SignedIn, refresh_number
from wallet.identity.strangers import Strangers
from wallet.identity.tokens import TokenCodec, TokenKind
from wallet.identity.webauthn import UnverifiedAssertion, Webauthn
from wallet.terms import Actor


class IdentityWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def passkeys(self) -> Passkeys: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def strangers(self) -> Strangers: ...


Transaction = Callable[[], AbstractContextManager[IdentityWork]]


@dataclass(frozen=True, slots=True)
class SignInOrder:
    """What a sign-in asks. number and password come together; without them the device alone signs in.

    token_binding: `dpop` when the access token shall need a proof with every request. block: of addresses, where the
    request came from.
    """

    proof: str = field(repr=False)
    number: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token_binding: str | None = None
    block: str = ""


@dataclass(frozen=True, slots=True)
class PasskeyOrder:
    """What a sign-in by passkey asks. client_key: public JWK of a key that the browser holds, to refresh with."""

    assertion: Mapping[str, Any] = field(repr=False)
    client_key: object = field(repr=False)
    client_name: str = ""
    token_binding: str | None = None
    block: str = ""


@dataclass(frozen=True, slots=True)
class StepUpOrder:
    """What is proven to step up: a passkey, or the device again with a passcode, a biometric proof, or both."""

    proof: str | None = field(default=None, repr=False)
    passcode: str | None = field(default=None, repr=False)
    biometric_proof: str | None = field(default=None, repr=False)
    passkey: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SigningIn:
    """Built once per process. write: one transaction; read: committed data, nothing written."""

    write: Transaction
    read: Transaction
    clock: Clock
    hasher: Hasher
    proofs: DeviceProofs
    webauthn: Webauthn
    tokens: TokenCodec
    leeway: timedelta

    def sign_in(self, order: SignInOrder, request_id: str = "") -> SignedIn:
        """Begin a session: auth level 2 with number and password, 1 with the device's key alone.

        Raises NotAllowed("device_not_bound") before any password is looked at (S-01), and
        NotAllowed("rebinding_required"), TooManyAttempts("too_many_attempts"),
        NotAuthenticated("invalid_device_proof" or "invalid_credentials"), Unavailable("busy").
        """
        proof, _ = self._proven(order.proof, order.block, request_id)
        beginning = Beginning(order.block, request_id, order.token_binding, device_id=proof.device_id)
        if order.number is None or order.password is None:
            return self._sign_in_with_device(proof, beginning)
        with self.write() as work:
            attempt = work.sessions.attempts.begin(
                proof, Knowledge.PASSWORD, request_id, number=order.number, block=order.block
            )
        if attempt.slowed is not None:
            raise attempt.slowed
        right, new_hash = self._evaluate(attempt, order.password)
        signed_in = None
        with self.write() as work:
            accepted = work.sessions.attempts.accept(attempt, new_hash) if right else None
            if accepted is None:
                work.sessions.attempts.refuse(attempt)
            else:
                level = level_of({Factor.DEVICE, Factor.PASSWORD})
                signed_in = work.sessions.start(accepted[0].id, level, beginning)
        if signed_in is None:
            raise NotAuthenticated("invalid_credentials")
        return signed_in

    def sign_in_with_passkey(self, order: PasskeyOrder, request_id: str = "") -> SignedIn:
        """Begin a session of a browser, which has no device.

        Raises InvalidInput for a client key that is none, and for everything else the one answer
        NotAuthenticated("invalid_credentials").
        """
        try:
            client_key = public_jwk(order.client_key)
        except Malformed as error:
            raise InvalidInput({"/client_key": "invalid_public_key"}) from error
        assertion, passkey, sign_count = self._asserted(order.assertion)
        signed_in = None
        with self.write() as work:
            account = work.passkeys.use(passkey, assertion, sign_count, request_id)
            if account is not None:
                beginning = Beginning(
                    order.block,
                    request_id,
                    order.token_binding,
                    passkey_id=passkey.id,
                    client_key=client_key,
                    client_name=order.client_name,
                )
                signed_in = work.sessions.start(account.id, level_of({Factor.PASSKEY}), beginning)
        if signed_in is None:
            raise NotAuthenticated("invalid_credentials")
        return signed_in

    def step_up(self, actor: Actor, order: StepUpOrder) -> SignedIn:
        """Authenticate the actor's session again; the level follows from what is proven now.

        Raises what `sign_in` raises; a proof by another device than the session's is no proof, and neither is a
        passkey of another account. A biometric proof that is none counts as a wrong try.
        """
        if actor.session_id is None:
            raise NotAuthenticated("invalid_token")
        if order.passkey is not None:
            return self._step_up_with_passkey(actor, actor.session_id, order.passkey)
        proof, device = self._proven(order.proof or "")
        if proof.device_id != actor.device_id:
            raise NotAuthenticated("invalid_device_proof")
        factors = {Factor.DEVICE}
        if order.biometric_proof is not None:
            self._check_biometric(order.biometric_proof, proof, device, actor.request_id)
            factors.add(Factor.BIOMETRIC)
        if order.passcode is None:
            with self.write() as work:
                work.sessions.attempts.admit(proof)
                return work.sessions.raise_level(actor.session_id, level_of(factors), actor.request_id)
        with self.write() as work:
            attempt = work.sessions.attempts.begin(proof, Knowledge.PASSCODE, actor.request_id)
        right, new_hash = self._evaluate(attempt, order.passcode)
        raised = None
        with self.write() as work:
            if right and work.sessions.attempts.accept(attempt, new_hash) is not None:
                level = level_of(factors | {Factor.PASSCODE})
                raised = work.sessions.raise_level(actor.session_id, level, actor.request_id)
            else:
                work.sessions.attempts.refuse(attempt)
        if raised is None:
            raise NotAuthenticated("invalid_credentials")
        return raised

    def unlock(self, proof_text: str, passcode: str, *, block: str = "", request_id: str = "") -> None:
        """Lift the lock that a holder asked for, by their own device and passcode, without a session.

        Every other reason to refuse (a wrong passcode, a lock on another ground, no lock at all) looks the same and
        counts the same. Raises what `sign_in` raises.
        """
        proof, _ = self._proven(proof_text, block, request_id)
        with self.write() as work:
            attempt = work.sessions.attempts.begin(proof, Knowledge.PASSCODE, request_id, unlocks=True)
        right, new_hash = self._evaluate(attempt, passcode)
        unlocked = False
        with self.write() as work:
            if right and work.sessions.attempts.accept(attempt, new_hash) is not None:
                work.accounts.unlock(attempt.account_id, LockGround.HOLDER_REQUEST, attempt.actor)
                unlocked = True
            else:
                work.sessions.attempts.refuse(attempt)
        if not unlocked:
            raise NotAuthenticated("invalid_credentials")

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

    def _proven(self, text: str, block: str = "", request_id: str = "") -> tuple[UnverifiedProof, BoundDevice]:
        """Return a proof whose signature is its device's own, and the device. Of a bound device nothing is written.

        A device without a bound key is counted as a stranger from its block of addresses, then refused.
        """
        proof = self.proofs.parse(text, self.clock.now())
        with self.read() as work:
            device = work.devices.find(proof.device_id)
            if device is None:
                work.strangers.check(block)
        if device is None:
            with self.write() as work:
                work.strangers.count(block, request_id)
            raise NotAllowed("device_not_bound")
        self.proofs.verify(proof, device.public_key)
        return proof, device

    def _sign_in_with_device(self, proof: UnverifiedProof, beginning: Beginning) -> SignedIn:
        signed_in = None
        with self.write() as work:
            account = work.sessions.attempts.owner(proof)
            if account is not None:
                signed_in = work.sessions.start(account.id, level_of({Factor.DEVICE}), beginning)
        if signed_in is None:  # raised after the commit: the challenge stays used, whatever came of it (S-14)
            raise NotAuthenticated("invalid_credentials")
        return signed_in

    def _step_up_with_passkey(self, actor: Actor, session_id: str, content: Mapping[str, Any]) -> SignedIn:
        assertion, passkey, sign_count = self._asserted(content)
        if passkey.account_id != actor.account_id:
            raise NotAuthenticated("invalid_credentials")
        raised = None
        with self.write() as work:
            if work.passkeys.use(passkey, assertion, sign_count, actor.request_id) is not None:
                raised = work.sessions.raise_level(session_id, level_of({Factor.PASSKEY}), actor.request_id)
        if raised is None:
            raise NotAuthenticated("invalid_credentials")
        return raised

    def _asserted(self, content: Mapping[str, Any]) -> tuple[UnverifiedAssertion, PasskeyView, int]:
        """Return an assertion whose signature is its passkey's own. Nothing is written."""
        assertion = self.webauthn.parse(content, self.clock.now())
        with self.read() as work:
            passkey = work.passkeys.find(assertion.credential_id)
        if passkey is None:
            raise NotAuthenticated("invalid_credentials")
        return assertion, passkey, self.webauthn.verify(assertion, passkey.public_key)

    def _check_biometric(self, text: str, proof: UnverifiedProof, device: BoundDevice, request_id: str) -> None:
        """Return if the device's biometric key signed the challenge that its device key did.

        Raises NotAuthenticated("invalid_device_proof") after counting the try.
        """
        try:
            second = self.proofs.parse(text, self.clock.now(), BIOMETRIC_TYP)
            if (second.device_id, second.challenge) != (proof.device_id, proof.challenge) or not device.biometric_key:
                raise NotAuthenticated("invalid_device_proof")
            self.proofs.verify(second, device.biometric_key)
        except NotAuthenticated:
            with self.write() as work:
                work.sessions.attempts.refuse_proof(proof, request_id)
            raise

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
