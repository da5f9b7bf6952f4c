"""A partner that tells of changes: what it changes voids what it must, as an embedded register's does."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import stamina

from tests.documents.people import actor_of
from tests.requests.test_voiding import ask, deduct, licence_of, moves, revocation, verdict
from tests.sources.partner import Partner, drips, hangs_up, raw, says, serving, silent, tells, write_file
from tests.support import GROUND, FixedClock
from wallet.demo.personas import persona
from wallet.jobs import Job
from wallet.sources.base import RegisterCode
from wallet.sources.changes import Change, EmbeddedChanges
from wallet.sources.http import partner_registers
from wallet.sources.partners import read_partners
from wallet.wiring import Wallet

AN, STRANGER = persona("an").number, "099000000000"
Act = Callable[[Any, dict[str, Any]], None]


@pytest.fixture
def partner() -> Iterator[Partner]:
    with serving() as partner, stamina.set_testing(True, attempts=1, cap=True):
        yield partner


def people_of(wallet: Wallet) -> Act:
    """Answer about people what the embedded register states of them."""
    embedded = wallet.registers[RegisterCode.RESIDENCE]

    def sent(value: Any) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, tuple):
            return [sent(each) for each in value]
        return {name: sent(each) for name, each in value.items()} if isinstance(value, Mapping) else value

    def answer(handler: Any, question: dict[str, Any]) -> None:
        facts = embedded.read(question["SoDinhDanh"], GROUND)
        says(sent(facts.values), ThoiDiemCapNhat=facts.as_of.isoformat())(handler, question)

    return answer


def changes_of(wallet: Wallet) -> Callable[[datetime, str], list[tuple[Any, Any]]]:
    """Tell the changes of the embedded register."""
    embedded = EmbeddedChanges(wallet.nation)

    def after(at: datetime, number: str) -> list[tuple[Any, Any]]:
        return [(each.at, each.number) for each in embedded.after("residence", Change(at, number), 1000)]

    return after


@contextmanager
def joined(wallet: Wallet, folder: Path, **entries: dict[str, Any]) -> Iterator[Wallet]:
    """The wallet with these registers a partner's."""
    partners = partner_registers(read_partners(write_file(folder, **entries)), wallet.clock, wallet.entropy)
    yield replace(wallet, registers={**wallet.registers, **partners})
    for register in partners.values():
        register.close()


@pytest.fixture
def connected(wallet: Wallet, partner: Partner, tmp_path: Path) -> Iterator[Wallet]:
    """A wallet whose residence register is a partner's that answers and tells what the embedded one does."""
    partner.always = tells(changes_of(wallet), otherwise=people_of(wallet))
    entry = {"url": partner.url, "changes_url": f"{partner.url}/changes", "budget_seconds": 0.5, "connect_seconds": 0.2}
    with joined(wallet, tmp_path, residence=entry) as connected:
        yield connected


def job_of(wallet: Wallet) -> Job:
    (job,) = [job for job in wallet.jobs if job.name == "changes_residence"]
    assert job.every <= timedelta(seconds=20)
    return job


def test_a_move_that_a_partner_tells_voids_the_confirmation_with_the_next_look(
    connected: Wallet, clock: FixedClock
) -> None:
    """Docs/domain.md, section 8, case 23."""
    request, other, job = ask(connected), ask(connected, "sau"), job_of(connected)
    assert job.run() is False
    assert verdict(connected, request) == ["ok"]
    clock.advance(minutes=10)
    moves(connected, at=clock.now())
    assert connected.register_watch.run() is False
    assert revocation(connected, request) is None, "the embedded tables say nothing of a partner's register"
    assert job.run() is False
    assert (revocation(connected, request), revocation(connected, other)) == ("data_changed", None)
    clock.advance(seconds=2)
    assert verdict(connected, request) == ["revoked"]


def test_nothing_is_done_twice(connected: Wallet, clock: FixedClock, partner: Partner, state: Any) -> None:
    ask(connected)
    clock.advance(minutes=10)
    moves(connected, at=clock.now())
    job = job_of(connected)
    job.run()
    before, about_people = state(), [each for each in partner.asked if "TuThoiDiem" not in each]
    for _ in range(20):
        clock.advance(seconds=20)
        assert job.run() is False
    assert [each for each in partner.asked if "TuThoiDiem" not in each] == about_people, "nobody is looked at again"
    assert state() == before
    anew = replace(connected)
    job_of(anew).run()
    with connected.read() as work:
        rows, _ = work.inbox.page(actor_of(connected).account_id, 50, None)
    assert [row.code for row in rows].count("document_void") == 1


def test_what_the_partner_tells_late_is_met_within_the_overlap(
    wallet: Wallet, connected: Wallet, clock: FixedClock, partner: Partner
) -> None:
    request, job = ask(connected), job_of(connected)
    clock.advance(minutes=10)
    moves(connected, at=clock.now())
    told = changes_of(wallet)
    partner.always = tells(
        lambda at, number: [each for each in told(at, number) if each[1] != AN], otherwise=people_of(wallet)
    )
    moves(connected, "sau", at=clock.now() + timedelta(seconds=1))
    clock.advance(minutes=4)
    job.run()
    assert revocation(connected, request) is None
    partner.always = tells(told, otherwise=people_of(wallet))
    clock.advance(seconds=20)
    job.run()
    assert revocation(connected, request) == "data_changed"


BAD: dict[str, Act] = {
    "not offered": raw(b"", status=404),
    "down": hangs_up,
    "busy": raw(b"{}", status=503),
    "silent": silent,
    "dripping": drips(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"),
    "no JSON": raw(b"<html>"),
    "of the future": says([{"SoDinhDanh": AN, "ThoiDiemCapNhat": "2026-03-09T00:00:00Z"}]),
    "no numbers": says([{"SoDinhDanh": None, "ThoiDiemCapNhat": "2026-03-02T05:00:00Z"}]),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_partner_that_tells_nothing_to_be_believed_stops_nothing_and_is_read_on_when_it_does(
    wallet: Wallet, connected: Wallet, clock: FixedClock, partner: Partner, bad: str
) -> None:
    request, licence, job = ask(connected), licence_of(connected), job_of(connected)
    job.run()
    people = people_of(wallet)

    def act(handler: Any, question: dict[str, Any]) -> None:
        (BAD[bad] if "TuThoiDiem" in question else people)(handler, question)

    partner.always = act
    clock.advance(minutes=10)
    moves(connected, at=clock.now())
    for _ in range(8):
        assert job.run() is False, "it waits for the next round"
        clock.advance(minutes=2)
    assert (revocation(connected, request), revocation(connected, licence)) == (None, None)
    (partner_register,) = connected.partners
    assert partner_register.status().last_reason.startswith("changes_")
    assert ask(connected, "sau").document_id, "whoever asks for a document is served"
    partner.always = tells(changes_of(wallet), otherwise=people)
    clock.advance(minutes=2)
    job.run()
    assert revocation(connected, request) == "data_changed"


def test_one_wrong_entry_holds_up_nobody(
    wallet: Wallet, connected: Wallet, clock: FixedClock, partner: Partner
) -> None:
    request, job = ask(connected), job_of(connected)
    clock.advance(minutes=10)
    moves(connected, at=clock.now())
    told = changes_of(wallet)
    wrong = [("2026-03-02T04:00:00Z", "an"), ("soon", STRANGER), (clock.now() - timedelta(seconds=1), STRANGER)]
    partner.always = tells(
        lambda at, number: [*wrong, *told(at, number), (clock.now() + timedelta(days=1), STRANGER)],
        otherwise=people_of(wallet),
    )
    job.run()
    assert revocation(connected, request) == "data_changed"


def test_pages_without_end_are_given_up_until_the_next_round(
    wallet: Wallet, connected: Wallet, clock: FixedClock, partner: Partner
) -> None:
    partner.always = tells(
        lambda at, _number: [(at + timedelta(microseconds=each + 1), STRANGER) for each in range(3)],
        otherwise=people_of(wallet),
    )
    watch = replace(connected.partner_watches["residence"], batch=3)
    runs = 1
    while watch.run():
        runs += 1
        assert runs < 100
    calls = partner.calls
    watch.run()
    assert partner.calls == calls + 1, "and goes on from there"
    assert partner.asked[-1]["TuThoiDiem"] > partner.asked[-2]["TuThoiDiem"]


def test_a_partner_that_hangs_holds_up_no_other_register(
    wallet: Wallet, clock: FixedClock, partner: Partner, tmp_path: Path
) -> None:
    """Each that tells has a job, and so a thread, of its own."""
    licence, partner.always = licence_of(wallet), silent
    entry = {"url": partner.url, "changes_url": partner.url, "read_seconds": 30, "budget_seconds": 30}
    with joined(wallet, tmp_path, residence=entry) as connected:
        hanging = Thread(target=job_of(connected).run)
        hanging.start()
        try:
            assert partner.reached.wait(20)
            clock.advance(minutes=10)
            deduct(connected)
            connected.register_watch.run()
            assert revocation(connected, licence) == "superseded"
            assert hanging.is_alive()
        finally:
            partner.ended.set()
            hanging.join()


def test_a_partner_that_does_not_tell_is_not_asked(
    wallet: Wallet, clock: FixedClock, partner: Partner, tmp_path: Path
) -> None:
    licence = licence_of(wallet)
    with joined(wallet, tmp_path, driving_licences={"url": partner.url}) as connected:
        assert connected.partner_watches == {}
        clock.advance(minutes=10)
        deduct(connected)
        for job in connected.jobs:
            if job.name == "registers" or job.name.startswith("changes"):
                job.run()
    assert partner.calls == 0
    assert revocation(wallet, licence) is None
