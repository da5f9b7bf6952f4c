"""A preview is exact where the tables can count, and says how far off it may be where a part stands for the whole."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, text

from tests.documents.people import actor_of, admin_of
from tests.launching.people import CODE, OFF, OPEN, PAUSED, PILOT, SANDBOX, agreed, changed
from wallet.errors import NotAllowed, Unavailable
from wallet.identity.account_states import AccountState
from wallet.identity.models import Account, Holder
from wallet.launching.audience import Audience, place_of
from wallet.launching.estimating import SMALLEST_TOLD, Basis, Count
from wallet.launching.orders import LaunchOrder
from wallet.launching.preview import Member, Members, Preview, Previewing
from wallet.launching.states import LaunchState
from wallet.terms import AccountLevel, Actor
from wallet.wiring import Wallet

ONE, TWO = AccountLevel
MANY = 40_000
PROVINCES = ("01", "48", "79", "91")
CROWD = [
    Member(f"acc_{number:032x}", f"hld_{number * 7919 % MANY:032x}", TWO if number % 3 else ONE)
    for number in range(MANY)
]
"""A nation in small. Its order says nothing of levels or provinces."""


def province(holder_id: str) -> str:
    """Where somebody lives: a half in the first province, a quarter in the second, and so on."""
    place = place_of("where", holder_id)
    return PROVINCES[0 if place < 500 else 1 if place < 750 else 2 if place < 999 else 3]


def tally(holders: Sequence[str]) -> Mapping[str, int]:
    return Counter(map(province, holders))


class Crowd:
    """The accounts of a nation, which remembers how many were looked at."""

    def __init__(self, members: Sequence[Member] = CROWD) -> None:
        self.everybody = members
        self.looked_at = 0

    def drawn(self) -> Iterator[Member]:
        for member in self.everybody:
            self.looked_at += 1
            yield member

    def by_level(self) -> Mapping[AccountLevel, int]:
        return Counter(member.level for member in self.everybody)

    def named(self, account_ids: Collection[str]) -> list[Member]:
        return [member for member in self.everybody if member.account_id in account_ids]

    @property
    def members(self) -> Members:
        return Members(self.by_level, self.drawn, self.named)


def preview(wallet: Wallet, state: LaunchState, crowd: Crowd, audience: Audience | None = None, **more: Any) -> Preview:
    options = {"tally": tally} | more
    with wallet.work() as work:
        actor = admin_of(wallet)
        found = Previewing(work.launching, crowd.members, open_requests=None, **options)
        # Whether a tester is an account is asked of the tables, which these are not in.
        found = replace(found, launching=replace(found.launching, is_account=lambda _: True))
        return found.preview(CODE, LaunchOrder(state, "", audience), actor)


def off(wallet: Wallet) -> None:
    changed(wallet, OFF)


# --- counted in the tables --------------------------------------------------------------------------------------


def test_opening_to_everybody_is_counted_exactly_and_few_are_looked_at(wallet: Wallet) -> None:
    off(wallet)
    crowd = Crowd()
    found = preview(wallet, OPEN, crowd)
    assert (found.accounts, found.counted) == (MANY, MANY)
    assert found.whole is not None
    assert (found.whole.gains, found.whole.loses) == (Count(MANY, MANY, MANY), Count(0, 0, 0))
    below = sum(member.level is ONE for member in CROWD)
    assert found.below_level == Count(below, below, below)
    assert crowd.looked_at <= 2_000
    assert found.placed == 2_000


def test_testers_are_counted_one_by_one_beside_the_public(wallet: Wallet) -> None:
    off(wallet)
    testers = frozenset(member.account_id for member in CROWD[-9:]) | {"acc_closed_long_ago"}
    audience = Audience(testers=testers)
    found = preview(wallet, SANDBOX, Crowd(), audience)
    assert found.whole is not None
    assert found.whole.gains == Count(9, 9, 9)
    agreed(wallet, OPEN)
    found = preview(wallet, SANDBOX, Crowd(), audience)
    assert found.whole is not None
    assert (found.whole.gains, found.whole.loses) == (Count(0, 0, 0), Count(MANY - 9, MANY - 9, MANY - 9))


def test_a_pilot_of_nobody_but_testers_asks_for_nobody_else(wallet: Wallet) -> None:
    off(wallet)
    audience = Audience(provinces=frozenset({"01"}), permille=0, testers=frozenset({CROWD[5].account_id}))
    found = preview(wallet, PILOT, Crowd(), audience)
    assert found.counted == MANY
    assert found.whole is not None
    assert found.whole.gains == Count(None, 0, SMALLEST_TOLD)


def test_stopping_is_counted_although_no_register_counts(wallet: Wallet) -> None:
    def silent(_: Sequence[str]) -> Mapping[str, int]:
        raise Unavailable("source_unavailable")

    found = preview(wallet, PAUSED, Crowd(), tally=silent)
    assert found.whole is not None
    assert found.whole.loses == Count(MANY, MANY, MANY)
    assert (found.by_province, found.placed) == (None, None)
    found = preview(wallet, PILOT, Crowd(), Audience(provinces=frozenset({"01"})), tally=silent)
    assert (found.whole, found.below_level, found.by_province) == (None, None, None)


# --- a part for the whole ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("permille", [1, 50, 500, 999])
def test_a_share_is_exact_while_everybody_can_be_looked_at(wallet: Wallet, permille: int) -> None:
    off(wallet)
    found = preview(wallet, PILOT, Crowd(), Audience(permille=permille))
    truth = sum(place_of(CODE, member.holder_id) < permille for member in CROWD)
    low = sum(place_of(CODE, member.holder_id) < permille and member.level is ONE for member in CROWD)
    assert found.counted == found.accounts == MANY
    assert found.whole is not None
    assert found.whole.gains == Count(truth, truth, truth)
    assert found.below_level == Count(low, low, low)


@pytest.mark.parametrize("permille", [50, 500, 999])
def test_a_share_of_more_is_estimated_with_the_truth_inside(wallet: Wallet, permille: int) -> None:
    off(wallet)
    crowd = Crowd()
    found = preview(wallet, PILOT, crowd, Audience(permille=permille), most_drawn=4_000)
    truth = sum(place_of(CODE, member.holder_id) < permille for member in CROWD)
    assert (found.accounts, found.counted, found.placed) == (MANY, 4_000, 2_000)
    assert crowd.looked_at <= 6_000
    assert found.whole is not None
    gains = found.whole.gains
    assert gains.low <= truth <= gains.high
    assert gains.low < gains.high <= gains.low + MANY * 0.04
    assert found.whole.loses.number == found.whole.loses.low == 0


def test_provinces_are_estimated_with_the_truth_inside(wallet: Wallet) -> None:
    off(wallet)
    audience = Audience(provinces=frozenset({"01", "48"}), permille=600)
    found = preview(wallet, PILOT, Crowd(), audience)
    ins = [member for member in CROWD if place_of(CODE, member.holder_id) < 600]
    truth = Counter(province(member.holder_id) for member in ins if province(member.holder_id) in audience.provinces)
    assert (found.counted, found.placed) == (2_000, 2_000)
    assert found.whole is not None
    assert found.whole.gains.low <= sum(truth.values()) <= found.whole.gains.high
    assert found.below_level is not None
    low = sum(member.level is ONE and province(member.holder_id) in audience.provinces for member in ins)
    assert found.below_level.low <= low <= found.below_level.high
    assert found.by_province is not None
    assert set(found.by_province) == {"01", "48"}
    for code, moved in found.by_province.items():
        assert moved.gains.low <= truth[code] <= moved.gains.high, code


def test_few_of_a_part_are_not_told_apart(wallet: Wallet) -> None:
    """Four of those that were looked at stand for eighty, and four are too few to be told."""
    off(wallet)
    found = preview(wallet, OPEN, Crowd())
    seen = Counter(province(member.holder_id) for member in CROWD[:2_000])["91"]
    assert 0 < seen < SMALLEST_TOLD
    assert found.by_province is not None
    told = found.by_province["91"].gains
    assert (told.number, told.low) == (None, 0)
    assert told.high > sum(province(member.holder_id) == "91" for member in CROWD)
    assert found.by_province["01"].gains.number is not None


def test_of_a_part_the_range_holds_the_truth_nineteen_times_of_twenty() -> None:
    """Every outcome of a draw, as often as it happens: how often its range holds what is so."""
    from math import comb

    whole, drawn = 400, 60
    basis = Basis(whole, drawn)
    for truth in (0, 6, 40, 130, 200, 394, 400):
        held = sum(
            comb(truth, found) * comb(whole - truth, drawn - found)
            for found in range(max(0, drawn - whole + truth), min(truth, drawn) + 1)
            if basis.count(found).low <= truth <= basis.count(found).high
        )
        assert held / comb(whole, drawn) >= 0.93, truth


@pytest.mark.parametrize("found", range(41))
def test_a_count_never_contradicts_what_was_seen(found: int) -> None:
    count = Basis(100, 40).count(found)
    assert 0 <= count.low <= count.high <= 100 - 40 + max(found, SMALLEST_TOLD)
    assert (count.number is None) is (0 < found < SMALLEST_TOLD)
    if count.number is not None:
        assert found <= count.low <= count.number <= count.high
    assert Basis(0, 0).count(0) == Count(0, 0, 0)


# --- the tables -------------------------------------------------------------------------------------------------


def crowded(wallet: Wallet, number: int) -> None:
    """Put accounts into the tables that nobody uses, of both levels, every tenth of them locked."""
    now = wallet.clock.now()
    holders = [{"id": f"hld_z{each:05}", "created_at": now} for each in range(number)]
    accounts = [
        {
            "id": f"acc_z{each:05}",
            "holder_id": f"hld_z{each:05}",
            "level": 1 + each % 2,
            "state": AccountState.LOCKED if each % 10 == 0 else AccountState.ACTIVE,
            "created_at": now,
        }
        for each in range(number)
    ]
    with wallet.db.write() as session:
        session.execute(insert(Holder), holders)
        session.execute(insert(Account), accounts)


def test_the_tables_count_by_level_and_give_everybody_once(wallet: Wallet) -> None:
    with wallet.read() as work:
        before, people = work.accounts.active_by_level(), set(work.accounts.active())
    crowded(wallet, 12_000)
    with wallet.read() as work:
        after, members = work.accounts.active_by_level(), list(work.accounts.active())
        named = work.accounts.active_of(["acc_z00000", "acc_z00001", "acc_nobody"])
    assert {level: after[level] - before.get(level, 0) for level in after} == {ONE: 4_800, TWO: 6_000}
    assert [holder_id for _, holder_id, _ in members] == sorted({holder_id for _, holder_id, _ in members})
    assert len(members) == sum(after.values())
    assert people < set(members)
    assert named == [("acc_z00001", "hld_z00001", TWO)]


def test_counting_reads_the_index_alone(wallet: Wallet) -> None:
    if not wallet.db.is_sqlite:
        pytest.skip("how PostgreSQL counts depends on its statistics")
    with wallet.db.read() as session:
        plan = session.execute(
            text("EXPLAIN QUERY PLAN SELECT level, count(*) FROM accounts WHERE state = 'active' GROUP BY level")
        ).all()
        page = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id, holder_id, level FROM accounts"
                " WHERE state = 'active' AND holder_id > 'hld_' ORDER BY holder_id LIMIT 5000"
            )
        ).all()
    assert "COVERING INDEX ix_accounts_level_state" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
    assert "TEMP B-TREE" not in str(page)


@pytest.mark.parametrize("actor", [Actor("system"), None])
def test_nobody_but_an_admin_previews(wallet: Wallet, actor: Actor | None) -> None:
    order = LaunchOrder(PAUSED, "")
    with wallet.work() as work, pytest.raises(NotAllowed):
        work.previewing(admin_of(wallet), CODE).preview(CODE, order, actor or actor_of(wallet))
