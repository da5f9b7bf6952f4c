"""The online check: a code in, a verdict out. No credential, and it tells only what the code itself says.

The same steps as offline (docs/wire.md, section 3), on the board's data, which is at most a second old
while the database answers, and says `status_stale` a minute after it stopped answering. The board also knows whether a
newer document took the place of one that is revoked, and whether something is suspended for an account that is locked:
here that is `superseded` beside `revoked`, `account_locked` beside `suspended`, offline it never is.
"""

from dataclasses import dataclass
from typing import Any

from wallet.clock import Clock
from wallet.documents.trust import TrustCentre
from wallet.verifier import Judgement, Policy, Replay, answer_json, judge

REVOKED, SUPERSEDED = "revoked", "superseded"
SUSPENDED, ACCOUNT_LOCKED = "suspended", "account_locked"
_NO_DEMANDS = Policy()


@dataclass(frozen=True, slots=True)
class Checking:
    """Checks codes; one for each process, for it holds no transaction."""

    trust: TrustCentre
    clock: Clock

    def check(self, code: str) -> dict[str, Any]:
        """Return the answer of docs/wire.md, section 3. A text that is no code is a verdict too, not an error."""
        return answer_json(self.judge(code))

    def judge(self, code: str, policy: Policy = _NO_DEMANDS, replay: Replay | None = None) -> Judgement:
        """Return what is to be thought of a code with what only the network knows; of one verifier, by its policy."""
        return self.with_causes(judge(code, self.trust.trust(), policy, self.clock.now(), replay))

    def with_causes(self, judgement: Judgement) -> Judgement:
        """Return the same, with why something is revoked or suspended where the board knows."""
        status = None if judgement.document is None else judgement.document.status
        if status is None:
            return judgement
        if REVOKED in judgement.reasons and self.trust.is_superseded(status):
            judgement = judgement.adding(SUPERSEDED)
        if SUSPENDED in judgement.reasons and self.trust.is_locked(status):
            judgement = judgement.adding(ACCOUNT_LOCKED)
        return judgement
