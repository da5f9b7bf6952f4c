"""The queue of registrations from home: each is decided in a transaction of its own, and none holds the others up."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from wallet.clock import Clock
from wallet.enrolment.registering import Registrations
from wallet.errors import Unavailable, WalletError

AT_ONCE = 100

log = structlog.get_logger("wallet.enrolment")


class RegistrationWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def registrations(self) -> Registrations: ...


Transaction = Callable[[], AbstractContextManager[RegistrationWork]]


@dataclass(frozen=True, slots=True)
class RegistrationJob:
    """Decides what waits; built once per process. wait: how long a registration rests before it is decided.

    tries: transactions for one act, see `Wallet.tries`.
    """

    tries: Callable[[], Iterable[AbstractContextManager[RegistrationWork]]]
    write: Transaction
    read: Transaction
    clock: Clock
    wait: timedelta

    def run(self) -> bool:
        """Decide what is to be decided, each in a transaction of its own; return whether more may be waiting.

        What cannot be decided now, because of a race or of a defect, is tried again in the next rounds and then left
        to the desk. Raises Unavailable when a register does not answer; what is left is for the next run.
        """
        with self.read() as work:
            waiting = work.registrations.undecided(self.clock.now() - self.wait, AT_ONCE)
        done = 0
        for registration_id in waiting:
            try:
                for trying in self.tries():
                    with trying as work:
                        work.registrations.decide(registration_id)
                done += 1
            except Unavailable:
                raise
            except WalletError as error:
                log.warning("registration_not_decided", registration=registration_id, code=error.code)
                self._put_off(registration_id)
            except Exception as error:  # whatever it is, the others are decided
                log.error("registration_not_decided", registration=registration_id, exc_info=error)
                self._put_off(registration_id)
        return done > 0 and len(waiting) == AT_ONCE

    def _put_off(self, registration_id: str) -> None:
        with self.write() as work:
            work.registrations.put_off(registration_id)
