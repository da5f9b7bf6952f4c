"""Factors, and which of them make which auth level. Nothing but data, and two ways to ask it.

Source: Decree 69/2024/NĐ-CP, article 20 (docs/domain.md, section 6.3): level 1 is one factor without a biometric, 2 is
two different ones, 3 has a biometric among them, 4 has something held, something known and a biometric.
Why a passkey is level 2, and what counts as a biometric: docs/decisions/0011-auth-levels.md.
"""

from collections.abc import Iterable, Set
from enum import StrEnum

from wallet.terms import AuthLevel


class Factor(StrEnum):
    """One thing that was proven, by its name in the API.

    device: the key that a phone holds. biometric: the key that it releases after a face or fingerprint alone.
    passkey: a WebAuthn credential with user verification, so something held and something else with it.
    """

    DEVICE = "device"
    PASSWORD = "password"  # noqa: S105 - the name of a factor
    PASSCODE = "passcode"
    PASSKEY = "passkey"
    BIOMETRIC = "biometric"


LEVELS: tuple[tuple[AuthLevel, tuple[Factor, ...]], ...] = (
    (AuthLevel.ONE, (Factor.DEVICE,)),
    (AuthLevel.TWO, (Factor.DEVICE, Factor.PASSWORD)),
    (AuthLevel.TWO, (Factor.DEVICE, Factor.PASSCODE)),
    (AuthLevel.TWO, (Factor.PASSKEY,)),
    (AuthLevel.THREE, (Factor.DEVICE, Factor.BIOMETRIC)),
    (AuthLevel.FOUR, (Factor.DEVICE, Factor.BIOMETRIC, Factor.PASSCODE)),
)
"""What was proven together, and the level that it makes; from the weakest to the strongest."""

STEPS: tuple[tuple[AuthLevel, tuple[Factor, ...]], ...] = tuple(
    (level, factors)
    for level, factors in LEVELS
    if level > AuthLevel.ONE and Factor.PASSWORD not in factors  # the password begins a session
)
"""The ways to step up a session."""


def level_of(proven: Set[Factor]) -> AuthLevel:
    """Return the level that factors make, proven in one act. At least one way of LEVELS has to be among them."""
    return max(level for level, factors in LEVELS if set(factors) <= proven)


def ways(level: AuthLevel, available: Iterable[Factor]) -> list[list[str]]:
    """Return the ways to step up to a level or beyond, for somebody who has these factors; the weakest first."""
    at_hand = frozenset(available)
    return [
        [str(factor) for factor in factors]
        for reached, factors in STEPS
        if reached >= level and at_hand.issuperset(factors)
    ]
