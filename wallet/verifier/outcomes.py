"""What a gate tells its agent: a judgement as one outcome of few, each with its sign, its words and the next step.

The reasons stay the answer for programs; an outcome is how people at a gate read the gravest of them.
"""

from dataclasses import dataclass
from enum import StrEnum

from wallet.verifier.judgement import Judgement
from wallet.verifier.reasons import OK, POLICY_REFUSED, VERDICT_OF


class Outcome(StrEnum):
    """What an agent is told. Texts: `outcome.<code>` and `next.<code>`."""

    VALID = "valid"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    BAD_SIGNATURE = "bad_signature"
    TOO_OLD = "too_old"
    ALREADY_SCANNED = "already_scanned"
    NOT_ACCEPTED = "not_accepted"
    UNKNOWN_ISSUER = "unknown_issuer"
    CANNOT_TELL = "cannot_tell"
    NOT_OUR_CODE = "not_our_code"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Look:
    """How an outcome looks, so that colour is never the only sign. colour: a name, for a terminal."""

    sign: str
    colour: str


GREEN, BLUE, RED, AMBER, GREY = "green", "blue", "red", "amber", "grey"

LOOKS: dict[Outcome, Look] = {
    Outcome.VALID: Look("✓", GREEN),
    Outcome.NOT_YET_VALID: Look("◷", BLUE),
    Outcome.EXPIRED: Look("✕", RED),
    Outcome.REVOKED: Look("✕", RED),
    Outcome.SUSPENDED: Look("✕", RED),
    Outcome.BAD_SIGNATURE: Look("✕", RED),
    Outcome.TOO_OLD: Look("?", AMBER),
    Outcome.ALREADY_SCANNED: Look("?", AMBER),
    Outcome.NOT_ACCEPTED: Look("?", AMBER),
    Outcome.UNKNOWN_ISSUER: Look("?", AMBER),
    Outcome.CANNOT_TELL: Look("?", AMBER),
    Outcome.NOT_OUR_CODE: Look("-", GREY),
    Outcome.DAMAGED: Look("-", GREY),
}

_OF_REASON: dict[str, Outcome] = {
    "not_a_code": Outcome.NOT_OUR_CODE,
    "malformed": Outcome.DAMAGED,
    "wrong_type": Outcome.BAD_SIGNATURE,
    "key_not_allowed": Outcome.BAD_SIGNATURE,
    "bad_signature": Outcome.BAD_SIGNATURE,
    "device_mismatch": Outcome.BAD_SIGNATURE,
    "revoked": Outcome.REVOKED,
    "superseded": Outcome.REVOKED,
    "suspended": Outcome.SUSPENDED,
    "account_locked": Outcome.SUSPENDED,
    "expired": Outcome.EXPIRED,
    "not_yet_valid": Outcome.NOT_YET_VALID,
    "live_replayed": Outcome.ALREADY_SCANNED,
    "live_too_old": Outcome.TOO_OLD,
    "live_from_future": Outcome.CANNOT_TELL,
    "wrong_gate": Outcome.NOT_ACCEPTED,
    "unknown_issuer": Outcome.UNKNOWN_ISSUER,
    "trust_stale": Outcome.CANNOT_TELL,
    "status_unknown": Outcome.CANNOT_TELL,
    "status_stale": Outcome.CANNOT_TELL,
    POLICY_REFUSED: Outcome.NOT_ACCEPTED,
    OK: Outcome.VALID,
}
"""In the order in which one reason outweighs another of the same verdict: what is final before what passes."""

REASONS_OF: dict[Outcome, tuple[str, ...]] = {
    outcome: tuple(reason for reason, found in _OF_REASON.items() if found is outcome) for outcome in Outcome
}

_PLACE = {reason: place for place, reason in enumerate(_OF_REASON)}


def outcome_of(judgement: Judgement) -> Outcome:
    """Return the one outcome of a judgement: of the reasons that make its verdict, the one that weighs most."""
    counting = [reason for reason in judgement.reasons if VERDICT_OF[reason] is judgement.verdict]
    return _OF_REASON[min(counting, key=_PLACE.__getitem__)]
