"""What the law says from a day on: legal basis, fee, deadline. A document keeps the version it was issued under.

Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wallet.utilities.case import Case


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of what is to pay. code: a text of `texts.json`, `fees`. amount: đồng; support is negative."""

    code: str
    amount: int


@dataclass(frozen=True, slots=True)
class Fee:
    """What a request costs. No line at all: it costs nothing and nothing is said of it."""

    lines: tuple[FeeLine, ...] = ()

    @property
    def due(self) -> int:
        """What is left to pay, đồng."""
        return sum(line.amount for line in self.lines)


def free(_case: "Case") -> Fee:
    """Return that there is no fee."""
    return Fee()


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long something may take. All zero: it is answered at once.

    working_hours: of eight in a working day. extended_working_days: in place of working_days where a verification
    is needed. cutoff: what comes in later in Hà Nội counts from the next working day.
    """

    working_days: int = 0
    working_hours: int = 0
    extended_working_days: int = 0
    cutoff: time | None = None

    @property
    def at_once(self) -> bool:
        return not (self.working_days or self.working_hours)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one utility from a day on.

    version: never used again. legal_basis: as printed. figures: whatever the law counts and the plug-in's functions
    read (`case.figures`); what is unconfirmed about them is said in the plug-in's docstring.
    """

    version: str
    effective_from: date
    legal_basis: str
    deadline: Deadline = Deadline()
    fee: Callable[["Case"], Fee] = free
    figures: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
