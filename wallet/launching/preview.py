"""What a change would do, in numbers, before it is saved: who gains, who loses, what waits.

Whoever can be counted in the tables is counted there, however many they are. A share, or a province, is known of one
person at a time: then a part that is drawn by chance is looked at, and what is told says how far off it may be. Where
people live is not the wallet's to know: their register counts, and tells how many live where, never who.
Source: docs/decisions/0018-launching.md.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from wallet.errors import Unavailable
from wallet.launching.audience import WHOLE, Plan, place_of
from wallet.launching.changing import Launching
from wallet.launching.estimating import Basis, Count, Moved, count_of_all
from wallet.launching.orders import LaunchOrder
from wallet.launching.rollout import assert_admin
from wallet.launching.states import LIMITED, LaunchState
from wallet.terms import AccountLevel, Actor, AuthLevel

MOST_PLACED = 2_000
"""Accounts whose province a preview asks for."""
MOST_DRAWN = 50_000
"""Accounts whose place in the queue of a share it works out."""


@dataclass(frozen=True, slots=True)
class Member:
    """One active account, for counting."""

    account_id: str
    holder_id: str
    level: AccountLevel


Tally = Callable[[Sequence[str]], Mapping[str, int]]
"""Counts holders by the code of the province in which they are registered; who has none is in no count.

Raises Unavailable where no register counts.
"""


@dataclass(frozen=True, slots=True)
class Members:
    """The active accounts. by_level: how many there are. drawn: them, in an order that has to do with nothing. named:
    those of these ids that are active."""

    by_level: Callable[[], Mapping[AccountLevel, int]]
    drawn: Callable[[], Iterable[Member]]
    named: Callable[[Collection[str]], Sequence[Member]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do.

    accounts: how many active ones there are; counted, placed: of how many it was found out whether they move, and
    where they live. by_province: of those provinces where anything moves; None where the register does not count.
    below_level: how many of those who gain cannot use it yet, for their account's level. open_requests: None where
    nobody knows; a small number is not told here either. whole: moved, all in all; None while provinces decide and
    are not known. The least version of an app is taken as met.
    """

    before: Plan
    after: Plan
    effective_at: datetime
    needs_second: bool
    accounts: int
    counted: int
    placed: int | None
    whole: Moved | None
    by_province: Mapping[str, Moved] | None
    below_level: Count | None
    minimum_account_level: AccountLevel
    minimum_auth_level: AuthLevel
    open_requests: Count | None


@dataclass(frozen=True, slots=True)
class Previewing:
    """Previews, in one transaction. open_requests: how many requests of a utility are not answered; None where nobody
    counts. most_placed, most_drawn: of how many accounts the province is asked for, the place worked out."""

    launching: Launching
    members: Members
    tally: Tally
    open_requests: Callable[[str], int] | None
    most_placed: int = MOST_PLACED
    most_drawn: int = MOST_DRAWN

    def preview(self, code: str, order: LaunchOrder, actor: Actor) -> Preview:
        """Return what an order would do. Raises NotAllowed and what the order would be refused with."""
        assert_admin(actor)
        weighed = self.launching.weigh(code, order)
        utility = self.launching.catalogue.get(code)
        at = order.effective_at or self.launching.clock.now()
        before, after = weighed.projected.plan, weighed.plan
        sides = _Side(code, before, at), _Side(code, after, at)
        by_level = self.members.by_level()
        accounts = sum(by_level.values())
        placed = list(islice(self.members.drawn(), self.most_placed))
        where, of_placed = self._by_province(sides, placed), Basis(accounts, len(placed))
        gained_low: int | None
        if any(side.asks_where for side in sides):
            low = [member for member in placed if member.level < utility.minimum_level]
            basis, found, gained_low = of_placed, where.whole, self._by_province(sides, low).gains
        elif any(side.asks_who for side in sides):
            basis, found, gained_low = self._drawn(sides, accounts, utility.minimum_level)
        else:
            basis, found, gained_low = self._counted(sides, by_level, utility.minimum_level)
        return Preview(
            before=before,
            after=after,
            effective_at=at,
            needs_second=weighed.needs_second,
            accounts=accounts,
            counted=basis.looked_at,
            placed=None if where.by_province is None else len(placed),
            whole=None if found is None else found.told(basis),
            by_province=None
            if where.by_province is None
            else {province: each.told(of_placed) for province, each in sorted(where.by_province.items())},
            below_level=None if gained_low is None else basis.count(gained_low),
            minimum_account_level=utility.minimum_level,
            minimum_auth_level=utility.minimum_auth,
            open_requests=None if self.open_requests is None else count_of_all(self.open_requests(code)),
        )

    def _counted(
        self, sides: "tuple[_Side, _Side]", by_level: Mapping[AccountLevel, int], least: AccountLevel
    ) -> "tuple[Basis, _Found, int]":
        """Return who moves where everybody but the testers is treated alike: counted in the tables."""
        testers = self.members.named(sides[0].testers | sides[1].testers)
        rest = Counter(by_level)
        rest.subtract(member.level for member in testers)
        found, gained_low = _Found(), 0
        was, will = (side.takes_public for side in sides)
        moves = [(was, will, level, number) for level, number in rest.items()]
        moves += [(bool(sides[0].takes(each)), bool(sides[1].takes(each)), each.level, 1) for each in testers]
        for before, after, level, number in moves:
            found.add(before, after, number)
            gained_low += number if after and not before and level < least else 0
        whole = sum(by_level.values())
        return Basis(whole, whole), found, gained_low

    def _drawn(self, sides: "tuple[_Side, _Side]", accounts: int, least: AccountLevel) -> "tuple[Basis, _Found, int]":
        """Return who moves of those whose place in the queue was worked out."""
        found, gained_low, looked_at = _Found(), 0, 0
        for member in islice(self.members.drawn(), self.most_drawn):
            before, after = (bool(side.takes(member)) for side in sides)
            found.add(before, after, 1)
            gained_low += after and not before and member.level < least
            looked_at += 1
        return Basis(accounts, looked_at), found, gained_low

    def _by_province(self, sides: "tuple[_Side, _Side]", members: Iterable[Member]) -> "_Where":
        """Return who moves, all in all and by province.

        Accounts are sorted into groups that are in, out, or in where the province is one of some, on either side; the
        register then counts each group by province.
        """
        groups: dict[tuple[bool | None, bool | None], list[str]] = {}
        for member in members:
            groups.setdefault((sides[0].takes(member), sides[1].takes(member)), []).append(member.holder_id)
        whole, by_province = _Found(), dict[str, _Found]()
        for key, holders in groups.items():
            if key[0] == key[1] and key[0] is not None:
                continue
            try:
                tally = self.tally(holders)
            except Unavailable:
                return _Where(None, None)
            unknown = len(holders) - sum(tally.values())
            for province, number in (*tally.items(), ("", unknown)):
                before, after = (side.takes_in(found, province) for side, found in zip(sides, key, strict=True))
                whole.add(before, after, number)
                if province and before != after and number:
                    by_province.setdefault(province, _Found()).add(before, after, number)
        return _Where(whole, by_province)


@dataclass
class _Found:
    """How many of those that were looked at gain and lose."""

    gains: int = 0
    loses: int = 0

    def add(self, before: bool, after: bool, number: int) -> None:
        self.gains += number if after and not before else 0
        self.loses += number if before and not after else 0

    def told(self, basis: Basis) -> Moved:
        return Moved(basis.count(self.gains), basis.count(self.loses))


@dataclass(frozen=True, slots=True)
class _Where:
    """Who moves, as far as a register counted; None where it did not."""

    whole: _Found | None
    by_province: Mapping[str, _Found] | None

    @property
    def gains(self) -> int | None:
        return None if self.whole is None else self.whole.gains


@dataclass(frozen=True, slots=True)
class _Side:
    """One plan at one moment."""

    code: str
    plan: Plan
    at: datetime

    @property
    def closed(self) -> bool:
        """Whether nobody is in, be they testers."""
        audience = self.plan.audience
        if self.plan.state not in LIMITED:
            return self.plan.state is not LaunchState.OPEN
        early = audience.from_at is not None and self.at < audience.from_at
        return early or (audience.until_at is not None and self.at >= audience.until_at)

    @property
    def testers(self) -> frozenset[str]:
        return self.plan.audience.testers if self.plan.state in LIMITED else frozenset()

    @property
    def _pilots(self) -> bool:
        return self.plan.state is LaunchState.PILOT and not self.closed

    @property
    def asks_where(self) -> bool:
        """Whether it depends on the province who is in."""
        return self._pilots and bool(self.plan.audience.provinces) and self.plan.audience.permille != 0

    @property
    def asks_who(self) -> bool:
        """Whether it depends on the place in the queue who is in."""
        return self._pilots and self.plan.audience.permille not in (None, 0, WHOLE)

    @property
    def takes_public(self) -> bool:
        """Whether everybody but the testers is in, where it depends on neither."""
        return self.plan.state is LaunchState.OPEN or (self._pilots and self.plan.audience.permille != 0)

    def takes(self, member: Member) -> bool | None:
        """Return whether the plan takes an account in; None: that depends on its province."""
        state, audience = self.plan.state, self.plan.audience
        if self.closed or state not in LIMITED:
            return not self.closed
        if member.account_id in audience.testers:
            return True
        if state is LaunchState.SANDBOX:
            return False
        share = WHOLE if audience.permille is None else audience.permille
        if share < WHOLE and place_of(self.code, member.holder_id) >= share:
            return False
        return None if audience.provinces else True

    def takes_in(self, found: bool | None, province: str) -> bool:
        return province in self.plan.audience.provinces if found is None else found
