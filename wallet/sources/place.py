"""How far the changes of one register are read: round by round, each a little further back than the former one began.

A row bears the moment at which it was changed and is seen when its transaction commits. One that was long in committing
bears a moment that was read past already; who reads on from the last change alone never meets it. So a round reads
again what is younger than that, and leaves out what it has met.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wallet.sources.changes import Change

MOST_MET = 10_000
"""So many changes, the youngest, are remembered as met, up to twice as many for a moment. With more of them within the
overlap it is shorter: what a round reads again and what is kept of it stays bounded, and the daily look finds the rest.
"""


@dataclass(slots=True)
class Place:
    """Where the reading of one register stands. overlap: how late a row may be committed and is still met.

    last: the change after which the next page begins. began: when the round under way began, or the one before it.
    """

    last: Change
    began: datetime
    overlap: timedelta
    reading: bool = False
    _furthest: Change = field(init=False)
    _complete: datetime = field(init=False)
    _let_go: Change = field(init=False)
    _met: set[Change] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._furthest = self._let_go = self.last
        self._complete = self.began

    def begin(self, now: datetime) -> None:
        """Begin a round: where nothing was met yet, or the overlap before the last complete round, if that is earlier.

        So a change of tomorrow, of a register whose clock is wrong, hides none of today.
        """
        overlapping = max(Change(self._complete - self.overlap, ""), self._let_go)
        self.last = min(self._furthest, overlapping)
        self._met = {change for change in self._met if change > self.last}
        self.began, self.reading = now, True

    def has_met(self, change: Change) -> bool:
        return change in self._met

    def meet(self, change: Change) -> None:
        """Go on to a change, which needs no further look."""
        self.last, self._furthest = change, max(self._furthest, change)
        self._met.add(change)
        if len(self._met) > 2 * MOST_MET:
            in_order = sorted(self._met)
            self._let_go = max(self._let_go, in_order[-MOST_MET - 1])
            self._met = set(in_order[-MOST_MET:])

    def end(self) -> None:
        """End a round that came to the last change."""
        self._complete, self.reading = self.began, False
