"""What a verifier hands back: three-state, with its reasons, and claims only from what was signed.

Source: docs/wire.md, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from wallet.errors import VerificationFailed
from wallet.formats.claims_set import StatusReference
from wallet.verifier.reasons import POLICY_REFUSED, Verdict, gravest, in_order
from wallet.verifier.replay import Sighting

STEP_NAMES = {
    1: "code",
    2: "shape",
    3: "key",
    4: "signature",
    5: "dates",
    6: "status",
    7: "holder",
    8: "policy",
}
"""The steps of docs/wire.md, section 3, as the answer names them."""


class VerifiedClaim(NamedTuple):
    """One claim that was signed. n: its number; None in an SD-JWT VC, for which the bundle has none. value: compact.

    name: in an SD-JWT VC, its own. label, kind, and of a code the name: what the trust bundle tells of it; None where
    it tells nothing.
    """

    n: int | None
    value: Any
    name: str | None = None
    label: Mapping[str, str] | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class VerifiedDocument:
    """What was signed by a key that may sign it (steps 1 to 4 passed); whether it still counts, the judgement says.

    document_id: None for an SD-JWT VC, which names no document.
    """

    document_id: str | None
    issuer: str
    issuer_name: Mapping[str, str]
    utility: str
    utility_version: int
    title: Mapping[str, str] | None
    issued_at: datetime
    expires_at: datetime
    recipient: str | None
    claims: tuple[VerifiedClaim, ...]
    claims_hash: bytes | None
    status: StatusReference | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to one code.

    reasons: in the order of the steps, `("ok",)` when there is none. checked: the numbers of the steps that were
    carried out. document: None until step 4 has passed. device: who proved to hold the key in `cnf`: "device",
    "server", or None. Ages in seconds: now - iat; status_age_seconds only when a copy of the list counted.
    first_seen: of a live code that is `live_replayed`, when and where it was seen before, where the memory knows it.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    accepted: bool
    checked: tuple[int, ...]
    document: VerifiedDocument | None
    device: str | None
    checked_at: datetime
    bundle_age_seconds: int
    status_age_seconds: int | None = None
    first_seen: Sighting | None = None

    def adding(self, *codes: str) -> "Judgement":
        """Return the same with further reasons: what only the network can tell. Source: docs/wire.md, 3, end."""
        reasons = in_order((*self.reasons, *codes))
        verdict = gravest(reasons)
        return replace(self, reasons=reasons, verdict=verdict, accepted=is_accepted(verdict, reasons))

    def verified(self) -> VerifiedDocument:
        """Return the document when it is valid and accepted; else raise VerificationFailed with the first reason."""
        if not self.accepted or self.document is None:
            raise VerificationFailed(self.reasons[0])
        return self.document


def is_accepted(verdict: Verdict, reasons: tuple[str, ...]) -> bool:
    """Return whether a verdict counts here: authentic, and not refused by policy. Source: docs/wire.md, 3, step 8."""
    return verdict is Verdict.VALID and POLICY_REFUSED not in reasons
