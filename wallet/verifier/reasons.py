"""The closed list of reason codes, in the order of the steps, and the verdict each stands for.

Source: docs/wire.md, section 3.
"""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a verifier may say of a code. There is no fourth answer."""

    VALID = "valid"
    CANNOT_TELL = "cannot_tell"
    INVALID = "invalid"


OK = "ok"
POLICY_REFUSED = "policy_refused"

_STEPS: tuple[tuple[int, Verdict, tuple[str, ...]], ...] = (
    (1, Verdict.INVALID, ("not_a_code",)),
    (2, Verdict.INVALID, ("malformed", "wrong_type")),
    (3, Verdict.CANNOT_TELL, ("trust_stale", "unknown_issuer")),
    (3, Verdict.INVALID, ("key_not_allowed",)),
    (4, Verdict.INVALID, ("bad_signature",)),
    (5, Verdict.INVALID, ("not_yet_valid", "expired")),
    (6, Verdict.CANNOT_TELL, ("status_unknown", "status_stale")),
    (6, Verdict.INVALID, ("revoked", "superseded", "suspended", "account_locked")),
    (7, Verdict.INVALID, ("device_mismatch", "live_too_old", "live_from_future", "wrong_gate", "live_replayed")),
    (8, Verdict.VALID, (POLICY_REFUSED,)),
)

REASONS: tuple[str, ...] = tuple(code for _, _, codes in _STEPS for code in codes)
"""Every code but `ok`, in the order in which they are listed."""

STEP_OF: dict[str, int] = {code: step for step, _, codes in _STEPS for code in codes}
VERDICT_OF: dict[str, Verdict] = {OK: Verdict.VALID} | {code: verdict for _, verdict, codes in _STEPS for code in codes}
ONLINE_ONLY = frozenset({"superseded", "account_locked"})
"""Causes that only the service can name: `superseded` beside `revoked`, `account_locked` beside `suspended`."""

_PLACE = {code: place for place, code in enumerate(REASONS)}
_GRAVITY = {verdict: gravity for gravity, verdict in enumerate(Verdict)}


def in_order(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the codes in the order of the steps, each once; `("ok",)` when there is none."""
    return tuple(sorted({code for code in codes if code != OK}, key=_PLACE.__getitem__)) or (OK,)


def gravest(codes: Iterable[str]) -> Verdict:
    """Return the verdict that these reasons amount to: the gravest among theirs, valid when there is none."""
    return max((VERDICT_OF[code] for code in codes), key=_GRAVITY.__getitem__, default=Verdict.VALID)
