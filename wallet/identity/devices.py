"""Devices: a key that never leaves a phone, and the proof that whoever calls has it.

A proof is a compact JWS: header `{"typ": "viso-device-proof+jwt", "alg": "ES256"}`, payload `{"aud": the
issuer's URL, "challenge", "device_id", "iat"}`, signed with the device's key. It says "this device, now" and
nothing else; what it is used for is in the request around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, Malformed, NotAuthenticated, NotFound
from wallet.identity.challenges import Challenge, Challenges
from wallet.identity.compact_jws import (
    UnverifiedToken,
    is_text,
    is_time,
    load_key,
    parse,
    public_jwk,
    thumbprint,
    verify,
)
from wallet.identity.models import Device, DeviceState
from wallet.identity.repository import IdentityRepository
from wallet.identity.tokens import to_seconds
from wallet.terms import Actor

PROOF_TYP = "viso-device-proof+jwt"
PROOF_HEADER = frozenset({"alg", "typ"})
CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class UnverifiedProof:
    """A proof with a challenge that is ours and still open; who signed it is not known yet."""

    device_id: str
    challenge: Challenge
    token: UnverifiedToken


@dataclass(frozen=True, slots=True)
class DeviceProofs:
    """Reads device proofs; built once per process. `audience`: the issuer's URL."""

    challenges: Challenges
    audience: str

    def parse(self, text: str, now: datetime) -> UnverifiedProof:
        """Return a proof whose key is still to be looked up. Raises NotAuthenticated("invalid_device_proof")."""
        try:
            token = parse(text, typ=PROOF_TYP, members=PROOF_HEADER)
            device_id, value, issued = (token.claims.get(name) for name in ("device_id", "challenge", "iat"))
            if token.claims.get("aud") != self.audience or not isinstance(value, str):
                raise Malformed("not a proof for this wallet")
            if not isinstance(device_id, str) or not is_text(device_id, 64):
                raise Malformed("no device")
            if not isinstance(issued, int) or not is_time(issued):
                raise Malformed("no time")
            age = to_seconds(now) - issued
            if not -CLOCK_SKEW <= timedelta(seconds=age) <= self.challenges.life + CLOCK_SKEW:
                raise Malformed("signed at another time")
            return UnverifiedProof(device_id, self.challenges.recognise(value, device_id, now), token)
        except Malformed as error:
            raise NotAuthenticated("invalid_device_proof") from error

    def verify(self, proof: UnverifiedProof, public_key: Mapping[str, str]) -> None:
        """Return if the device's own key signed. Raises NotAuthenticated("invalid_device_proof")."""
        try:
            verify(proof.token, load_key(public_key["x"], public_key["y"]))
        except Malformed as error:
            raise NotAuthenticated("invalid_device_proof") from error


@dataclass(frozen=True, slots=True)
class BoundDevice:
    """A device as others see it. `thumbprint`: of its key (RFC 7638)."""

    id: str
    account_id: str
    name: str
    bound_at: datetime
    state: DeviceState
    public_key: Mapping[str, str]
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one transaction."""

    repository: IdentityRepository
    audit: Audit
    clock: Clock

    def find(self, device_id: str) -> BoundDevice | None:
        """Return a device that speaks for an account, or did until it was suspended; None for any other."""
        device = self.repository.device(device_id)
        return None if device is None or device.state == DeviceState.UNBOUND else as_value(device)

    def of_account(self, account_id: str) -> BoundDevice | None:
        """Return the device that an account is bound to."""
        device = self.repository.bound_device(account_id)
        return None if device is None else as_value(device)

    def use_challenge(self, challenge: Challenge) -> None:
        """Use a challenge up. Raises NotAuthenticated("invalid_device_proof") when it was used before."""
        if not self.repository.use_once("device-challenge", challenge.value, challenge.expires_at):
            raise NotAuthenticated("invalid_device_proof")

    def bind(self, account_id: str, device_id: str, public_key: object, name: str, actor: Actor) -> BoundDevice:
        """Bind a device to an account; the one before loses its place and its sessions.

        Raises InvalidInput for a key that is none, Conflict("device_taken") for an id that is in use.
        """
        try:
            key = public_jwk(public_key)
        except Malformed as error:
            raise InvalidInput({"/public_key": "invalid_public_key"}) from error
        former = self.repository.bound_device(account_id)
        if former is not None:
            self.unbind(former.id, "replaced", actor)
        now = self.clock.now()
        device = Device(
            id=device_id,
            account_id=account_id,
            public_key=key,
            name=name,
            bound_at=now,
            state=DeviceState.BOUND,
            failures=0,
            passcode_failures=0,
        )
        try:
            self.repository.add(device)
        except Conflict as error:
            raise Conflict("device_taken") from error
        self.audit.record("device.bound", actor, account_id, device=device_id)
        return as_value(device)

    def unbind(self, device_id: str, reason: str, actor: Actor) -> None:
        """Take a device's place away and end its sessions, at once. Raises NotFound("device_unknown")."""
        device = self.repository.device(device_id, lock=True)
        if device is None or device.state == DeviceState.UNBOUND:
            raise NotFound("device_unknown")
        device.state = DeviceState.UNBOUND
        self.repository.flush()
        self.repository.end_sessions(self.clock.now(), "device_unbound", device_id=device_id)
        self.audit.record("device.unbound", actor, device.account_id, device=device_id, reason=reason)

    def restore(self, device_id: str, actor: Actor) -> None:
        """Give a suspended device its place back, after a stronger factor. Raises NotFound("device_unknown")."""
        device = self.repository.device(device_id, lock=True)
        if device is None or device.state != DeviceState.SUSPENDED:
            raise NotFound("device_unknown")
        device.state, device.blocked_until = DeviceState.BOUND, None
        device.failures = device.passcode_failures = 0
        self.audit.record("device.restored", actor, device.account_id, device=device_id)


def as_value(device: Device) -> BoundDevice:
    key = device.public_key
    return BoundDevice(
        id=device.id,
        account_id=device.account_id,
        name=device.name,
        bound_at=device.bound_at,
        state=DeviceState(device.state),
        public_key=key,
        thumbprint=thumbprint(key["x"], key["y"]),
    )
