"""A partner that tells of changes, against a small real server: what is asked, what is believed, what is paused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.sources.partner import KEY, Partner, drips, hangs_up, raw, says, silent, tells
from tests.support import GROUND, NOON, FixedClock
from wallet.errors import NotFound, Unavailable
from wallet.sources.breaker import BreakerState
from wallet.sources.changes import Change
from wallet.sources.http import PartnerRegister
from wallet.sources.telling import MOST_PAGES, PartnerChanges

AN, SAU = "099090000001", "099090000002"
SINCE = Change(NOON - timedelta(hours=1), "")
SOON = NOON - timedelta(minutes=1)
FIRST = {"SoDinhDanh": AN, "ThoiDiemCapNhat": SOON.isoformat()}

Tell = Callable[..., PartnerChanges]


@pytest.fixture
def telling(partner: Partner, register: Callable[..., PartnerRegister]) -> Tell:
    """Makes the changes of this partner, the residence register's unless a test wants another's."""

    def make(code: str = "residence", **stated: Any) -> PartnerChanges:
        return PartnerChanges(register(code, changes_url=f"{partner.url}/changes", **stated))

    return make


def page(*entries: Any) -> Callable[[Any, dict[str, Any]], None]:
    return says(list(entries), ThoiDiemCapNhat="left out")


def refused(changes: PartnerChanges, last: Change = SINCE) -> str:
    """Ask, be refused as by a register that is down, and return the reason that was noted."""
    with pytest.raises(Unavailable) as refusal:
        changes.after("residence", last, 10)
    assert refusal.value.code == "source_unavailable"
    assert refusal.value.values["register"] == "residence"
    return changes.register.status().last_reason


def test_question_says_who_asks_and_since_when(partner: Partner, telling: Tell) -> None:
    partner.always = page()
    assert telling(procedures={"register_watch": "1.0"}).after("residence", Change(SOON, AN), 7) == []
    (question,) = partner.asked
    assert question == {
        "MaYeuCau": question["MaYeuCau"],
        "MaDVC": "1.0",
        "MaTichHop": "VISO-01",
        "MaDonVi": "G01.899.108",
        "MaCanBo": "system",
        "TuThoiDiem": "2026-03-02T04:59:00+00:00",
        "SauSoDinhDanh": AN,
        "SoLuong": 7,
    }
    assert partner.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert partner.headers[0]["X-Request-Id"] == "register_watch"
    assert partner.headers[0]["X-Purpose"] == "check_document"


def test_pages_are_told_in_order_and_each_change_once(partner: Partner, telling: Tell) -> None:
    rows = [(SOON + timedelta(microseconds=moment), number) for moment in (0, 1, 1, 2) for number in (AN, SAU)]
    rows = sorted(set(rows))
    partner.always = tells(lambda at, number: [row for row in rows if row > (at, number)], otherwise=says({}))
    changes, told = telling(), [SINCE]
    while found := changes.after("residence", told[-1], 2):
        told += found
    assert told[1:] == [Change(*row) for row in rows]
    assert changes.register.status().outcomes == {"changes_answered": 4}
    assert changes.register.status().last_answer_at == NOON


def test_another_register_is_not_asked_for(partner: Partner, telling: Tell) -> None:
    assert telling().after("vehicles", SINCE, 10) == []
    assert partner.calls == 0


def test_moment_of_another_zone_is_the_same_moment(partner: Partner, telling: Tell) -> None:
    partner.always = page({"SoDinhDanh": AN, "ThoiDiemCapNhat": "2026-03-02T11:59:00+07:00"})
    assert telling().after("residence", SINCE, 10) == [Change(datetime(2026, 3, 2, 4, 59, tzinfo=UTC), AN)]


def test_more_than_was_asked_for_is_read_on_later(partner: Partner, telling: Tell) -> None:
    partner.always = page(*({**FIRST, "SoDinhDanh": f"{number:012}"} for number in range(50)))
    assert [change.number for change in telling().after("residence", SINCE, 2)] == ["0" * 12, "0" * 11 + "1"]


LIES: dict[str, tuple[Any, str]] = {
    "not offered": (raw(b"", status=404, kind="text/html"), "changes_http_404"),
    "not offered, in words": (says(None, status=404), "changes_http_404"),
    "page of a proxy": (raw(b"<html>", kind="text/html"), "changes_lying_content_type"),
    "redirect": (raw(b"", status=302, headers={"Location": "/"}), "changes_lying_redirect"),
    "half": (raw(b'{"MaYeuCau": "'), "changes_lying_not_json"),
    "another answer": (says([FIRST], MaYeuCau="src_of_somebody_else"), "changes_lying_another_answer"),
    "nothing": (says(None), "changes_lying_no_data"),
    "a person": (says({"alive": True}), "changes_lying_no_data"),
    "no data": (says([], DuLieu="left out"), "changes_lying_no_data"),
    "too large": (says([{**FIRST, "padding": "x" * (1 << 20)}]), "changes_lying_too_large"),
    "key refused": (raw(b"", status=403), "changes_key_refused"),
}


@pytest.mark.parametrize("lie", LIES)
def test_answer_that_is_none_is_refused_and_asked_once(partner: Partner, telling: Tell, lie: str) -> None:
    partner.always, reason = LIES[lie]
    changes = telling()
    assert refused(changes) == reason
    assert partner.calls == 1
    assert changes.register.status().outcomes == {reason: 1}
    assert changes.register.status().last_answer_at is None


WRONG: dict[str, tuple[Any, str]] = {
    "number of letters": ({**FIRST, "SoDinhDanh": "09909000000x"}, "another_person"),
    "number of other digits": ({**FIRST, "SoDinhDanh": "٠٩٩٠٩٠٠٠٠٠٠١"}, "another_person"),
    "number with a line": ({**FIRST, "SoDinhDanh": f"{AN}\n"}, "another_person"),
    "number as a number": ({**FIRST, "SoDinhDanh": 99090000001}, "another_person"),
    "no number": ({"ThoiDiemCapNhat": SOON.isoformat()}, "another_person"),
    "no moment": ({"SoDinhDanh": AN}, "freshness"),
    "moment of no zone": ({**FIRST, "ThoiDiemCapNhat": "2026-03-02T04:59:00"}, "freshness"),
    "moment as a number": ({**FIRST, "ThoiDiemCapNhat": 1772427540}, "freshness"),
    "moment to come": ({**FIRST, "ThoiDiemCapNhat": "2026-03-02T05:05:01Z"}, "freshness"),
    "moment of the end": ({**FIRST, "ThoiDiemCapNhat": "9999-12-31T23:59:59-14:00"}, "freshness"),
    "moment before": ({**FIRST, "ThoiDiemCapNhat": "2026-03-02T03:59:59Z"}, "order"),
    "no entry": ("x", "no_data"),
    "list": ([], "no_data"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_entry_that_cannot_be_is_left_out_and_holds_up_none_beside_it(
    partner: Partner, telling: Tell, wrong: str
) -> None:
    entry, reason = WRONG[wrong]
    after = {"SoDinhDanh": SAU, "ThoiDiemCapNhat": NOON.isoformat()}
    changes = telling()
    with capture_logs() as logs:
        for entries, told in (
            ([entry], []),
            ([entry, FIRST, after], [Change(SOON, AN), Change(NOON, SAU)]),
            ([FIRST, entry, after], [Change(SOON, AN), Change(NOON, SAU)]),
        ):
            partner.always = page(*entries)
            assert changes.after("residence", SINCE, 10) == told
    assert changes.register.status().outcomes == {f"changes_lying_{reason}": 3}
    assert logs == [
        {"event": "changes_left_out", "source": "residence", "reason": reason, "log_level": "warning"},
    ], "said once"
    partner.always = page(FIRST)
    changes.after("residence", SINCE, 10)
    partner.always = page(entry)
    with capture_logs() as logs:
        changes.after("residence", SINCE, 10)
    assert len(logs) == 1, "and again, when it comes again"


def test_full_page_with_a_wrong_entry_is_no_last_one(partner: Partner, telling: Tell) -> None:
    rows = [(SOON + timedelta(microseconds=moment), number) for moment, number in enumerate([AN, "none", SAU, AN, SAU])]
    partner.always = tells(lambda at, _number: [row for row in rows if row[0] > at], otherwise=says({}))
    changes = telling()
    told = changes.after("residence", SINCE, 3)
    assert told == [Change(*rows[each]) for each in (0, 2, 3)], "whoever reads on stops at what is less"
    assert [each["SoLuong"] for each in partner.asked] == [3, 1]
    partner.always = page("x", "x", "x")
    assert changes.after("residence", told[-1], 3) == []
    assert partner.calls == 3


def test_pages_that_are_all_but_one_wrong_come_to_an_end(partner: Partner, telling: Tell) -> None:
    partner.always = tells(
        lambda at, number: [(at + timedelta(microseconds=1), AN), *[("soon", AN)] * 200], otherwise=says({})
    )
    changes = telling()
    assert len(changes.after("residence", SINCE, 200)) == MOST_PAGES == partner.calls
    refused(changes)
    assert partner.calls == MOST_PAGES


def test_what_was_told_before_is_left_out(partner: Partner, telling: Tell) -> None:
    """A partner that heeds no moment tells nothing twice."""
    partner.always = page(FIRST, FIRST)
    changes = telling()
    (told,) = changes.after("residence", SINCE, 10)
    assert changes.after("residence", told, 10) == []
    assert changes.register.status().last_reason == "changes_lying_order"


@pytest.mark.parametrize(
    ("act", "reason"), [(silent, "timeout"), (drips(b"HTTP"), "timeout"), (hangs_up, "no_connect")]
)
def test_slow_or_away_is_refused_in_time(partner: Partner, telling: Tell, act: Any, reason: str) -> None:
    partner.always = act
    short = {"read_seconds": 0.1, "connect_seconds": 0.1, "budget_seconds": 0.4} if reason == "timeout" else {}
    changes = telling(**short, attempts=1)
    assert refused(changes).startswith(f"changes_{reason}")
    assert partner.reached.wait(20)
    assert partner.calls == 1


def test_busy_partner_is_asked_again_with_the_same_id(partner: Partner, telling: Tell) -> None:
    partner.next, partner.always = [raw(b"{}", status=503), hangs_up], page(FIRST)
    assert telling().after("residence", SINCE, 10) == [Change(SOON, AN)]
    assert len({question["MaYeuCau"] for question in partner.asked}) == 1
    assert partner.calls == 3


def test_who_does_not_tell_is_left_alone_with_it_and_asked_about_people_all_the_same(
    partner: Partner, telling: Tell, clock: FixedClock
) -> None:
    partner.always = raw(b"", status=404)
    changes = telling(open_after=2, rest_seconds=30)
    for _ in range(5):
        refused(changes)
    assert partner.calls == 2
    assert changes.register.status().state is BreakerState.CLOSED
    assert changes.register.status().outcomes == {"changes_http_404": 2, "changes_left_alone": 3}
    partner.always = says(None)
    with pytest.raises(NotFound):
        changes.register.read(AN, GROUND)
    clock.advance(seconds=30)
    partner.always = page(FIRST)
    assert changes.after("residence", SINCE, 10) == [Change(SOON, AN)]


def test_who_is_down_about_people_is_asked_for_changes_all_the_same(partner: Partner, telling: Tell) -> None:
    changes = telling(open_after=1)
    partner.next, partner.always = [raw(b"", status=400)], page(FIRST)
    with pytest.raises(Unavailable):
        changes.register.read(AN, GROUND)
    assert changes.after("residence", SINCE, 10) == [Change(SOON, AN)]
    assert changes.register.status().state is BreakerState.OPEN


def test_pages_without_end_are_paused(partner: Partner, telling: Tell) -> None:
    partner.always = tells(
        lambda at, number: [(at + timedelta(microseconds=each + 1), AN) for each in range(2)], otherwise=says({})
    )
    changes, last = telling(), SINCE
    for _ in range(2):
        for _ in range(MOST_PAGES):
            *_, last = changes.after("residence", last, 2)
        calls = partner.calls
        with pytest.raises(Unavailable):
            changes.after("residence", last, 2)
        assert partner.calls == calls
    assert changes.register.status().outcomes == {"changes_answered": 2 * MOST_PAGES, "changes_paused": 2}


def test_no_log_names_a_person(partner: Partner, telling: Tell) -> None:
    with capture_logs() as logs:
        partner.always = page({**FIRST, "ThoiDiemCapNhat": "never"})
        telling().after("residence", SINCE, 10)
        partner.always = raw(b"", status=400)
        refused(telling(), Change(SOON, AN))
    assert [entry["event"] for entry in logs] == ["changes_left_out", "source_failed"]
    assert AN not in repr(logs)
