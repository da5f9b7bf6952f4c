"""Utilities as data in a running wallet: two admins, every process in seconds, each version for good."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.documents.people import admin_of
from tests.support import FixedClock
from tests.utilities.definitions import broken, definition, words
from wallet.audit import AuditEvent
from wallet.defining.board import LOOK_EVERY
from wallet.defining.defining import Definition
from wallet.defining.models import UtilityDefinition
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, UnknownUtility
from wallet.launching.models import Approval
from wallet.terms import StaffRole
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

CODE = "library_card"
WITHIN = timedelta(seconds=5)


def propose(wallet: Wallet, raw: Any = None, by: str = "admin1") -> Definition:
    with wallet.work() as work:
        return work.defining.propose(definition() if raw is None else raw, "a comment", admin_of(wallet, by))


def decide(wallet: Wallet, made: Definition, *, agree: bool = True, by: str = "admin2") -> Definition:
    with wallet.work() as work:
        return work.defining.decide(made.id, agree=agree, actor=admin_of(wallet, by))


def rows(wallet: Wallet) -> list[tuple[str, int, str, int | None]]:
    with wallet.db.read() as session:
        found = session.scalars(select(UtilityDefinition).order_by(UtilityDefinition.version))
        return [(row.code, row.version, row.state, row.number) for row in found]


def known(wallet: Wallet) -> int | None:
    """Return the version that a process has in its catalogue."""
    try:
        return wallet.catalogue.get(CODE).version
    except UnknownUtility:
        return None


@pytest.fixture
def other(wallet: Wallet, clock: FixedClock) -> Iterator[Wallet]:
    """Another process of the same deployment."""
    other = Wallet.build(wallet.settings, clock=clock)
    yield other
    other.close()


# --- Proposing and agreeing -----------------------------------------------------------------------------------------


def test_a_proposal_changes_nothing_until_a_second_admin_agrees(wallet: Wallet, clock: FixedClock) -> None:
    made = propose(wallet)
    assert (made.code, made.version, made.state, made.comment) == (CODE, 1, "awaiting", "a comment")
    assert made.definition == definition()
    assert (made.proposed_by, made.proposed_at) == (admin_of(wallet).account_id, clock.now())
    clock.advance(WITHIN)
    assert known(wallet) is None
    done = decide(wallet, made)
    assert (done.state, done.decided_by, done.decided_at) == (
        "approved",
        admin_of(wallet, "admin2").account_id,
        clock.now(),
    )
    clock.advance(WITHIN)
    assert known(wallet) == 1
    assert wallet.catalogue.plugin(CODE).label("commune") == {"vi": "Xã", "en": "Commune"}


def test_nobody_agrees_to_their_own(wallet: Wallet) -> None:
    made = propose(wallet)
    with pytest.raises(NotAllowed) as caught:
        decide(wallet, made, by="admin1")
    assert caught.value.code == "self_approval"
    assert rows(wallet) == [(CODE, 1, "awaiting", None)]


def test_whoever_proposed_may_take_it_back(wallet: Wallet) -> None:
    assert decide(wallet, propose(wallet), agree=False, by="admin1").state == "refused"
    assert rows(wallet) == [(CODE, 1, "refused", None)]


def test_refused_is_not_in_force_and_the_next_is_another_version(wallet: Wallet, clock: FixedClock) -> None:
    decide(wallet, propose(wallet), agree=False)
    clock.advance(WITHIN)
    assert known(wallet) is None
    again = propose(wallet)
    assert again.version == 2
    assert rows(wallet) == [(CODE, 1, "refused", None), (CODE, 2, "awaiting", None)]


@pytest.mark.parametrize("agree", [True, False])
def test_a_decision_is_made_once(wallet: Wallet, agree: bool) -> None:
    made = propose(wallet)
    decide(wallet, made, agree=agree)
    before = rows(wallet)
    for again in (True, False):
        with pytest.raises(Conflict) as caught:
            decide(wallet, made, agree=again)
        assert caught.value.code == "approval_closed"
    assert rows(wallet) == before


def test_one_version_waits_at_a_time(wallet: Wallet) -> None:
    made = propose(wallet)
    with pytest.raises(Conflict) as caught:
        propose(wallet, by="admin2")
    assert caught.value.code == "approval_pending"
    assert caught.value.values["approval"] == made.approval
    assert rows(wallet) == [(CODE, 1, "awaiting", None)]
    assert propose(wallet, definition(code="another_card", document=definition()["document"])).version == 1


def test_an_approval_does_not_wait_for_ever(wallet: Wallet, clock: FixedClock) -> None:
    made = propose(wallet)
    clock.advance(timedelta(days=7))
    with pytest.raises(Conflict) as caught:
        decide(wallet, made)
    assert caught.value.code == "approval_expired"
    assert propose(wallet).version == 2


@pytest.mark.parametrize("role", [None, *(role for role in StaffRole if role is not StaffRole.ADMIN)])
def test_only_admins_define(wallet: Wallet, role: StaffRole | None) -> None:
    made = propose(wallet)
    nobody = replace(admin_of(wallet, "admin2"), roles=frozenset() if role is None else frozenset({role}))
    calls: list[Callable[[Any], Any]] = [
        lambda work: work.defining.propose(definition(), "", nobody),
        lambda work: work.defining.decide(made.id, agree=True, actor=nobody),
        lambda work: work.defining.read(made.id, nobody),
        lambda work: work.defining.list_all(nobody),
    ]
    for call in calls:
        with pytest.raises(NotAllowed), wallet.work() as work:
            call(work)
    assert rows(wallet) == [(CODE, 1, "awaiting", None)]


def test_what_is_not_there_is_not_found(wallet: Wallet) -> None:
    with pytest.raises(NotFound), wallet.read() as work:
        work.defining.read("def_none", admin_of(wallet))
    with pytest.raises(NotFound), wallet.work() as work:
        work.defining.decide("def_none", agree=True, actor=admin_of(wallet))


def test_an_approval_of_another_kind_is_not_ours(wallet: Wallet) -> None:
    made = propose(wallet)
    with wallet.db.write() as session:
        session.execute(update(Approval).where(Approval.id == made.approval).values(kind="launch_utility"))
    with pytest.raises(NotFound):
        decide(wallet, made)
    assert rows(wallet) == [(CODE, 1, "awaiting", None)]


def test_a_faulty_definition_is_not_stored(wallet: Wallet) -> None:
    with pytest.raises(InvalidInput) as caught:
        propose(wallet, broken("/document/views/0/claims/0", "gone"))
    assert caught.value.code == "definition_refused"
    assert caught.value.fields == {"/definition/document/views/0/claims/0": "no_such_claim"}
    for raw in (None, [], "x"):
        with pytest.raises(InvalidInput), wallet.work() as work:
            work.defining.propose(raw, "", admin_of(wallet))
    assert rows(wallet) == []


def test_nobody_defines_that_strangers_are_told_of_each_other(wallet: Wallet) -> None:
    """A definition runs nothing: neither who may act for whom is looked at, nor what a register's law leaves out."""
    raw = definition(who=["self", "proxy"], minimum_account_level=1)
    convictions = {"name": "convictions", "label": words("Án tích", "Convictions"), "source": "criminal_records"}
    raw["document"]["claims"].append({"number": 9, **convictions, "kind": "records", "required": False})
    with pytest.raises(InvalidInput) as caught:
        propose(wallet, raw)
    assert (caught.value.code, caught.value.fields) == (
        "definition_refused",
        {"/definition/who/1": "not_a_choice", "/definition/document/claims/5/source": "not_a_choice"},
    )
    assert rows(wallet) == []


def test_a_code_of_what_is_installed_is_taken(wallet: Wallet) -> None:
    for code in sorted({kind.code for plugin in wallet.catalogue for kind in plugin.utility.documents} | {"residence"}):
        if code.isidentifier():
            with pytest.raises(InvalidInput) as caught:
                propose(wallet, definition(code=code))
            assert caught.value.fields == {"/definition/code": "code_taken"}
    assert rows(wallet) == []


def test_it_is_recorded_with_ids_and_nothing_else(wallet: Wallet) -> None:
    made = propose(wallet)
    decide(wallet, made)
    with wallet.db.read() as session:
        events = list(session.scalars(select(AuditEvent).where(AuditEvent.subject == CODE).order_by(AuditEvent.id)))
    assert [event.action for event in events] == [
        "approval.asked",
        "definition.proposed",
        "approval.approved",
        "definition.approved",
    ]
    assert "Library" not in repr([vars(event) for event in events])


# --- Every process --------------------------------------------------------------------------------------------------


def test_every_process_has_it_within_five_seconds(wallet: Wallet, other: Wallet, clock: FixedClock) -> None:
    assert (known(wallet), known(other)) == (None, None)
    decide(wallet, propose(wallet))
    clock.advance(WITHIN)
    assert (known(wallet), known(other)) == (1, 1)
    decide(other, propose(other, definition(title=words("Thẻ mới", "New card"))))
    clock.advance(WITHIN)
    assert (known(wallet), known(other)) == (2, 2)
    assert wallet.catalogue.get(CODE).title["en"] == "New card"


def test_between_two_looks_nothing_is_read(wallet: Wallet, clock: FixedClock) -> None:
    board = wallet.definitions
    reads = []
    real = board.reading
    board.reading = lambda: (reads.append(clock.now()), real())[1]
    board.look(force=True)
    reads.clear()
    for _ in range(100):
        list(wallet.catalogue)
        wallet.catalogue.get("residence")
    assert reads == []
    clock.advance(LOOK_EVERY)
    for _ in range(100):
        wallet.catalogue.get("residence")
    assert len(reads) == 1


def test_while_the_database_is_away_what_is_known_stays(wallet: Wallet, clock: FixedClock) -> None:
    decide(wallet, propose(wallet))
    clock.advance(WITHIN)
    assert known(wallet) == 1
    board = wallet.definitions
    real = board.reading

    def gone() -> Any:
        raise Conflict("away")

    board.reading = gone
    clock.advance(WITHIN)
    assert known(wallet) == 1
    board.reading = real
    decide(wallet, propose(wallet))
    clock.advance(WITHIN)
    assert known(wallet) == 2


def test_a_stored_definition_that_is_no_good_any_more_is_left_out_and_named(wallet: Wallet, clock: FixedClock) -> None:
    decide(wallet, propose(wallet))
    decide(wallet, propose(wallet, definition(code="sound_card")))
    with wallet.db.write() as session:
        changed = update(UtilityDefinition).where(UtilityDefinition.code == CODE)
        session.execute(changed.values(definition=broken("/title", {"vi": "Thẻ"})))
    clock.advance(WITHIN)
    assert known(wallet) is None
    assert wallet.catalogue.get("sound_card").version == 1
    (out,) = wallet.catalogue.left_out
    assert (out.module, out.faults) == ("definition library_card 1", ("/title/en required",))


def test_a_package_that_is_installed_later_takes_its_code_back(wallet: Wallet, clock: FixedClock) -> None:
    decide(wallet, propose(wallet))
    clock.advance(WITHIN)
    plugin = wallet.catalogue.plugin(CODE)
    later = Catalogue({CODE: replace(plugin, module="someones_card")})
    later.declare([(plugin,)])
    assert later.plugin(CODE).module == "someones_card"
    assert [each.module for each in later.left_out] == ["definition library_card"]


# --- For good -------------------------------------------------------------------------------------------------------


def test_verifiers_know_every_version_that_is_about(wallet: Wallet, clock: FixedClock) -> None:
    decide(wallet, propose(wallet))
    changed = definition()
    changed["document"]["claims"][2]["label"] = words("Xã, phường", "Commune or ward")
    decide(wallet, propose(wallet, changed))
    clock.advance(WITHIN)
    types = wallet.trust.trust().types
    assert types[CODE, 1].claims[3].label["en"] == "Commune"
    assert types[CODE, 2].claims[3].label["en"] == "Commune or ward"
    assert ("residence", wallet.catalogue.get("residence").documents[0].version) in types


def test_every_version_stays_readable(wallet: Wallet, clock: FixedClock) -> None:
    first = propose(wallet)
    decide(wallet, first, agree=False)
    clock.advance(seconds=1)
    second = propose(wallet)
    with wallet.read() as work:
        assert [each.id for each in work.defining.list_all(admin_of(wallet))] == [second.id, first.id]
        assert work.defining.read(first.id, admin_of(wallet)).definition == definition()
