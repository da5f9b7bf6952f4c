"""The online check: a code in, a verdict out. No credential, and it tells only what the code itself says.

The same steps as offline (docs/wire.md, section 3), on the board's data, which is at most a second old
while the database answers, and says `status_stale` a minute after it stopped answering.
"""

from dataclasses import dataclass
from typing import Any

from wallet.clock import Clock
from wallet.documents.trust import TrustCentre
from wallet.verifier import Policy, answer_json, judge

_NO_DEMANDS = Policy()


@dataclass(frozen=True, slots=True)
class Checking:
    """Checks codes; one for each process, for it holds no transaction."""

    trust: TrustCentre
    clock: Clock

    def check(self, code: str) -> dict[str, Any]:
        """Return the answer of docs/wire.md, section 3. A text that is no code is a verdict too, not an error."""
        return answer_json(judge(code, self.trust.trust(), _NO_DEMANDS, self.clock.now()))
