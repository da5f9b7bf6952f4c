"""A new version of what is in use: what the former one issued stands, and what it took in is carried to its end."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.defining.test_defining import CODE, WITHIN, decide, known, propose, rows
from tests.documents.people import actor_of, admin_of, officer_of
from tests.requests.test_voiding import ask, moves, revocation, verdict
from tests.requests.test_who_decides import REPORT
from tests.support import FixedClock
from tests.utilities.definitions import at_once, definition, words
from wallet.errors import InvalidInput, UnknownUtility
from wallet.identity.accounts import Grant
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.states import LaunchState
from wallet.requests.desk import Word
from wallet.requests.orders import RequestOrder, UtilityRequest
from wallet.requests.watching import WATCH
from wallet.terms import StaffRole
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet


def in_force(wallet: Wallet, clock: FixedClock, raw: Any) -> int | None:
    """Have two admins agree to a definition, and return the version that the process has then."""
    decide(wallet, propose(wallet, raw))
    clock.advance(WITHIN)
    return known(wallet)


def opened(wallet: Wallet) -> None:
    with wallet.work() as work:
        asked = work.launching.change(CODE, LaunchOrder(LaunchState.OPEN, "open to all"), 0, admin_of(wallet))
    with wallet.work() as work:
        assert isinstance(asked, PendingChange)
        work.launching.decide(asked.id, agree=True, actor=admin_of(wallet, "admin2"))


def card_of(wallet: Wallet, key: str = "an", **answers: Any) -> UtilityRequest:
    with wallet.work() as work:
        return work.requests.submit(RequestOrder(CODE, answers), actor_of(wallet, key))


def look(wallet: Wallet, key: str = "an") -> int:
    with wallet.work() as work:
        return work.voiding.look(actor_of(wallet, key).holder_id or "", WATCH)


def with_claim(raw: dict[str, Any], **claim: Any) -> dict[str, Any]:
    """Return a definition that states one thing more of the residence register."""
    more = {"number": 9, "name": "province", "label": words("Tỉnh", "Province"), "source": "residence"}
    raw["document"]["claims"].append(more | {"fact": "permanent_province"} | claim)
    return raw


# --- What was issued ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_change", ["void", "renew"])
def test_a_version_with_a_claim_more_ends_no_document_of_the_former(
    wallet: Wallet, clock: FixedClock, on_change: str
) -> None:
    def card() -> dict[str, Any]:
        raw = at_once()
        raw["document"]["on_change"] = on_change
        return raw

    assert in_force(wallet, clock, card()) == 1
    opened(wallet)
    request = card_of(wallet)
    assert in_force(wallet, clock, with_claim(card())) == 2
    assert look(wallet) == 0
    wallet.register_watch.run()
    clock.advance(days=2)
    wallet.account_sweep.run()
    assert revocation(wallet, request) is None
    assert verdict(wallet, request) == ["ok"]
    moves(wallet, permanent_commune="Phường Láng", permanent_commune_code="00199", at=clock.now())
    assert look(wallet) == 1, "what it states is no longer so"
    assert revocation(wallet, request) == {"void": "data_changed", "renew": "superseded"}[on_change]


def test_what_the_next_version_takes_from_elsewhere_is_no_change_of_a_document_of_the_former(
    wallet: Wallet, clock: FixedClock
) -> None:
    """The same claim is of the ward where one is registered, and from version 2 of its province."""
    in_force(wallet, clock, at_once())
    opened(wallet)
    request = card_of(wallet)
    other = at_once()
    other["document"]["claims"][2] |= {"fact": "permanent_province", "number": 9}
    assert in_force(wallet, clock, other) == 2
    moves(wallet, permanent_line="Số 1, phố Mới", at=clock.now())
    assert look(wallet) == 0
    assert revocation(wallet, request) is None


def test_what_the_next_version_no_longer_states_still_ends_a_document_that_does(
    wallet: Wallet, clock: FixedClock
) -> None:
    in_force(wallet, clock, with_claim(at_once()))
    opened(wallet)
    request = card_of(wallet)
    assert in_force(wallet, clock, at_once()) == 2
    moves(wallet, permanent_province="Tỉnh Nghệ An", at=clock.now())
    assert look(wallet) == 1
    assert revocation(wallet, request) == "data_changed"


# --- What was taken in ----------------------------------------------------------------------------------------------


def without_first(raw: dict[str, Any]) -> dict[str, Any]:
    return raw | {"rules": raw["rules"][1:]}


def renamed(raw: dict[str, Any]) -> dict[str, Any]:
    return raw | {"rules": [raw["rules"][0] | {"version": "2026-A"}, *raw["rules"][1:]]}


def slower(raw: dict[str, Any]) -> dict[str, Any]:
    return raw | {"rules": [raw["rules"][0] | {"working_days": 9}, *raw["rules"][1:]]}


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        (without_first(definition()), {"/definition/rules": "must_be_kept"}),
        (renamed(definition()), {"/definition/rules": "must_be_kept"}),
        (slower(definition()), {"/definition/rules/0": "must_be_kept"}),
        (at_once(), {"/definition/lifecycle": "must_be_kept"}),
        (
            renamed(at_once()),
            {"/definition/rules": "must_be_kept", "/definition/lifecycle": "must_be_kept"},
        ),
    ],
)
def test_a_version_keeps_the_rules_in_force_and_the_states_of_the_former(
    wallet: Wallet, clock: FixedClock, raw: dict[str, Any], faults: dict[str, str]
) -> None:
    in_force(wallet, clock, definition())
    before = rows(wallet)
    with pytest.raises(InvalidInput) as caught:
        propose(wallet, raw)
    assert (caught.value.code, caught.value.fields) == ("definition_refused", faults)
    assert rows(wallet) == before
    assert known(wallet) == 1


def test_what_nobody_can_have_relied_on_may_change(wallet: Wallet, clock: FixedClock) -> None:
    """Rules that are not in force yet, and a way through more hands."""
    in_force(wallet, clock, at_once())
    assert in_force(wallet, clock, definition()) == 2
    later = definition()
    later["rules"][1] |= {"working_days": 9}
    assert in_force(wallet, clock, later) == 3
    assert in_force(wallet, clock, definition(rules=definition()["rules"][:1])) == 4


def test_rules_that_came_into_force_while_a_version_waited_are_kept_too(wallet: Wallet, clock: FixedClock) -> None:
    clock.set(datetime(2026, 6, 29, 5, tzinfo=UTC))
    in_force(wallet, clock, definition())
    made = propose(wallet, definition(rules=definition()["rules"][:1]))
    before = rows(wallet)
    clock.advance(days=3)
    with pytest.raises(InvalidInput) as caught:
        decide(wallet, made)
    assert caught.value.fields == {"/definition/rules": "must_be_kept"}
    assert rows(wallet) == before


def dropped(wallet: Wallet, *codes: str) -> Wallet:
    """Return the wallet after a release of somebody's package that dropped the rules that requests were made under."""
    plugins = {each.utility.code: each for each in wallet.catalogue}
    for code in codes:
        utility = plugins[code].utility
        rules = tuple(replace(each, version=f"{each.version}-A") for each in utility.rules)
        plugins[code] = replace(plugins[code], utility=replace(utility, rules=rules))
    return replace(wallet, catalogue=Catalogue(plugins))


def test_a_request_whose_rules_a_release_dropped_keeps_no_other_waiting_and_can_be_ended(
    wallet: Wallet, clock: FixedClock
) -> None:
    in_force(wallet, clock, definition())
    opened(wallet)
    cards = [card_of(wallet, key, reader="adult") for key in ("an", "doi")]
    clock.advance(hours=1)
    with wallet.work() as work:
        report = work.requests.submit(REPORT, actor_of(wallet, "an"))
    officer = officer_of(wallet, "reviewer3")
    with wallet.work() as work:
        work.accounts.grant(officer.account_id, Grant(StaffRole.REVIEWER, "library", "*"), admin_of(wallet))
    after = dropped(wallet, CODE)
    clock.advance(days=30)
    assert after.look_after_requests() is True, "the report behind the cards has its apology"
    assert after.look_after_requests() is False
    with after.read() as work:
        for card, key in zip(cards, ("an", "doi"), strict=True):
            assert work.requests.get(card.id, actor_of(wallet, key)).request.apologies == 0
        assert work.requests.get(report.id, actor_of(wallet)).request.apologies == 1
    officer = officer_of(wallet, "reviewer3")
    with after.work() as work:
        version = work.review_desk.claim(cards[0].id, officer).request.version
    with pytest.raises(UnknownUtility), after.work() as work:
        work.review_desk.decide(cards[0].id, "accept", Word(), version, officer)
    with after.work() as work:
        refused = work.review_desk.decide(cards[0].id, "reject", Word("no_room", "Hết chỗ."), version, officer)
    assert refused.detail.request.state == "rejected"
    with after.work() as work:
        assert work.requests.act(cards[1].id, "withdraw", actor_of(wallet, "doi")).state == "withdrawn"
    assert wallet.look_after_requests() is False


def test_a_document_whose_rules_a_release_dropped_keeps_no_other_from_being_looked_at(
    wallet: Wallet, clock: FixedClock
) -> None:
    in_force(wallet, clock, at_once())
    opened(wallet)
    card, whole = card_of(wallet), ask(wallet)
    after = dropped(wallet, CODE)
    clock.advance(minutes=10)
    moves(wallet, permanent_commune="Phường Láng", permanent_commune_code="00199", at=clock.now())
    after.register_watch.run()
    assert (revocation(wallet, whole), revocation(wallet, card)) == ("data_changed", None)
    clock.advance(days=2)
    report = after.account_sweep.run()
    assert (report.failed, report.registers_answered) == (0, True)
    wallet.account_sweep.run()
    clock.advance(days=2)
    wallet.account_sweep.run()
    assert revocation(wallet, card) == "data_changed", "once its rules are there again"
