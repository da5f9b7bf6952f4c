"""Edge case 21: what is promised in the week of Tết is promised for after it, on paper as well."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support import FixedClock
from wallet.demo.personas import persona
from wallet.demo.setup import is_set_up, set_up
from wallet.demo.tet import last_tet, report_on
from wallet.requests.orders import RequestDetail, RequestOrder
from wallet.terms import AccountLevel, Actor, AuthLevel
from wallet.wiring import Wallet
from wallet.working_days import ZONE, WorkingDays, lunar_new_year, vietnamese_day

CALENDAR = WorkingDays()


def reports(wallet: Wallet, actor: Actor) -> list[RequestDetail]:
    with wallet.read() as work:
        rows, _ = work.requests.page(actor, 100, None)
        return [work.requests.get(row.id, actor) for row in reversed(rows)]


@pytest.fixture
def xuan(wallet: Wallet) -> Actor:
    with wallet.read() as work:
        holder = work.holders.find(persona("xuan").number)
        assert holder is not None
        account = work.accounts.of_holder(holder)
    assert account is not None
    return Actor(account.id, holder, account_level=AccountLevel.TWO, auth_level=AuthLevel.TWO, request_id="req_test")


def promised(detail: RequestDetail) -> date:
    (sent,) = [entry for entry in detail.timeline if entry.action == "submit"]
    assert sent.expected_at is not None
    return vietnamese_day(sent.expected_at - timedelta(seconds=1))


def test_21_the_holidays_move_the_day_of_the_answer(wallet: Wallet, xuan: Actor) -> None:
    (report,) = reports(wallet, xuan)
    assert report.request.submitted_at is not None
    assert vietnamese_day(report.request.submitted_at) == date(2026, 2, 13)
    assert promised(report) == date(2026, 2, 27)
    without = WorkingDays({date(2026, 2, day): True for day in range(16, 21)})
    assert vietnamese_day(without.due(report.request.submitted_at, 5) - timedelta(seconds=1)) == date(2026, 2, 20)


def test_21_the_receipt_states_that_day(wallet: Wallet, xuan: Actor) -> None:
    (report,) = reports(wallet, xuan)
    assert report.request.document_id is not None
    with wallet.read() as work:
        content = work.holding.content(report.request.document_id, xuan)
    assert content.claims["due_on"] == "2026-02-27"


def test_21_what_is_answered_after_tet_is_in_time_and_needs_no_apology(wallet: Wallet, xuan: Actor) -> None:
    (report,) = reports(wallet, xuan)
    assert (report.request.state, report.request.apologies) == ("resolved", 0)
    assert [entry.action for entry in report.timeline] == ["submit", "accept", "resolve"]
    assert date(2026, 2, 20) < vietnamese_day(report.timeline[-1].at) < promised(report)


@pytest.mark.parametrize(
    ("sent", "due"),
    [
        ("2026-02-06T10:00", date(2026, 2, 13)),
        ("2026-02-09T10:00", date(2026, 2, 23)),
        ("2026-02-14T10:00", date(2026, 2, 27)),
        ("2026-02-17T00:30", date(2026, 2, 27)),
        ("2026-02-22T23:59", date(2026, 2, 27)),
        ("2026-02-23T00:00", date(2026, 3, 2)),
    ],
)
def test_21_what_is_sent_around_tet(wallet: Wallet, xuan: Actor, clock: FixedClock, sent: str, due: date) -> None:
    clock.set(datetime.fromisoformat(sent).replace(tzinfo=ZONE).astimezone(UTC))
    answers = report_on(last_tet(clock.now(), CALENDAR))
    answers["happened_at"] = (clock.now() - timedelta(hours=1)).isoformat()
    with wallet.work() as work:
        made = work.requests.submit(RequestOrder("security_report", answers), xuan)
        assert promised(work.requests.get(made.id, xuan)) == due


@pytest.mark.parametrize(
    ("now", "day", "sent", "answered"),
    [
        ("2026-03-02T05:00", date(2026, 2, 17), date(2026, 2, 13), date(2026, 2, 23)),
        ("2026-02-23T03:00", date(2026, 2, 17), date(2026, 2, 13), date(2026, 2, 23)),
        ("2026-02-23T02:59", date(2025, 1, 29), date(2025, 1, 24), date(2025, 2, 3)),
        ("2026-02-17T05:00", date(2025, 1, 29), date(2025, 1, 24), date(2025, 2, 3)),
        ("2026-01-01T05:00", date(2025, 1, 29), date(2025, 1, 24), date(2025, 2, 3)),
        ("2027-12-31T05:00", date(2027, 2, 6), date(2027, 2, 3), date(2027, 2, 11)),
    ],
)
def test_the_last_tet_is_over(now: str, day: date, sent: date, answered: date) -> None:
    tet = last_tet(datetime.fromisoformat(now).replace(tzinfo=UTC), CALENDAR)
    assert (tet.day, vietnamese_day(tet.sent), vietnamese_day(tet.answered)) == (day, sent, answered)


def test_days_that_the_government_moved_move_the_story() -> None:
    moved = WorkingDays({date(2026, 2, 14): True, date(2026, 2, 23): False})
    tet = last_tet(datetime(2026, 3, 2, 5, tzinfo=UTC), moved)
    assert (vietnamese_day(tet.sent), vietnamese_day(tet.answered)) == (date(2026, 2, 14), date(2026, 2, 24))


@pytest.mark.parametrize(("year", "day"), [(2024, (2, 10)), (2025, (1, 29)), (2026, (2, 17)), (2033, (1, 31))])
def test_new_year_by_the_moon(year: int, day: tuple[int, int]) -> None:
    assert lunar_new_year(year) == date(year, *day)


def test_every_tet_of_the_next_years_is_lived_within_what_a_demo_may_have_signed_before() -> None:
    """Keys of a demo are backdated by 500 days (`wallet.commands.keys.DEMO_PAST`)."""
    day = datetime(2026, 1, 1, 5, tzinfo=UTC)
    while day.year < 2040:
        assert day - last_tet(day, CALENDAR).sent < timedelta(days=500)
        day += timedelta(days=3)


def test_setup_again_a_year_later_leaves_the_story_as_it_is(wallet: Wallet, xuan: Actor, clock: FixedClock) -> None:
    clock.advance(days=400)
    assert is_set_up(wallet)
    assert set_up(wallet) == 0
    assert len(reports(wallet, xuan)) == 1
