"""Earlier requests are opened as far as somebody looks: a hotel's many notices cost nobody anything."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.documents.people import actor_of
from tests.utilities.lodging_notice.notices import FACTS, NOW, answers, case, guest, hotel
from wallet.errors import AnswersRejected
from wallet.requests.earlier import MOST_RECORDS, Earlier
from wallet.requests.models import RequestRow
from wallet.requests.orders import RequestOrder
from wallet.utilities.answering import recall
from wallet.utilities.base import Case
from wallet.utilities.lodging_notice import utility
from wallet.wiring import Wallet

NOTIFIED_ALREADY = {"/answers/guests/0/relation": "relative_notified"}


class Guests(list[dict[str, Any]]):
    """Guests who count how many of them were looked at."""

    looked_at = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        self.looked_at += len(found) if isinstance(index, slice) else 1
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.looked_at += len(self)
        return super().__iter__()


class Kept:
    """What somebody sent, the newest first, and what of it was found and unsealed."""

    def __init__(self, *typed: Mapping[str, Any], state: str = "sent") -> None:
        at = NOW - timedelta(days=40)
        self.rows = [RequestRow(id=str(n), state=state, submitted_at=at) for n, _ in enumerate(typed)]
        self.typed = {row.id: each for row, each in zip(self.rows, typed, strict=True)}
        self.found, self.unsealed = 0, list[str]()

    def find(self) -> list[RequestRow]:
        self.found += 1
        return self.rows

    def unseal(self, row: RequestRow) -> Mapping[str, Any]:
        self.unsealed.append(row.id)
        return self.typed[row.id]

    def earlier(self) -> Earlier:
        return Earlier(utility.form, self.find, self.unseal)

    def case(self, typed: Mapping[str, Any]) -> Case:
        return case(typed, facts={**FACTS, "own_requests": {"lodging_notice": self.earlier()}})


def refused(notice: Case) -> dict[str, str]:
    """Return why a notice is not taken, {} where it is."""
    try:
        utility.accept(notice)
    except AnswersRejected as error:
        return error.fields
    return {}


def crowd(count: int, **changes: Any) -> Guests:
    return Guests(guest(document_number=f"0991550{place:05d}", **changes) for place in range(count))


def test_a_hotels_notice_finds_and_unseals_nothing_of_what_it_sent_before() -> None:
    kept = Kept(*[hotel()] * 20)
    assert refused(kept.case(hotel())) == {}
    assert (kept.found, kept.unsealed) == (0, [])


def test_a_households_notice_looks_at_no_guest_of_a_hotel() -> None:
    guests = crowd(100)
    kept = Kept(*[{**hotel(), "guests": guests}] * 3, answers())
    assert refused(kept.case(answers())) == NOTIFIED_ALREADY
    assert (kept.found, kept.unsealed) == (1, ["0", "1", "2", "3"]), "each once, however often it is looked at"
    assert guests.looked_at == 0


@pytest.mark.parametrize("state", ["cancelled", "returned"])
def test_what_does_not_count_is_not_unsealed(state: str) -> None:
    kept = Kept(answers(), answers(), state=state)
    assert refused(kept.case(answers())) == {}
    assert (kept.found, kept.unsealed) == (1, [])


def test_no_more_guests_are_looked_at_than_there_is_time_for() -> None:
    """Whoever fills notices to the brim, to have everybody wait, is looked at no longer than a busy household."""
    guests = [crowd(80, relation="sibling") for _ in range(5)]
    kept = Kept(*(answers() | {"guests": each} for each in guests))
    told = guest(document_number="099155000079", relation="sibling")
    assert refused(kept.case(answers(told))) == NOTIFIED_ALREADY
    assert [each.looked_at for each in guests] == [80, 80, MOST_RECORDS - 160, 0, 0]


def test_what_is_looked_at_reads_as_it_did_when_all_of_it_was_recalled() -> None:
    broken = guest(birth_date="2026-13-01")
    for typed in (
        answers(),
        answers(broken, guest()),
        hotel(),
        answers() | {"former": "x"},
        {"declarant": "nobody"},
        {},
    ):
        (one,) = Kept(typed).earlier()
        assert dict(one["answers"]) == recall(utility.form, typed)
        assert len(one["answers"]) == len(recall(utility.form, typed))


def test_it_is_a_sequence_like_any_other() -> None:
    earlier = Kept(answers(), hotel()).earlier()
    assert len(earlier) == 2
    assert [each["answers"]["declarant"] for each in earlier[-1:]] == ["lodging_business"]
    assert not Kept().earlier()


def test_a_hotel_sends_on_though_nothing_it_sent_could_be_opened(wallet: Wallet) -> None:
    """A notice of before whose seal is broken would stop whoever unsealed it."""
    stays = {"arrived_at": "2026-03-02T20:30:00+07:00", "leaves_on": "2026-03-05"}
    order = RequestOrder("lodging_notice", hotel(guest("relation", **stays)))
    with wallet.work() as work:
        first = work.requests.submit(order, actor_of(wallet))
    with wallet.db.write() as session:
        row = session.get(RequestRow, first.id)
        assert row is not None
        row.sealed = b"broken"
    with wallet.work() as work:
        again = work.requests.submit(order, actor_of(wallet))
    assert (again.state, again.id != first.id) == ("sent", True)
