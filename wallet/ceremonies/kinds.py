"""What ceremonies there are, as data: for whom, which proofs suffice together, and what has to be supplied at the end.

A text message alone is enough for nothing but the activation of an account that was approved for exactly this number
and phone: whoever has stolen a phone number must not get an account with it (S-11).
Source: docs/domain.md, sections 2.4 and 2.5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LIFE = timedelta(minutes=15)


class Factor(StrEnum):
    """One thing that a ceremony can prove.

    otp: a code sent by SMS to the phone on record, or to the new phone where the phone changes. old_device: approved
    from the bound device. chip: the chip of the holder's own card. desk: an officer has checked person and card.
    questions: both security questions. device: asked from the bound device itself.
    """

    OTP = "otp"
    OLD_DEVICE = "old_device"
    CHIP = "chip"
    DESK = "desk"
    QUESTIONS = "questions"
    DEVICE = "device"


class CeremonyKind(StrEnum):
    """What a ceremony leads to."""

    ACTIVATION = "activation"
    BINDING = "binding"
    PASSCODE_RESET = "passcode_reset"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a kind
    PHONE_CHANGE = "phone_change"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. states: of the account. sufficient: sets of factors, each of which is enough by itself.

    supplies: what completion brings with it. binds: the device that asks is bound at the end. names_phone: the phone on
    record has to be given with the number.
    """

    states: frozenset[str]
    sufficient: tuple[tuple[Factor, ...], ...]
    supplies: frozenset[str] = frozenset()
    binds: bool = False
    names_phone: bool = False

    def suffices(self, factors: Iterable[str]) -> tuple[Factor, ...] | None:
        """Return the first set of factors that was proven whole, None while there is none."""
        proven = frozenset(factors)
        return next((wanted for wanted in self.sufficient if proven.issuperset(wanted)), None)

    def wants(self, factor: Factor, factors: Iterable[str]) -> bool:
        """Return whether proving this can lead anywhere.

        Security questions are asked on the bound device alone: from elsewhere they would be guessed at leisure.
        """
        ready = factor is not Factor.QUESTIONS or Factor.DEVICE in factors
        return ready and any(factor in wanted for wanted in self.sufficient)

    def may_send(self, factors: Iterable[str]) -> bool:
        """Return whether a one-time code may be sent: only where nothing else is asked, or something else is proven.

        A stranger who knows a number can then neither text its owner nor use the owner's codes up.
        """
        proven = frozenset(factors)
        rests = (frozenset(wanted) - {Factor.OTP} for wanted in self.sufficient if Factor.OTP in wanted)
        return any(not rest or rest & proven for rest in rests)

    def without(self, factor: Factor) -> "Kind":
        """Return the same kind where this factor cannot be had."""
        sufficient = tuple(wanted for wanted in self.sufficient if factor not in wanted)
        return Kind(self.states, sufficient, self.supplies, self.binds, self.names_phone)


_ACTIVE = frozenset({"active"})
_FORGOTTEN = (
    (Factor.DEVICE, Factor.CHIP),
    (Factor.DEVICE, Factor.OTP, Factor.QUESTIONS),
    (Factor.DESK,),
)

KINDS: Mapping[CeremonyKind, Kind] = {
    CeremonyKind.ACTIVATION: Kind(
        states=frozenset({"approved"}),
        sufficient=((Factor.OTP,),),
        supplies=frozenset({"password", "passcode", "questions"}),
        binds=True,
        names_phone=True,
    ),
    CeremonyKind.BINDING: Kind(
        states=_ACTIVE,
        sufficient=((Factor.OLD_DEVICE,), (Factor.CHIP, Factor.OTP), (Factor.DESK,)),
        binds=True,
    ),
    CeremonyKind.PASSCODE_RESET: Kind(states=_ACTIVE, sufficient=_FORGOTTEN, supplies=frozenset({"passcode"})),
    CeremonyKind.PASSWORD_RESET: Kind(states=_ACTIVE, sufficient=_FORGOTTEN, supplies=frozenset({"password"})),
    CeremonyKind.PHONE_CHANGE: Kind(states=_ACTIVE, sufficient=((Factor.DEVICE, Factor.OTP), (Factor.DESK,))),
}
"""Every kind."""


def kinds(*, chips: bool) -> Mapping[CeremonyKind, Kind]:
    """Return the kinds of a deployment. chips: whether it can read the chips of cards."""
    return KINDS if chips else {code: kind.without(Factor.CHIP) for code, kind in KINDS.items()}
