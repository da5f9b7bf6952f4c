"""Documents and registers: what a register changes voids what it must, at once, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.documents.people import actor_of, admin_of
from tests.support import NOON, FixedClock
from tests.utilities.judicial_record.test_at_the_desk import decide, seen
from wallet.demo.personas import persona
from wallet.documents.models import DocumentRow
from wallet.documents.revoking import RevocationReason
from wallet.errors import NotFound, Unavailable
from wallet.requests.orders import RequestOrder, UtilityRequest
from wallet.requests.watching import WATCH, RegisterWatch
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.changes import BEGINNING, Change, EmbeddedChanges
from wallet.sources.models import Residence
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

LATER = NOON + timedelta(minutes=5)


def ask(wallet: Wallet, key: str = "an", answers: Mapping[str, Any] | None = None) -> UtilityRequest:
    with wallet.work() as work:
        return work.requests.submit(RequestOrder("residence", answers or {}), actor_of(wallet, key))


def revocation(wallet: Wallet, request: UtilityRequest) -> str | None:
    with wallet.db.read() as session:
        row = session.get(DocumentRow, request.document_id)
        assert row is not None
        assert (row.revoked_at is None) is (row.revocation_reason is None)
        return row.revocation_reason


def verdict(wallet: Wallet, request: UtilityRequest, key: str = "an") -> list[str]:
    with wallet.read() as work:
        content = work.holding.content(request.document_id or "", actor_of(wallet, key))
    return list(wallet.checking.check(content.code)["reasons"])


def moves(wallet: Wallet, key: str = "an", at: datetime = LATER, **values: Any) -> None:
    """Let the residence register change what it says of a persona."""
    number = persona(key).number
    with wallet.nation.write() as session:
        session.execute(update(Residence).where(Residence.number == number).values(updated_at=at, **values))


class Says:
    """A register that says one thing of whoever is asked for, at one time; or nothing."""

    def __init__(self, code: RegisterCode, values: Mapping[str, Any] | None, as_of: datetime) -> None:
        self.code, self.values, self.as_of = code, values, as_of

    def read(self, number: str, ground: Ground) -> Facts:
        if self.values is None:
            raise NotFound("person_unknown")
        return Facts(self.code, self.values, self.as_of)


class Down:
    code = RegisterCode.RESIDENCE

    def read(self, number: str, ground: Ground) -> Facts:
        raise Unavailable("source_unavailable", 5)


def saying(wallet: Wallet, code: RegisterCode, values: Mapping[str, Any] | None, as_of: datetime) -> Wallet:
    return replace(wallet, registers={**wallet.registers, code: Says(code, values, as_of)})


# --- A move ---------------------------------------------------------------------------------------------------------


def test_a_move_voids_the_confirmation_and_every_single_fact_within_the_minute(
    wallet: Wallet, clock: FixedClock
) -> None:
    """Docs/domain.md, section 8, case 23: CT07 void because of a later move."""
    whole, fact = ask(wallet), ask(wallet, answers={"scope": "head_of_household"})
    other = ask(wallet, "sau")
    wallet.register_watch.run()
    assert verdict(wallet, whole) == ["ok"]
    clock.advance(minutes=10)
    moves(wallet, permanent_line="Số 1, phố Mới")
    wallet.register_watch.run()
    assert revocation(wallet, whole) == revocation(wallet, fact) == "data_changed"
    assert revocation(wallet, other) is None
    clock.advance(seconds=2)
    assert verdict(wallet, whole) == ["revoked"]


def test_a_new_confirmation_after_the_move_stays(wallet: Wallet, clock: FixedClock) -> None:
    ask(wallet)
    clock.advance(minutes=10)
    moves(wallet, permanent_line="Số 1, phố Mới")
    wallet.register_watch.run()
    again = ask(wallet)
    wallet.register_watch.run()
    with wallet.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    assert revocation(wallet, again) is None


def test_the_holder_is_told(wallet: Wallet, clock: FixedClock) -> None:
    ask(wallet)
    clock.advance(minutes=10)
    moves(wallet)
    wallet.register_watch.run()
    with wallet.read() as work:
        rows, _ = work.inbox.page(actor_of(wallet).account_id, 50, None)
    assert [row.code for row in rows].count("document_void") == 1


def test_the_daily_look_finds_what_no_word_was_given_of(wallet: Wallet, clock: FixedClock) -> None:
    request = ask(wallet)
    moves(wallet, at=NOON - timedelta(days=400))  # entered late, with an old day: no word of it comes
    wallet.register_watch.run()
    assert revocation(wallet, request) is None
    clock.advance(days=2)
    wallet.account_sweep.run()
    assert revocation(wallet, request) == "data_changed"


def test_looking_again_changes_nothing(wallet: Wallet, clock: FixedClock, state: Any) -> None:
    ask(wallet)
    clock.advance(minutes=10)
    moves(wallet)
    wallet.register_watch.run()
    before = {table: rows for table, rows in state().items() if table not in ("audit", "audit_events")}
    with wallet.work() as work:
        assert work.voiding.look_at(persona("an").number, WATCH) == 0
    replace(wallet).register_watch.run()
    after = {table: rows for table, rows in state().items() if table not in ("audit", "audit_events")}
    assert [table for table in before if "audit" not in table and before[table] != after[table]] == []


def test_whom_the_register_forgot_has_no_confirmation(wallet: Wallet) -> None:
    request = ask(wallet)
    forgotten = saying(wallet, RegisterCode.RESIDENCE, None, NOON)
    with forgotten.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 1
    assert revocation(wallet, request) == "data_changed"


def test_a_register_that_is_down_voids_nothing_and_is_asked_again(wallet: Wallet, clock: FixedClock) -> None:
    request = ask(wallet)
    clock.advance(minutes=10)
    moves(wallet)
    down = replace(wallet, registers={**wallet.registers, RegisterCode.RESIDENCE: Down()})
    watch = RegisterWatch(down.tries, wallet.changes, wallet.catalogue, wallet.clock)
    assert watch.run() is False
    assert revocation(wallet, request) is None
    up = RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, _told=watch._told)
    up.run()
    assert revocation(wallet, request) == "data_changed"


def test_a_register_that_is_down_keeps_nobody_from_the_daily_look(wallet: Wallet, clock: FixedClock) -> None:
    request = ask(wallet)
    clock.advance(days=2)
    down = replace(wallet, registers={**wallet.registers, RegisterCode.RESIDENCE: Down()})
    report = down.account_sweep.run()
    assert report.registers_answered
    assert report.failed == 0
    assert report.done["checked"] > 0
    assert revocation(wallet, request) is None


def test_an_expired_or_revoked_document_is_left_alone(wallet: Wallet, clock: FixedClock) -> None:
    expired, revoked = ask(wallet, "sau"), ask(wallet)
    with wallet.work() as work:
        work.revoking.revoke(revoked.document_id or "", RevocationReason.FRAUD, admin_of(wallet))
    clock.advance(days=400)
    for key in ("an", "sau"):
        moves(wallet, key, at=clock.now())
    wallet.register_watch.run()
    assert (revocation(wallet, expired), revocation(wallet, revoked)) == (None, "fraud")


def test_a_stranger_of_the_wallet_is_no_fault(wallet: Wallet) -> None:
    with wallet.work() as work:
        assert work.voiding.look_at("099000000000", WATCH) == 0


def test_a_document_whose_plug_in_is_gone_is_left_alone(wallet: Wallet) -> None:
    request = ask(wallet)
    without = replace(wallet, catalogue=Catalogue({}))
    with without.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    assert revocation(wallet, request) is None


# --- Judicial records: an end must not tell -------------------------------------------------------------------------

EXPUNGED = {
    "judgment_number": "1/2009/HS-ST",
    "judged_on": date(2009, 1, 5),
    "court": "Tòa án nhân dân mẫu",
    "offence": "Trộm cắp tài sản",
    "penalty": "6 tháng tù",
    "expunged_on": date(2014, 1, 5),
}
STANDING = {name: value for name, value in EXPUNGED.items() if name != "expunged_on"}


@pytest.mark.parametrize(
    ("kind", "now", "void"),
    [
        ("no_1", (EXPUNGED,), False),
        ("no_1", (EXPUNGED, {**EXPUNGED, "court": "Tòa án nhân dân khác"}), False),
        ("no_1", (STANDING,), True),
        ("no_2", (EXPUNGED,), True),
    ],
)
def test_a_change_of_what_no_1_leaves_out_does_not_end_it(
    wallet: Wallet, clock: FixedClock, kind: str, now: tuple[Any, ...], void: bool
) -> None:
    clean = saying(wallet, RegisterCode.CRIMINAL_RECORDS, {"convictions": (), "bans": ()}, NOON - timedelta(days=9))
    request = _certificate(clean, kind)
    changed = saying(wallet, RegisterCode.CRIMINAL_RECORDS, {"convictions": now, "bans": ()}, clock.now())
    clock.advance(minutes=10)
    with changed.work() as work:
        assert work.voiding.look(actor_of(wallet, "sau").holder_id or "", WATCH) == int(void)
    assert revocation(wallet, request) == ("data_changed" if void else None)


def test_a_newer_certificate_takes_the_place_of_the_older_of_its_kind_and_of_no_other(wallet: Wallet) -> None:
    clean = saying(wallet, RegisterCode.CRIMINAL_RECORDS, {"convictions": (), "bans": ()}, NOON)
    first, second = _certificate(clean, "no_1"), _certificate(clean, "no_2")
    residence = ask(wallet, "sau")
    newer = _certificate(clean, "no_1")
    assert revocation(wallet, first) == "superseded"
    assert [revocation(wallet, each) for each in (second, residence, newer)] == [None, None, None]


def _certificate(wallet: Wallet, kind: str) -> UtilityRequest:
    """Issue a certificate to an elder of Hà Nội, who pays nothing, over the desk."""
    answers = {"kind": kind, "purpose": "visa", "copies": "electronic"}
    answers |= {"occupations": [{"from_day": "1970-01-01", "job": "Nông dân"}]}
    if kind == "no_1":
        answers["ban_information"] = False
    with wallet.work() as work:
        sent = work.requests.submit(RequestOrder("judicial_record", answers), actor_of(wallet, "sau"))
    decide(wallet, sent, "accept", "approve")
    return seen(wallet, sent, "sau").request


# --- The registers' word --------------------------------------------------------------------------------------------


def test_changes_are_told_in_order_and_each_once(wallet: Wallet) -> None:
    changes = EmbeddedChanges(wallet.nation)
    told: list[Change] = []
    while page := changes.after(RegisterCode.RESIDENCE, told[-1] if told else Change(BEGINNING, ""), 500):
        told += page
    assert told == sorted(set(told))
    assert persona("an").number in {change.number for change in told}
    assert all(change.at.tzinfo is not None for change in told)


def test_a_register_that_tells_nothing_has_no_changes(wallet: Wallet) -> None:
    assert EmbeddedChanges(wallet.nation).after(RegisterCode.SUBSCRIBERS, Change(BEGINNING, ""), 10) == ()
    assert EmbeddedChanges(wallet.nation).after("no_such", Change(BEGINNING, ""), 10) == ()
    elsewhere = EmbeddedChanges(wallet.nation, frozenset({RegisterCode.RESIDENCE}))
    assert elsewhere.after(RegisterCode.RESIDENCE, Change(BEGINNING, ""), 10) == ()


def test_more_than_a_batch_is_more_to_do(wallet: Wallet) -> None:
    for key in ("an", "sau", "doi"):
        moves(wallet, key, at=LATER)
    watch = RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, batch=2)
    assert [watch.run(), watch.run()] == [True, False]


def test_every_register_that_voids_something_can_tell_of_a_change(wallet: Wallet) -> None:
    kinds: list[DocumentType] = [kind for plugin in wallet.catalogue for kind in plugin.utility.documents]
    changes = EmbeddedChanges(wallet.nation)
    for register in {code for kind in kinds for code in kind.void_when}:
        assert changes.after(register, Change(datetime(2000, 1, 1, tzinfo=UTC), ""), 1), register
