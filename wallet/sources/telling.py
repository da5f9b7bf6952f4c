"""What a partner tells of changes: whom something changed of since a moment, asked page by page.

A partner whose entry names a `changes_url` is asked there; the question has the fields of every other (`http.py`), and
instead of a person those of a place in the order of changes, which are ours, for no public text gives any. A change
told wrongly costs a look and states nothing: what is then believed of the person is what the register answers about
them. So one entry that cannot be is left out, and holds up none beside it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from wallet.sources.answers import Lying, as_of, require_ours
from wallet.sources.base import Ground
from wallet.sources.breaker import Breaker
from wallet.sources.changes import Change
from wallet.sources.http import Inquiry, PartnerRegister
from wallet.terms import Actor

MOST_PAGES = 50
"""So many full ones are read without a pause; then the partner is read on in the next round, so that one whose pages
have no end keeps nothing busy."""
KIND = "changes_"
"""Before what came of such a question, among the counts of the register."""
GROUND = Ground("check_document", "register_watch", Actor("system", request_id="register_watch"))

_PERSON = re.compile(r"[0-9]{12}")
log = structlog.get_logger("wallet.sources")


@dataclass(frozen=True, slots=True)
class Page:
    """What is believed of an answer. left_out: why an entry is not, empty for none. full: whether there may be more."""

    changes: list[Change]
    left_out: str
    full: bool


@dataclass(slots=True)
class PartnerChanges:
    """The changes that one partner tells; of any other register it tells none.

    It has a breaker of its own: a partner that does not tell is still asked about people.
    """

    register: PartnerRegister
    _breaker: Breaker = field(init=False)
    _pages: int = 0
    _left_out: str = ""

    def __post_init__(self) -> None:
        partner = self.register.partner
        self._breaker = Breaker(self.register.clock, partner.open_after, timedelta(seconds=partner.rest_seconds))

    def after(self, register: str, last: Change, limit: int) -> Sequence[Change]:
        """Return the next changes, as `Changes` has it: what is left out of a page is made up for from the next one."""
        found: list[Change] = []
        while register == self.register.code and len(found) < limit:
            if self._pages >= MOST_PAGES:
                if found:
                    break
                self._pages = 0
                self.register.note(f"{KIND}paused", heard=False)
                raise self.register.unavailable(self._breaker)
            page = self._ask(found[-1] if found else last, limit - len(found))
            self._note(page.left_out)
            self._pages = self._pages + 1 if page.full else 0
            found += page.changes
            if not page.full or not page.changes:
                break
        return found

    def _ask(self, last: Change, limit: int) -> Page:
        def believe(answer: Mapping[str, Any], call_id: str) -> Page:
            require_ours(answer, call_id)
            return believed(answer.get("DuLieu"), last, limit, self.register.clock.now())

        about: dict[str, str | int] = {
            "TuThoiDiem": last.at.isoformat(),
            "SauSoDinhDanh": last.number,
            "SoLuong": limit,
        }
        url = self.register.partner.changes_url
        return self.register.ask(Inquiry(url, about, GROUND, believe, KIND), self._breaker)

    def _note(self, left_out: str) -> None:
        """Count the answer, and say once why something in it is left out, however often it comes again."""
        if not left_out:
            self.register.note(f"{KIND}answered")
        else:
            self.register.note_failure(f"{KIND}lying_{left_out}")
            if left_out != self._left_out:
                log.warning("changes_left_out", source=self.register.code, reason=left_out)
        self._left_out = left_out


def believed(stated: Any, last: Change, limit: int, now: datetime) -> Page:
    """Return the changes of a page, each later than the one before it.

    stated: as the partner has it. Of more than `limit` the first are taken. Raises Lying("no_data").
    """
    if not isinstance(stated, list):
        raise Lying("no_data")
    found, left_out = [last], ""
    for each in stated[:limit]:
        try:
            found.append(_change(each, found[-1], now))
        except Lying as error:
            left_out = left_out or error.reason
    return Page(found[1:], left_out, len(stated) >= limit)


def _change(stated: Any, before: Change, now: datetime) -> Change:
    if not isinstance(stated, dict):
        raise Lying("no_data")
    number = stated.get("SoDinhDanh")
    if not isinstance(number, str) or not _PERSON.fullmatch(number):
        raise Lying("another_person")
    change = Change(as_of(stated, now), number)
    if change <= before:
        raise Lying("order")
    return change
