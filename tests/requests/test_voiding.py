"""Documents and registers: what a register changes voids what it must, at once, and nothing else."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.documents.people import actor_of, admin_of
from tests.documents.test_signing import Watched
from tests.enrolment.people import WIFE
from tests.requests.test_six_services import asking, offered
from tests.support import NOON, FixedClock
from tests.utilities.judicial_record import test_at_the_desk as judicial
from tests.utilities.judicial_record.test_at_the_desk import decide, seen
from wallet.demo.personas import persona
from wallet.documents.forms.offered import Form
from wallet.documents.holding import DocumentContent
from wallet.documents.models import DocumentRow
from wallet.documents.revoking import RevocationReason
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.requests.orders import About, RequestOrder, UtilityRequest
from wallet.requests.watching import WATCH, RegisterWatch
from wallet.settings import Settings
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.changes import BEGINNING, Change, EmbeddedChanges
from wallet.sources.ministry_models import DrivingLicence
from wallet.sources.models import Residence
from wallet.terms import Status
from wallet.utilities.base import Capacity, Claim, DocumentType, OnChange, Source
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.declared import StatedOtherwise
from wallet.wiring import Wallet

LATER = NOON + timedelta(minutes=5)
OTHER_DRIVER = "giay"
HEAD_OF_HOUSEHOLD = {"scope": "head_of_household"}


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
    """Let the residence register change what it says of a persona: another house, unless values say what else."""
    number, values = persona(key).number, values or {"permanent_line": "Số 1, phố Mới"}
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


def test_a_move_voids_the_confirmation_and_each_fact_that_is_so_no_more_within_the_minute(
    wallet: Wallet, clock: FixedClock
) -> None:
    """Docs/domain.md, section 8, case 23: CT07 void because of a later move."""
    whole, fact, still = (ask(wallet, answers=each) for each in ({}, {"scope": "lives_in_commune"}, HEAD_OF_HOUSEHOLD))
    other = ask(wallet, "sau")
    wallet.register_watch.run()
    assert verdict(wallet, whole) == ["ok"]
    clock.advance(minutes=10)
    moves(wallet, permanent_commune="Phường Láng", permanent_commune_code="00199")
    wallet.register_watch.run()
    assert revocation(wallet, whole) == revocation(wallet, fact) == "data_changed"
    assert (revocation(wallet, still), revocation(wallet, other)) == (None, None)
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
        assert work.voiding.look_at(persona("an").number, WATCH).ended == 0
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
    # What it could not look at is what it remembers, and not where it stopped: nobody waits behind it.
    up = RegisterWatch(
        wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, _places=watch._places, _again=watch._again
    )
    up.run()
    assert revocation(wallet, request) == "data_changed"
    assert up._again == {}


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
        assert work.voiding.look_at("099000000000", WATCH) == (0, ())


def test_a_document_whose_plug_in_is_gone_is_left_alone(wallet: Wallet) -> None:
    request = ask(wallet)
    without = replace(wallet, catalogue=Catalogue({}))
    with without.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    assert revocation(wallet, request) is None


def released(wallet: Wallet, **changes: Any) -> Wallet:
    """Return the wallet after a release in which the confirmation states one thing more, and says so by its version."""
    plugin = wallet.catalogue.plugin("residence")
    more = Claim(99, "household_head_number", source=Source.RESIDENCE, required=False)
    whole, *others = (kind for kind in plugin.utility.documents)
    claims = (*whole.claims, more)
    straight = tuple(claim for claim in claims if claim.source == Source.RESIDENCE)
    changes = {"void_if": StatedOtherwise(straight)} | changes
    whole = replace(whole, version=whole.version + 1, claims=claims, **changes)
    utility = replace(plugin.utility, documents=(whole, *others))
    plugins = {each.utility.code: each for each in wallet.catalogue} | {"residence": replace(plugin, utility=utility)}
    return replace(wallet, catalogue=Catalogue(plugins))


@pytest.mark.parametrize("changes", [{}, {"void_if": lambda _stated, _case: True}], ids=["its own look", "any change"])
def test_a_release_that_states_more_ends_no_document_of_the_one_before(
    wallet: Wallet, clock: FixedClock, changes: dict[str, Any]
) -> None:
    """The code of the former version is gone: what it declared is kept, and nothing else is compared."""
    request, after = ask(wallet), released(wallet, **changes)
    clock.advance(days=1)
    with after.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    if not changes:  # the register changed, in nothing that is stated
        moves(wallet, at=clock.now(), current_province_code="40")
        with after.work() as work:
            assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    assert revocation(wallet, request) is None
    assert verdict(wallet, request) == ["ok"]


@pytest.mark.parametrize("values", [{"permanent_commune": "Phường Láng"}, {"temporary_since": date(2026, 3, 1)}])
def test_after_a_release_what_the_document_declared_still_ends_it(
    wallet: Wallet, clock: FixedClock, values: dict[str, Any]
) -> None:
    """Also what it did not state because there was none: An had no temporary residence."""
    request, after = ask(wallet), released(wallet)
    clock.advance(days=1)
    moves(wallet, at=clock.now(), **values)
    with after.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 1
    assert revocation(wallet, request) == "data_changed"


def test_a_document_whose_look_fails_keeps_no_other_of_its_holder(wallet: Wallet, clock: FixedClock) -> None:
    """What a plug-in raises is of one document: the licence's look fails, the confirmation ends."""

    def fails(_stated: Any, _case: Any) -> bool:
        raise ZeroDivisionError

    licence, whole = licence_of(wallet), ask(wallet)
    plugins = {each.utility.code: each for each in wallet.catalogue}
    plugin = plugins["driving_licence"]
    kinds = tuple(replace(kind, void_if=fails) for kind in plugin.utility.documents)
    plugins["driving_licence"] = replace(plugin, utility=replace(plugin.utility, documents=kinds))
    mad = replace(wallet, catalogue=Catalogue(plugins))
    clock.advance(minutes=10)
    deduct(wallet)
    moves(wallet, at=clock.now())
    watch = RegisterWatch(mad.tries, mad.changes, mad.catalogue, mad.clock)
    watch.run()
    assert (revocation(wallet, licence), revocation(wallet, whole)) == (None, "data_changed")
    assert set(watch._again) == {persona("an").number}
    clock.advance(days=2)
    assert mad.account_sweep.run().failed == 0
    assert revocation(wallet, licence) is None
    well = RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, _again=watch._again)
    well.run()
    assert revocation(wallet, licence) == "superseded"
    assert well._again == {}


# --- Made anew ------------------------------------------------------------------------------------------------------


def licence_of(wallet: Wallet, key: str = "an") -> UtilityRequest:
    """Issue a driving licence to a persona who has one."""
    with wallet.work() as work:
        work.links.make("driving_licence", actor_of(wallet, key))
    (licence,) = offered(wallet, "driving_licence", "licence_number", key)
    return asking(wallet, "driving_licence", {"licence_number": licence["licence_number"]}, key)


def deduct(wallet: Wallet, key: str = "an", **values: Any) -> None:
    """Let the register of licences change what it says of a persona now."""
    number, values = persona(key).number, {"points": 7, **values}
    with wallet.nation.write() as session:
        session.execute(
            update(DrivingLicence)
            .where(DrivingLicence.number == number)
            .values(updated_at=wallet.clock.now(), **values)
        )


def documents_of(wallet: Wallet, request: UtilityRequest) -> list[DocumentRow]:
    """Return what came of a request, the first document first."""
    with wallet.db.read() as session:
        found = session.scalars(select(DocumentRow).where(DocumentRow.request_id == request.id))
        rows = sorted(found, key=lambda row: row.renewal)
        session.expunge_all()
    return rows


def content_of(wallet: Wallet, document_id: str, key: str = "an") -> DocumentContent:
    with wallet.read() as work:
        return work.holding.content(document_id, actor_of(wallet, key))


def reasons(wallet: Wallet, document_id: str, key: str = "an") -> list[str]:
    return list(wallet.checking.check(content_of(wallet, document_id, key).code)["reasons"])


def test_s46_an_amended_record_makes_a_new_document_and_supersedes_the_old_within_the_minute(
    wallet: Wallet, clock: FixedClock
) -> None:
    request = licence_of(wallet)
    wallet.register_watch.run()
    clock.advance(minutes=10)
    changed_at = clock.now()
    deduct(wallet)
    (job,) = [job for job in wallet.jobs if job.name == "registers"]
    clock.advance(job.every)
    job.run()
    old, new = documents_of(wallet, request)
    assert clock.now() - changed_at <= timedelta(seconds=60)
    assert new.signed_at is not None
    assert new.signed_at - changed_at <= timedelta(seconds=60)
    assert (old.revocation_reason, old.revoked_at) == ("superseded", clock.now())
    assert (new.revoked_at, new.renewal) == (None, 1)
    assert (new.status_list, new.status_index) != (old.status_list, old.status_index)
    assert content_of(wallet, old.id).claims["points"] != content_of(wallet, new.id).claims["points"] == 7
    clock.advance(seconds=1)
    assert (reasons(wallet, old.id), reasons(wallet, new.id)) == (["revoked", "superseded"], ["ok"])
    assert clock.now() - changed_at <= timedelta(seconds=60), "both states are seen by then"
    with wallet.read() as work:
        assert work.requests.get(request.id, actor_of(wallet)).request.document_id == new.id
        told, _ = work.inbox.page(actor_of(wallet).account_id, 50, None)
    assert [row.code for row in told].count("document_renewed") == 1
    assert "document_void" not in {row.code for row in told}
    assert wallet.reverifying.run().mismatch is None


def test_s46_looking_again_makes_nothing_anew(wallet: Wallet, clock: FixedClock) -> None:
    request = licence_of(wallet)
    clock.advance(minutes=10)
    deduct(wallet)
    wallet.register_watch.run()
    clock.advance(seconds=20)
    for _ in range(2):
        replace(wallet).register_watch.run()
        with wallet.work() as work:
            assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["superseded", None]


def test_s46_each_change_makes_one_more(wallet: Wallet, clock: FixedClock) -> None:
    request = licence_of(wallet)
    for points in (9, 7, 5):
        clock.advance(minutes=10)
        deduct(wallet, points=points)
        wallet.register_watch.run()
    rows = documents_of(wallet, request)
    assert [row.revocation_reason for row in rows] == ["superseded"] * 3 + [None]
    assert [content_of(wallet, row.id).claims["points"] for row in rows[1:]] == [9, 7, 5]


def test_s46_of_two_processes_that_see_a_change_one_makes_the_document(wallet: Wallet, clock: FixedClock) -> None:
    request = licence_of(wallet)
    clock.advance(minutes=10)
    deduct(wallet)
    watches = [RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock) for _ in range(4)]
    threads = [threading.Thread(target=watch.run) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [watch._again for watch in watches] == [{}] * 4
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["superseded", None]


@pytest.mark.parametrize(
    "values",
    [
        {"state": "held"},
        {"state": "suspended"},
        {"full_name": "LE THI HOA"},
        {"licence_number": "099190000009"},
    ],
)
def test_where_nobody_could_apply_today_the_document_is_void_and_none_is_made(
    wallet: Wallet, clock: FixedClock, values: dict[str, Any]
) -> None:
    request = licence_of(wallet)
    clock.advance(minutes=10)
    deduct(wallet, **values)
    wallet.register_watch.run()
    (row,) = documents_of(wallet, request)
    assert row.revocation_reason == "data_changed"
    clock.advance(seconds=2)
    assert reasons(wallet, row.id) == ["revoked"]
    with wallet.read() as work:
        told, _ = work.inbox.page(actor_of(wallet).account_id, 50, None)
    assert [row.code for row in told].count("document_void") == 1


def test_what_is_paused_makes_nothing_anew_and_what_is_untrue_ends_all_the_same(
    wallet: Wallet, clock: FixedClock
) -> None:
    request = licence_of(wallet)
    with wallet.work() as work:
        work.launching.pause("driving_licence", "It states wrong points.", None, admin_of(wallet))
    clock.advance(minutes=10)
    deduct(wallet)
    wallet.register_watch.run()
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["data_changed"]
    with pytest.raises(Conflict) as refused:
        licence_of(wallet)
    assert refused.value.code == "utility_disabled"


def test_a_locked_account_gets_no_new_document(wallet: Wallet, clock: FixedClock) -> None:
    request, actor = licence_of(wallet), actor_of(wallet)
    with wallet.work() as work:
        work.locking.lock_own(actor)
    clock.advance(minutes=10)
    deduct(wallet)
    wallet.register_watch.run()
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["data_changed"]


def test_a_signer_that_is_away_leaves_the_new_document_to_be_signed_and_the_old_one_superseded(
    wallet: Wallet, clock: FixedClock
) -> None:
    request = licence_of(wallet)
    watched, real = Watched(wallet.signing.signer(), away=True), wallet.signing
    wallet.__dict__["signing"] = replace(real, signer=lambda: watched)
    clock.advance(minutes=10)
    deduct(wallet)
    wallet.register_watch.run()
    old, new = documents_of(wallet, request)
    assert (old.revocation_reason, new.signed_at) == ("superseded", None)
    watched.away = False
    clock.advance(seconds=20)
    wallet.register_watch.run()
    wallet.signing.run()
    clock.advance(seconds=2)
    assert [row.id for row in documents_of(wallet, request)] == [old.id, new.id]
    assert reasons(wallet, new.id) == ["ok"]


def test_a_renewal_that_fails_half_way_changes_nothing_and_is_tried_again(wallet: Wallet, clock: FixedClock) -> None:
    """The status lists are full for a moment: the old document must not end without the new one."""
    request = licence_of(wallet)
    clock.advance(minutes=10)
    deduct(wallet)
    watch = RegisterWatch(lambda: _failing(wallet), wallet.changes, wallet.catalogue, wallet.clock)
    watch.run()
    assert [row.revocation_reason for row in documents_of(wallet, request)] == [None]
    assert set(watch._again) == {persona("an").number}
    again = RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, _places=watch._places)
    again.run()
    assert [row.revocation_reason for row in documents_of(wallet, request)] == [None], "it is told no second time"
    again._again.update(watch._again)
    again.run()
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["superseded", None]
    assert again._again == {}


def _failing(wallet: Wallet) -> Iterator[Any]:
    """Give transactions in which no index is left."""

    class Full:
        def reserve(self) -> None:
            raise Unavailable("status_lists_full")

    @contextmanager
    def begin() -> Iterator[Any]:
        with wallet.work() as work:
            work.documents.__dict__["indices"] = Full()
            yield work

    yield begin()


def test_a_renewal_is_no_extension(wallet: Wallet, clock: FixedClock) -> None:
    """Where a kind has no end of its own, the new document ends with the old one."""
    real = wallet.catalogue.get("residence")
    kind = replace(real.document("residence"), on_change=OnChange.RENEW)
    utility = replace(real, documents=(kind, *real.documents[1:]))
    plugins = {plugin.utility.code: plugin for plugin in wallet.catalogue}
    renewing = replace(
        wallet, catalogue=Catalogue({**plugins, "residence": replace(plugins["residence"], utility=utility)})
    )
    request = ask(renewing)
    clock.advance(days=30)
    moves(renewing, at=clock.now(), permanent_line="Số 1, phố Mới")
    renewing.register_watch.run()
    old, new = documents_of(renewing, request)
    assert (old.revocation_reason, new.revocation_reason) == ("superseded", None)
    assert new.expires_at == old.expires_at
    assert new.issued_at > old.issued_at


def test_copies_of_what_was_superseded_are_revoked_with_it(wallet: Wallet, clock: FixedClock) -> None:
    request = licence_of(wallet)
    copy = wallet.copying.copy(request.document_id or "", Form.PDF, None, actor_of(wallet))
    clock.advance(minutes=10)
    deduct(wallet)
    wallet.register_watch.run()
    wallet.board.refresh(force=True)
    list_id, index = copy.place
    assert wallet.board.lists[list_id].get(index) is Status.INVALID
    assert wallet.board.lists[list_id].is_superseded(index)


# --- What could not be looked at ------------------------------------------------------------------------------------


class Mad:
    """A register whose answer nobody foresaw."""

    code = RegisterCode.DRIVING_LICENCES

    def read(self, number: str, ground: Ground) -> Facts:
        raise KeyError("no such column")


def test_one_whose_look_fails_keeps_nobody_waiting_and_is_looked_at_again(wallet: Wallet, clock: FixedClock) -> None:
    licence, other = licence_of(wallet), ask(wallet, "sau")
    clock.advance(minutes=10)
    deduct(wallet)
    moves(wallet, "sau", at=clock.now())
    mad = replace(wallet, registers={**wallet.registers, RegisterCode.DRIVING_LICENCES: Mad()})
    watch = RegisterWatch(mad.tries, wallet.changes, wallet.catalogue, wallet.clock)
    watch.run()
    assert revocation(wallet, licence) is None
    assert revocation(wallet, other) == "data_changed"
    assert {number: again.tries for number, again in watch._again.items()} == {persona("an").number: 0}
    watch.run()
    waiting = watch._again[persona("an").number]
    assert (waiting.tries, waiting.at) == (1, clock.now() + timedelta(seconds=20))
    watch.run()
    assert watch._again[persona("an").number] == waiting, "not before its time"
    for _ in range(12):
        clock.advance(minutes=10)
        watch.run()
    assert watch._again[persona("an").number].at - clock.now() == timedelta(minutes=10), "and never later than this"
    clock.advance(minutes=10)
    well = RegisterWatch(
        wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, _places=watch._places, _again=watch._again
    )
    well.run()
    assert revocation(wallet, licence) == "superseded"
    assert well._again == {}


def test_a_register_that_is_down_keeps_the_documents_of_no_other(wallet: Wallet, clock: FixedClock) -> None:
    """An has a licence and a confirmation of residence; the register of residence does not answer."""
    licence, residence = licence_of(wallet), ask(wallet)
    clock.advance(minutes=10)
    deduct(wallet)
    moves(wallet, at=clock.now())
    down = replace(wallet, registers={**wallet.registers, RegisterCode.RESIDENCE: Down()})
    watch = RegisterWatch(down.tries, wallet.changes, wallet.catalogue, wallet.clock)
    watch.run()
    assert (revocation(wallet, licence), revocation(wallet, residence)) == ("superseded", None)
    assert set(watch._again) == {persona("an").number}
    replace(wallet).register_watch.run()
    assert revocation(wallet, residence) == "data_changed"


def test_what_waits_for_too_many_is_told_again_later(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wallet.requests import watching

    monkeypatch.setattr(watching, "MOST_AGAIN", 1)
    first, second = ask(wallet), ask(wallet, "sau")
    clock.advance(minutes=10)
    for key in ("an", "sau"):
        moves(wallet, key, at=clock.now())
    down = replace(wallet, registers={**wallet.registers, RegisterCode.RESIDENCE: Down()})
    watch = RegisterWatch(down.tries, wallet.changes, wallet.catalogue, wallet.clock)
    assert watch.run() is False
    assert len(watch._again) == 1
    up = RegisterWatch(
        wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, _places=watch._places, _again=watch._again
    )
    up.run()
    assert (revocation(wallet, first), revocation(wallet, second)) == ("data_changed", "data_changed")


# --- Committed late -------------------------------------------------------------------------------------------------


@contextmanager
def deducting(wallet: Wallet, key: str = "an") -> Iterator[None]:
    """Deduct now, and commit when the block ends. SQLite lets in one writer: there it is written only then, too."""
    at, number = wallet.clock.now(), persona(key).number
    late = update(DrivingLicence).where(DrivingLicence.number == number).values(updated_at=at, points=7)
    if wallet.nation.is_sqlite:
        yield
    with wallet.nation.write() as session:
        session.execute(late)
        session.flush()
        if not wallet.nation.is_sqlite:
            yield


class Counted:
    """Counts the transactions in which somebody is looked at."""

    def __init__(self, wallet: Wallet) -> None:
        self.wallet, self.looks = wallet, 0

    def tries(self) -> Iterator[Any]:
        self.looks += 1
        return self.wallet.tries()


def counting(wallet: Wallet, **values: Any) -> tuple[Counted, RegisterWatch]:
    counted = Counted(wallet)
    return counted, RegisterWatch(counted.tries, wallet.changes, wallet.catalogue, wallet.clock, **values)


def test_s46_a_change_that_is_committed_late_is_superseded_by_the_next_look_and_once(
    wallet: Wallet, clock: FixedClock
) -> None:
    request = licence_of(wallet)
    counted, watch = counting(wallet)
    watch.run()
    clock.advance(minutes=10)
    looks = counted.looks
    with deducting(wallet):
        clock.advance(minutes=4)
        moves(wallet, "sau", at=clock.now())
        deduct(wallet, OTHER_DRIVER)
        watch.run()
        assert [row.revocation_reason for row in documents_of(wallet, request)] == [None]
        assert (looks := counted.looks) > 0
    clock.advance(seconds=20)
    watch.run()
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["superseded", None]
    assert counted.looks == looks + 1, "what was met is read again and nobody is looked at again for it"
    for _ in range(20):
        clock.advance(seconds=20)
        assert watch.run() is False
    assert counted.looks == looks + 1
    assert [row.revocation_reason for row in documents_of(wallet, request)] == ["superseded", None]


@pytest.mark.parametrize(
    ("overlap", "late", "found"), [(300, 299, True), (300, 301, False), (0, 1, False), (3600, 3000, True)]
)
def test_what_is_committed_later_than_the_overlap_is_left_to_the_daily_look(
    deployment: Settings, clock: FixedClock, overlap: int, late: int, found: bool
) -> None:
    wallet = Wallet.build(replace(deployment, register_overlap_seconds=overlap), clock=clock)
    request = licence_of(wallet)
    clock.advance(hours=2)
    with deducting(wallet):
        clock.advance(seconds=late)
        deduct(wallet, OTHER_DRIVER)
        wallet.register_watch.run()
    wallet.register_watch.run()
    assert revocation(wallet, request) == ("superseded" if found else None)
    clock.advance(days=2)
    wallet.account_sweep.run()
    assert revocation(wallet, request) == "superseded"
    wallet.close()


def test_a_change_of_tomorrow_hides_none_of_today(wallet: Wallet, clock: FixedClock) -> None:
    """The clock of a register is wrong, or somebody's typing was."""
    request = licence_of(wallet)
    counted, watch = counting(wallet)
    clock.advance(minutes=10)
    number = persona(OTHER_DRIVER).number
    with wallet.nation.write() as session:
        row = update(DrivingLicence).where(DrivingLicence.number == number)
        session.execute(row.values(updated_at=clock.now() + timedelta(days=1)))
    watch.run()
    clock.advance(minutes=10)
    deduct(wallet)
    looks = counted.looks
    watch.run()
    watch.run()
    assert revocation(wallet, request) == "superseded"
    assert counted.looks == looks + 1


def test_what_is_read_again_comes_to_an_end(wallet: Wallet, clock: FixedClock) -> None:
    """Two registers with several pages each: neither begins anew because of the other."""
    licence, residence = licence_of(wallet), ask(wallet)
    counted, watch = counting(wallet, batch=1)
    clock.advance(minutes=10)
    for key in ("an", OTHER_DRIVER):
        deduct(wallet, key)
    for key in ("an", "sau", "doi"):
        moves(wallet, key, at=clock.now())
    since = Change(NOON, "")
    told = [wallet.changes.after(code, since, 100) for code in (RegisterCode.RESIDENCE, RegisterCode.DRIVING_LICENCES)]
    assert min(map(len, told)) > 1
    pages = pages_of(watch)
    assert pages == max(map(len, told)), "a page each, side by side"
    assert (revocation(wallet, licence), revocation(wallet, residence)) == ("superseded", "data_changed")
    looks = counted.looks
    clock.advance(seconds=20)
    assert pages_of(watch) == pages
    assert counted.looks == looks


def pages_of(watch: RegisterWatch) -> int:
    """Let it go on as the job does; return how often there was more."""
    for pages in range(100):
        if not watch.run():
            return pages
    raise AssertionError("it comes to no end")


def test_a_register_with_much_to_tell_keeps_no_other_from_being_read(wallet: Wallet, clock: FixedClock) -> None:
    licence = licence_of(wallet)
    watch = RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, batch=1)
    while watch.run():
        pass
    clock.advance(minutes=10)
    for key in ("sau", "doi", OTHER_DRIVER):
        moves(wallet, key, at=clock.now())
    assert watch.run() is True
    clock.advance(seconds=20)
    deduct(wallet)
    assert watch.run() is True
    assert revocation(wallet, licence) == "superseded"
    assert watch._places[RegisterCode.RESIDENCE].reading, "there was more of it all the while"


def test_a_register_that_goes_down_between_two_pages_keeps_no_other_waiting(wallet: Wallet, clock: FixedClock) -> None:
    """And when it answers again, what it had not told yet is told."""
    licence, residence = licence_of(wallet), ask(wallet, "sau")

    class Breaking:
        down = False

        def after(self, register: str, last: Change, limit: int) -> Sequence[Change]:
            if self.down and register == RegisterCode.RESIDENCE:
                raise Unavailable("source_unavailable", 5)
            return wallet.changes.after(register, last, limit)

    breaking = Breaking()
    watch = RegisterWatch(wallet.tries, breaking, wallet.catalogue, wallet.clock, batch=1)
    while watch.run():
        pass
    clock.advance(minutes=10)
    moves(wallet, "doi", at=clock.now() - timedelta(seconds=1))
    moves(wallet, "sau", at=clock.now())
    assert watch.run() is True
    breaking.down = True
    deduct(wallet)
    clock.advance(seconds=20)
    while watch.run():
        pass
    assert (revocation(wallet, licence), revocation(wallet, residence)) == ("superseded", None)
    breaking.down = False
    clock.advance(seconds=20)
    while watch.run():
        pass
    assert revocation(wallet, residence) == "data_changed"


# --- About somebody else --------------------------------------------------------------------------------------------


class Telling:
    """A register that tells one change, of whoever it is."""

    def __init__(self, register: str, change: Change) -> None:
        self.register, self.change = register, change

    def after(self, register: str, last: Change, limit: int) -> Sequence[Change]:
        return [self.change] if register == self.register and self.change > last else []


def of_wife(wallet: Wallet) -> UtilityRequest:
    """Issue An a certificate No. 1 about his wife, over the desk."""
    answers = {"kind": "no_1", "purpose": "job_application", "copies": "electronic", "ban_information": False}
    about = About(WIFE, "Lê Thị Mẫu Hòa", "1992-03-08")
    sent = judicial.ask(wallet, "an", answers, capacity=Capacity.PROXY, about=about)
    judicial.pay(wallet, sent, "an")
    decide(wallet, sent, "accept", "approve")
    return seen(wallet, sent, "an").request


def convicted(wallet: Wallet) -> Wallet:
    return saying(wallet, RegisterCode.CRIMINAL_RECORDS, {"convictions": (STANDING,), "bans": ()}, wallet.clock.now())


def test_a_document_about_another_is_watched_by_their_number(wallet: Wallet, clock: FixedClock) -> None:
    clean = saying(wallet, RegisterCode.CRIMINAL_RECORDS, {"convictions": (), "bans": ()}, NOON - timedelta(days=9))
    request, own = of_wife(clean), ask(wallet)
    with wallet.read() as work:
        row = work.document_rows.get(request.document_id or "")
        assert row is not None
        assert row.about_index == work.holders.fingerprint(WIFE)
        assert work.document_rows.get(own.document_id or "").about_index is None  # type: ignore[union-attr]
    clock.advance(minutes=10)
    changed = convicted(wallet)
    for number, ended in ((persona("an").number, None), (WIFE, "data_changed")):
        told = Telling(RegisterCode.CRIMINAL_RECORDS, Change(clock.now(), number))
        RegisterWatch(changed.tries, told, wallet.catalogue, wallet.clock).run()
        assert revocation(wallet, request) == ended
    assert revocation(wallet, own) is None


def test_one_of_the_time_before_numbers_were_kept_is_found_by_the_daily_look_and_watched_from_then(
    wallet: Wallet, clock: FixedClock
) -> None:
    clean = saying(wallet, RegisterCode.CRIMINAL_RECORDS, {"convictions": (), "bans": ()}, NOON - timedelta(days=9))
    request = of_wife(clean)
    with wallet.db.write() as session:
        session.execute(update(DocumentRow).values(about_index=None))
    with clean.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    with wallet.read() as work:
        assert [row.id for row in work.document_rows.unrevoked_about(work.holders.fingerprint(WIFE))] == [
            request.document_id
        ]
    clock.advance(minutes=10)
    told = Telling(RegisterCode.CRIMINAL_RECORDS, Change(clock.now(), WIFE))
    RegisterWatch(convicted(wallet).tries, told, wallet.catalogue, wallet.clock).run()
    assert revocation(wallet, request) == "data_changed"


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
    told = wallet.changes.after(RegisterCode.RESIDENCE, Change(NOON, ""), 100)
    watch = RegisterWatch(wallet.tries, wallet.changes, wallet.catalogue, wallet.clock, batch=len(told) - 1)
    assert [watch.run(), watch.run()] == [True, False]


def test_every_register_that_voids_something_can_tell_of_a_change(wallet: Wallet) -> None:
    kinds: list[DocumentType] = [kind for plugin in wallet.catalogue for kind in plugin.utility.documents]
    changes = EmbeddedChanges(wallet.nation)
    for register in {code for kind in kinds for code in kind.void_when}:
        assert changes.after(register, Change(datetime(2000, 1, 1, tzinfo=UTC), ""), 1), register
