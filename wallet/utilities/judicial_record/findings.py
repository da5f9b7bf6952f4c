"""The sub-tasks of a request: who else is asked, when, and what they answer.

A step answers `confirmed` when the register says what the agency's files say, by then if need be, and `unconfirmed`
otherwise: a text of free words could hint at what a certificate must not say. The days of each are ours (unconfirmed).
"""

from wallet.utilities.base import Case, ClaimsRejected, Deadline, Step
from wallet.utilities.judicial_record.entries import REGISTER, not_expunged
from wallet.utilities.judicial_record.history import several_places

CONFIRMED = "confirmed"
OUTCOME = {"outcome": "confirmed|unconfirmed"}


def standing_conviction(case: Case) -> bool:
    """Return whether a court has to be asked whether a conviction still stands.

    Only one that is not expunged on record needs that: a request about expunged ones takes the way of a clean one.
    """
    return "convictions" in case.facts.get(REGISTER, {}) and bool(not_expunged(case))


def assert_confirmed(case: Case) -> None:
    """Refuse a certificate as long as an agency could not confirm what is on record. Raises ClaimsRejected."""
    if any(found.get("outcome") != CONFIRMED for found in case.steps.values()):
        raise ClaimsRejected(result="unconfirmed")


STEPS = (
    Step("records_department", "records_department", Deadline(working_days=2), finds=("outcome",), patterns=OUTCOME),
    Step(
        "province_police",
        "province_police",
        Deadline(working_days=5),
        after=("records_department",),
        needed=several_places,
        finds=("outcome",),
        patterns=OUTCOME,
    ),
    Step(
        "court",
        "court",
        Deadline(working_days=5),
        after=("records_department",),
        needed=standing_conviction,
        finds=("outcome",),
        patterns=OUTCOME,
    ),
)
