"""The sub-tasks of a request: who else is asked, when, and what they answer.

A step answers `confirmed` when the register says what the agency's files say, by then if need be, and `unconfirmed`
otherwise: a text of free words could hint at what a certificate must not say. The days of each are ours (unconfirmed).
"""

from functools import partial

from wallet.utilities.base import Case, ClaimsRejected, Deadline, Step
from wallet.utilities.judicial_record.entries import REGISTER, not_expunged
from wallet.utilities.judicial_record.history import several_places

CONFIRMED = "confirmed"
LIVED = ("kind", "residence_history", "occupations")
"""What the agencies are asked over: how and where a certificate is delivered changes nothing that they confirmed."""
OUTCOMES = (CONFIRMED, "unconfirmed")
OUTCOME = {"outcome": "|".join(OUTCOMES)}


def standing_conviction(case: Case) -> bool:
    """Return whether a court has to be asked whether a conviction still stands.

    Only one that is not expunged on record needs that: a request about expunged ones takes the way of a clean one.
    """
    return "convictions" in case.facts.get(REGISTER, {}) and bool(not_expunged(case))


def assert_confirmed(case: Case) -> None:
    """Refuse a certificate as long as an agency could not confirm what is on record. Raises ClaimsRejected."""
    if any(found.get("outcome") != CONFIRMED for found in case.steps.values()):
        raise ClaimsRejected(result="unconfirmed")


_asked = partial(Step, finds=("outcome",), patterns=OUTCOME, over=LIVED)
STEPS = (
    _asked("records_department", "records_department", Deadline(working_days=2)),
    _asked(
        "province_police",
        "province_police",
        Deadline(working_days=5),
        after=("records_department",),
        needed=several_places,
    ),
    _asked("court", "court", Deadline(working_days=5), after=("records_department",), needed=standing_conviction),
)
