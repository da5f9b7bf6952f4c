"""Step 6: what the status list says of one document. Source: docs/wire.md, section 3, step 6."""

from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference
from wallet.terms import Status
from wallet.verifier.trust import FUTURE_SECONDS, StatusCopy, Trust


def check_status(
    trust: Trust, issuer: str, reference: StatusReference | None, moment: float
) -> tuple[list[str], int | None]:
    """Return the reasons, none for a valid one, and the age in seconds of the copy that counted, None without one.

    issuer: its code. reference: None for a mechanism that is not known here. The copy with the latest `iat` counts; a
    stale list's 1 is final, its other values say nothing.
    """
    copy = None if reference is None else _latest(trust, issuer, reference.uri, moment)
    if copy is None or reference is None:
        return ["status_unknown"], None
    age = int(moment // 1) - copy.issued_at
    try:
        value: int | None = copy.value(reference.idx)
    except Malformed:
        value = None
    stale = moment >= copy.expires_at
    reasons = ["status_stale"] if stale else []
    if value == Status.INVALID:
        reasons.append("revoked")
    elif not stale and value == Status.SUSPENDED:
        reasons.append("suspended")
    elif not stale and value != Status.VALID:
        reasons.append("status_unknown")
    return reasons, age


def _latest(trust: Trust, issuer: str, uri: str, moment: float) -> StatusCopy | None:
    copies = (copy for copy in trust.status(issuer, uri) if copy.issued_at <= moment + FUTURE_SECONDS)
    return max(copies, key=lambda copy: copy.issued_at, default=None)
