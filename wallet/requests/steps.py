"""Sub-tasks are worked on while the last of them could move their request, and at no other time.

`waiting`: for another sub-task, or for the applicant; `active`: its agency has it, with a clock; `done`; `failed`, with
a reason; `ended`: its request was answered or withdrawn without it. Why one failed before stands with it while it is
tried again, and nothing is granted over one that was begun and is not done, or is done over other answers
(`verified.py`).
"""

from collections.abc import Sequence
from datetime import datetime

from wallet.requests.deadlines import due_at
from wallet.requests.models import RequestStep
from wallet.utilities.base import Utility
from wallet.working_days import WorkingDays

WAITING, ACTIVE, DONE, FAILED, ENDED = "waiting", "active", "done", "failed", "ended"
STATES = (WAITING, ACTIVE, DONE, FAILED, ENDED)
UNFINISHED = frozenset({WAITING, ACTIVE, FAILED})


def is_late(step: RequestStep, now: datetime) -> bool:
    """Return whether an agency has a sub-task for longer than it should."""
    return step.state == ACTIVE and step.due_at is not None and step.due_at < now


def begin_following(
    utility: Utility, state: str, steps: Sequence[RequestStep], now: datetime, calendar: WorkingDays
) -> None:
    """Begin each that waits, and for nothing any more. state: of the request; steps: all of it, changed in place."""
    by_code = {step.code: step for step in steps}
    finished = {step.code for step in steps if step.state == DONE}
    for declared in utility.steps:
        step = by_code.get(declared.code)
        if step is not None and step.state == WAITING and set(declared.after) & by_code.keys() <= finished:
            step.state, step.opened_at, step.reminded_at = ACTIVE, now, None
            extended = state in utility.lifecycle.extended
            step.due_at = due_at(declared.deadline, now, calendar, extended=extended)


def follow(
    utility: Utility, before: str, state: str, steps: Sequence[RequestStep], now: datetime, calendar: WorkingDays
) -> None:
    """Let sub-tasks follow a move of their request that laid none of them out. steps: changed in place.

    Where it is over, so are they; where it is somebody else's turn, they rest, off every agency's desk; where it comes
    back to them, each has its whole time again, and what failed for want of something is tried again.
    """
    lifecycle = utility.lifecycle
    if state in lifecycle.final:
        for step in steps:
            if step.state in (WAITING, ACTIVE):
                step.state, step.due_at = ENDED, None
    elif state not in lifecycle.in_steps:
        for step in steps:
            if step.state == ACTIVE:
                step.state, step.opened_at, step.due_at = WAITING, None, None
    elif before not in lifecycle.in_steps:
        for step in steps:
            if step.state == FAILED:
                step.state, step.done_at, step.done_by = WAITING, None, None
        begin_following(utility, state, steps, now, calendar)
