"""The online check: a code in, a verdict out. No credential, and it tells only what the code itself says.

The same steps as offline (docs/wire.md, section 3), on the board's data, which is at most a second old
while the database answers, and says `status_stale` a minute after it stopped answering. The board also knows whether a
newer document took the place of one that is revoked: here that is `superseded` beside `revoked`, offline it never is.
"""

from dataclasses import dataclass
from typing import Any

from wallet.clock import Clock
from wallet.documents.trust import TrustCentre
from wallet.verifier import Judgement, Policy, Replay, answer_json, judge

REVOKED, SUPERSEDED = "revoked", "superseded"
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
        judgement = judge(code, self.trust.trust(), policy, self.clock.now(), replay)
        return judgement.adding(SUPERSEDED) if self._is_superseded(judgement) else judgement

    def _is_superseded(self, judgement: Judgement) -> bool:
        status = None if judgement.document is None else judgement.document.status
        return REVOKED in judgement.reasons and status is not None and self.trust.is_superseded(status)
