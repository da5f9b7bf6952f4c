"""Devices: a key that never leaves a phone, and the proof that whoever calls has it.

A proof is a compact JWS: header `{"typ": "viso-device-proof+jwt", "alg": "ES256"}`, payload `{"aud": the
issuer's URL, "challenge", "device_id", "iat"}`, signed with the device's key. It says "this device, now" and
nothing else; what it is used for is in the request around it.
"""

from collections.abc import Callable, Mapping
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
from wallet.identity.contacts import Contacts
from wallet.identity.models import Device, DeviceState
from wallet.identity.passkeys import Passkeys
from wallet.identity.repository import IdentityRepository
from wallet.identity.tokens import to_seconds
from wallet.terms import Actor

PROOF_TYP = "viso-device-proof+jwt"
BIOMETRIC_TYP = "viso-biometric-proof+jwt"
PROOF_HEADER = frozenset({"alg", "typ"})
CLOCK_SKEW = timedelta(seconds=60)
OLD_DEVICE = "old_device"
"""What `bound_by` says where the former device approved: nothing was lost, so nothing of it is mistrusted."""


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

    def parse(self, text: str, now: datetime, typ: str = PROOF_TYP) -> UnverifiedProof:
        """Return a proof whose key is still to be looked up. Raises NotAuthenticated("invalid_device_proof")."""
        try:
            token = parse(text, typ=typ, members=PROOF_HEADER)
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
    """A device as others see it. `thumbprint`: of its key (RFC 7638).

    bound_by: how the binding was proven. place: where, as far as is known. biometric_key: see `wallet.identity.models`.
    """

    id: str
    account_id: str
    name: str
    bound_at: datetime
    state: DeviceState
    public_key: Mapping[str, str]
    thumbprint: str
    biometric_key: Mapping[str, str] | None = None
    bound_by: str = ""
    place: str = ""
    unbound_at: datetime | None = None
    unbound_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one transaction.

    cooling_off: how long nothing sensitive is done after a new binding (S-12). after_unbinding(device_id, actor): what
    becomes of what a device had; this room knows no documents.
    """

    repository: IdentityRepository
    contacts: Contacts
    passkeys: Passkeys
    audit: Audit
    clock: Clock
    cooling_off: timedelta
    after_unbinding: Callable[[str, Actor], object]

    def find(self, device_id: str) -> BoundDevice | None:
        """Return a device that speaks for an account, or did until it was suspended; None for any other."""
        device = self.repository.device(device_id)
        return None if device is None or device.state == DeviceState.UNBOUND else as_value(device)

    def hold(self, device_id: str) -> None:
        """Let nobody take a device's place away until the transaction ends. Raises NotFound("device_unknown")."""
        if not self.repository.hold_device(device_id):
            raise NotFound("device_unknown")

    def is_known(self, device_id: str) -> bool:
        """Return whether a device with this id was ever bound. An id is never used for a second device."""
        return self.repository.device(device_id) is not None

    def of_account(self, account_id: str) -> BoundDevice | None:
        """Return the device that an account is bound to."""
        device = self.repository.bound_device(account_id)
        return None if device is None else as_value(device)

    def page(self, account_id: str, limit: int, place: str | None) -> tuple[list[BoundDevice], str | None]:
        """Return one page of the devices that an account was ever bound to, the newest first, and the place of the
        next."""
        rows, following = self.repository.device_page(account_id, limit, place)
        return [as_value(device) for device in rows], following

    def use_challenge(self, challenge: Challenge) -> None:
        """Use a challenge up. Raises NotAuthenticated("invalid_device_proof") when it was used before."""
        if not self.repository.use_once("device-challenge", challenge.value, challenge.expires_at):
            raise NotAuthenticated("invalid_device_proof")

    def bind(
        self,
        account_id: str,
        device_id: str,
        public_key: object,
        name: str,
        actor: Actor,
        *,
        bound_by: str,
        place: str = "",
        biometric_key: object = None,
    ) -> BoundDevice:
        """Bind a device to an account; the one before loses its place, and every session of the account ends.

        bound_by: how it was proven. place: where, as far as is known. The holder is told, on the former device's
        phone number too, and the cooling-off begins; neither for the first device that an account ever has. Unless
        the former device approved, passkeys go too: whoever had the former phone may have made one.
        Raises InvalidInput for a key that is none, and for a biometric key that is the device's own and so proves
        nothing more; Conflict("device_taken") for an id that is in use.
        """
        key = _public_key(public_key, "/public_key")
        second = None if biometric_key is None else _public_key(biometric_key, "/biometric_key")
        if second == key:
            raise InvalidInput({"/biometric_key": "invalid_public_key"})
        self.repository.account(account_id, lock=True)  # first, as everywhere: two that wait for each other never end
        former, now = self.repository.devices(account_id, lock=True), self.clock.now()
        replaced = [device for device in former if device.state != DeviceState.UNBOUND]
        for device in replaced:
            self._take_away(device, "replaced", actor)
        device = Device(
            id=device_id,
            account_id=account_id,
            public_key=key,
            biometric_key=second,
            name=name,
            bound_at=now,
            bound_by=bound_by,
            place=place,
            state=DeviceState.BOUND,
            failures=0,
            passcode_failures=0,
        )
        try:
            self.repository.add(device)
        except Conflict as error:
            raise Conflict("device_taken") from error
        self.audit.record("device.bound", actor, account_id, device=device_id, bound_by=bound_by)
        if former:
            self.repository.end_sessions(now, "device_bound", account_id=account_id)
            self.begin_cooling_off(account_id)
            self.contacts.tell(account_id, "device_replaced" if replaced else "device_bound")
        if OLD_DEVICE not in bound_by.split("+"):
            self.passkeys.remove_all(account_id, "device_bound", actor)
        return as_value(device)

    def unbind(self, device_id: str, reason: str, actor: Actor) -> None:
        """Take a device's place away, end its sessions at once and tell the holder.

        Raises NotFound("device_unknown").
        """
        device = self.repository.device_of_account(device_id)
        if device is None or device.state == DeviceState.UNBOUND:
            raise NotFound("device_unknown")
        self._take_away(device, reason, actor)
        self.contacts.tell(device.account_id, "device_unbound")

    def close_all(self, account_id: str, actor: Actor) -> None:
        """End what every device of a closed account had.

        They stay bound: to whoever tries, a closed account answers like a wrong password (S-02).
        """
        for device in self.repository.devices(account_id, lock=True):
            if device.state != DeviceState.UNBOUND:
                self.after_unbinding(device.id, actor)

    def restore(self, device_id: str, actor: Actor) -> None:
        """Give a suspended device its place back, after a stronger factor, and tell the holder.

        Raises NotFound("device_unknown").
        """
        device = self.repository.device_of_account(device_id)
        if device is None or device.state != DeviceState.SUSPENDED:
            raise NotFound("device_unknown")
        device.state = DeviceState.BOUND
        device.failures = device.passcode_failures = 0
        device.blocked_until = None
        self.repository.flush()
        self.audit.record("device.restored", actor, device.account_id, device=device_id)
        self.contacts.tell(device.account_id, "device_restored")

    def forgive(self, device_id: str, actor: Actor) -> None:
        """Start a device's counts anew after its holder was proven otherwise; one that was suspended is restored.

        Raises NotFound("device_unknown").
        """
        device = self.repository.device_of_account(device_id)
        if device is None or device.state == DeviceState.UNBOUND:
            raise NotFound("device_unknown")
        if device.state == DeviceState.SUSPENDED:
            self.restore(device_id, actor)
            return
        device.failures = device.passcode_failures = 0
        device.blocked_until = None
        self.repository.flush()

    def begin_cooling_off(self, account_id: str) -> None:
        """Let nothing sensitive be done for a while (S-12). Raises NotFound("account_unknown")."""
        account = self.repository.account(account_id, lock=True)
        if account is None:
            raise NotFound("account_unknown")
        account.cooling_off_until = self.clock.now() + self.cooling_off
        self.repository.flush()

    def _take_away(self, device: Device, reason: str, actor: Actor) -> None:
        now = self.clock.now()
        device.state, device.unbound_at, device.unbound_reason = DeviceState.UNBOUND, now, reason
        self.repository.flush()
        self.repository.end_sessions(now, "device_unbound", device_id=device.id)
        self.audit.record("device.unbound", actor, device.account_id, device=device.id, reason=reason)
        self.after_unbinding(device.id, actor)


def activation_key(device_id: str, public_key: Mapping[str, str]) -> str:
    """Return the text that stands for one device with one key: whoever registered is who activates."""
    return f"{device_id} {thumbprint(public_key['x'], public_key['y'])}"


def _public_key(value: object, pointer: str) -> dict[str, str]:
    try:
        return public_jwk(value)
    except Malformed as error:
        raise InvalidInput({pointer: "invalid_public_key"}) from error


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
        biometric_key=device.biometric_key,
        bound_by=device.bound_by,
        place=device.place,
        unbound_at=device.unbound_at,
        unbound_reason=device.unbound_reason,
    )
