"""Partners are asked between transactions, never in one: whoever waits for an answer holds nothing meanwhile.

An act that needs an answer nobody has asked for yet raises `NotAsked`, which rolls its transaction back as if it had
never begun. The question is asked, and the act is carried out again from its start, with the answer at hand. So it is
still done once, in one transaction, on facts that are as old as that question.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from wallet.errors import WalletError
from wallet.sources.base import Facts, Ground, Register

MOST_QUESTIONS = 50
"""Of one act. What it asks beyond is asked in its transaction: that always comes to an end."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked of whom."""

    code: str
    number: str = field(repr=False)
    ground: Ground


class NotAsked(BaseException):
    """A partner has to be asked first. No refusal and no failure: nothing but `Wallet.tries` may catch it."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.code)
        self.question = question


@dataclass(slots=True)
class Asking:
    """The answers of one act. partners: the registers that are asked between its transactions."""

    partners: Mapping[str, Register]
    _answers: dict[Question, Facts | WalletError] = field(default_factory=dict)

    def registers(self, all_registers: Mapping[str, Register]) -> Mapping[str, Register]:
        """Return the registers of a transaction, those of partners answering with what they were asked before."""
        asked = {code: _Asked(code, self) for code in self.partners if code in all_registers}
        return MappingProxyType({**all_registers, **asked})

    def ask(self, question: Question) -> None:
        """Ask, and keep what comes: an answer, or what it raises."""
        try:
            self._answers[question] = self.partners[question.code].read(question.number, question.ground)
        except WalletError as error:
            self._answers[question] = error

    def answer(self, question: Question) -> Facts:
        """Return what was answered. Raises what the register raised, NotAsked where it was not asked yet."""
        if question not in self._answers:
            if len(self._answers) < MOST_QUESTIONS:
                raise NotAsked(question)
            self.ask(question)
        found = self._answers[question]
        if isinstance(found, WalletError):
            raise found
        return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """A partner's register as one transaction sees it."""

    code: str
    asking: Asking

    def read(self, number: str, ground: Ground) -> Facts:
        return self.asking.answer(Question(self.code, number, ground))
