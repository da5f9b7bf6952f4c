"""The daily look at every account: registers asked, ended cards locked, ends announced, accounts of the dead closed.

Each account is a transaction of its own, so an interruption loses nothing and a repetition changes nothing. A register
that does not answer is not asked again in the same round; what needs no register goes on.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from wallet.clock import Clock
from wallet.enrolment.lifecycle import WARNED_BEFORE, Lifecycle
from wallet.errors import Unavailable
from wallet.identity.due_accounts import DueAccounts
from wallet.terms import Actor
from wallet.working_days import vietnamese_day

CHECKED_EVERY = timedelta(days=1)
BATCH = 200
SWEEP = Actor("system", request_id="account_sweep")

log = structlog.get_logger("wallet.enrolment")


class SweepWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def lifecycle(self) -> Lifecycle: ...

    @property
    def due_accounts(self) -> DueAccounts: ...


Transaction = Callable[[], AbstractContextManager[SweepWork]]
Find = Callable[[DueAccounts, int], Sequence[str]]
Treat = Callable[[Lifecycle, str], None]


@dataclass(slots=True)
class SweepReport:
    """What one round did: accounts by step, how many failed, and whether the registers answered."""

    done: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    registers_answered: bool = True


@dataclass(frozen=True, slots=True)
class AccountSweep:
    """Built once per process. closing: how long after a death its account is closed."""

    tries: Callable[[], Iterable[AbstractContextManager[SweepWork]]]
    read: Transaction
    clock: Clock
    closing: timedelta
    batch: int = BATCH

    def run(self) -> SweepReport:
        """Look at every account that is due, and return what was done."""
        now, report = self.clock.now(), SweepReport()
        today = vietnamese_day(now)
        steps: tuple[tuple[str, Find, Treat], ...] = (
            ("checked", lambda due, n: due.unchecked(now - CHECKED_EVERY, n), lambda it, one: it.look(one, SWEEP)),
            ("expired", lambda due, n: due.past(today, n), lambda it, one: it.expire(one, SWEEP)),
            ("warned", lambda due, n: due.expiring(today, today + WARNED_BEFORE, n), lambda it, one: it.warn(one)),
            ("closed", lambda due, n: due.dead(now - self.closing, n), lambda it, one: it.close_dead(one, SWEEP)),
        )
        for name, find, treat in steps:
            self._carry_out(name, find, treat, report)
        return report

    def run_as_job(self) -> bool:
        """Look once; what is left over is for the next round."""
        self.run()
        return False

    def _carry_out(self, name: str, find: Find, treat: Treat, report: SweepReport) -> None:
        """Treat what is due in batches, until nothing is left that was not tried in this round."""
        tried: set[str] = set()
        ids: list[str] = []
        while True:
            with self.read() as work:
                found = find(work.due_accounts, self.batch + len(tried))
            tried |= set(ids) & set(found)  # still due after it was treated: not twice in one round
            ids = [one for one in found if one not in tried][: self.batch]
            if not ids:
                return
            for account_id in ids:
                try:
                    for trying in self.tries():
                        with trying as work:
                            treat(work.lifecycle, account_id)
                    report.done[name] = report.done.get(name, 0) + 1
                except Unavailable:
                    report.registers_answered = False
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, it is of one account
                    tried.add(account_id)
                    report.failed += 1
                    code = getattr(error, "code", type(error).__name__)
                    log.warning("account_not_treated", step=name, account=account_id, code=code)
