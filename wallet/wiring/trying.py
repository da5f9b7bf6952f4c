"""One act in one transaction, begun again whenever a partner has to be asked first."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

from wallet.sources.asking import Asking, NotAsked, Question

W = TypeVar("W")


@dataclass
class Trying(Generic[W]):
    """One try: a transaction that ends well, or badly, or before its time because something is to be asked."""

    transaction: AbstractContextManager[W]
    question: Question | None = field(default=None, init=False)

    def __enter__(self) -> W:
        return self.transaction.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        ended = bool(self.transaction.__exit__(kind, error, trace))
        if isinstance(error, NotAsked):
            self.question = error.question
            return True
        return ended


def tries(begin: Callable[[Asking], AbstractContextManager[W]], asking: Asking) -> Iterator[Trying[W]]:
    """Give one try after the other until one ends; between two of them the partner is asked, and no lock is held.

    Use: `for trying in tries(...): with trying as work: ...`, where the block does nothing but what the transaction
    takes back.
    """
    while True:
        trying = Trying(begin(asking))
        yield trying
        if trying.question is None:
            return
        asking.ask(trying.question)
