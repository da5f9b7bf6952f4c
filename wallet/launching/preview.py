"""What a change would do, in numbers, before it is saved: who gains, who loses, what waits.

Where people live is not the wallet's to know: their register counts, and tells how many live where, never who. Small
counts are not told, so that nobody is found by asking twice. Source: docs/decisions/0018-launching.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wallet.errors import Unavailable
from wallet.launching.audience import WHOLE, Plan, place_of
from wallet.launching.changing import Launching, LaunchOrder
from wallet.launching.rollout import assert_admin
from wallet.launching.states import LIMITED, LaunchState
from wallet.terms import AccountLevel, Actor, AuthLevel

SMALLEST_TOLD = 5
"""Counts below it, except none at all, are told as fewer than five."""

MOST_COUNTED = 2_000
"""Accounts that one preview looks at: of more a part that is drawn by chance."""


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
class Moved:
    """How many accounts gain and lose; None: more than none and fewer than SMALLEST_TOLD."""

    gains: int | None
    loses: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do.

    accounts: how many active ones there are; counted: how many of them were looked at, the numbers being theirs.
    by_province: of those provinces where anything moves; None where the register does not count. below_level: how many
    of those who gain cannot use it yet, for their account's level. open_requests: None where nobody knows. whole:
    moved, all in all; None while provinces decide and are not known. The least version of an app is taken as met.
    """

    before: Plan
    after: Plan
    effective_at: datetime
    needs_second: bool
    accounts: int
    counted: int
    whole: Moved | None
    by_province: Mapping[str, Moved] | None
    below_level: int | None
    minimum_account_level: AccountLevel
    minimum_auth_level: AuthLevel
    open_requests: int | None


@dataclass(frozen=True, slots=True)
class Previewing:
    """Previews, in one transaction. members: accounts in an order that has to do with nothing, at most so many, and how
    many there are in all. open_requests: how many requests of a utility are not answered; None where nobody counts."""

    launching: Launching
    members: Callable[[int], tuple[Sequence[Member], int]]
    tally: Tally
    open_requests: Callable[[str], int] | None

    def preview(self, code: str, order: LaunchOrder, actor: Actor) -> Preview:
        """Return what an order would do. Raises NotAllowed and what the order would be refused with."""
        assert_admin(actor)
        weighed = self.launching.weigh(code, order)
        utility = self.launching.catalogue.get(code)
        at = order.effective_at or self.launching.clock.now()
        before, after = weighed.projected.plan, weighed.plan
        members, accounts = self.members(MOST_COUNTED)
        sides = [_Side(code, plan, at) for plan in (before, after)]
        whole, by_province = self._moved(sides, members)
        low = [member for member in members if member.level < utility.minimum_level]
        gained_low, _ = self._moved(sides, low) if low else (Moved(0, 0), None)
        return Preview(
            before=before,
            after=after,
            effective_at=at,
            needs_second=weighed.needs_second,
            accounts=accounts,
            counted=len(members),
            whole=whole,
            by_province=by_province,
            below_level=gained_low.gains if gained_low else None,
            minimum_account_level=utility.minimum_level,
            minimum_auth_level=utility.minimum_auth,
            open_requests=None if self.open_requests is None else self.open_requests(code),
        )

    def _moved(
        self, sides: "Sequence[_Side]", members: Iterable[Member]
    ) -> tuple[Moved | None, Mapping[str, Moved] | None]:
        """Return who moves, all in all and by province.

        Accounts are sorted into groups that are in, out, or in where the province is one of some, on either side; the
        register then counts each group by province.
        """
        groups: dict[tuple[bool | None, bool | None], list[str]] = {}
        for member in members:
            key = (sides[0].takes(member), sides[1].takes(member))
            groups.setdefault(key, []).append(member.holder_id)
        gains: Counter[str] = Counter()
        loses: Counter[str] = Counter()
        whole = Counter[str]()
        counted = True
        for key, holders in groups.items():
            if key[0] == key[1] and key[0] is not None:
                continue
            try:
                tally = self.tally(holders)
            except Unavailable:
                counted = False
                if None in key:
                    return None, None
                whole["gains" if key[1] else "loses"] += len(holders)
                continue
            unknown = len(holders) - sum(tally.values())
            for province, number in (*tally.items(), ("", unknown)):
                was, will = (side.takes_in(found, province) for side, found in zip(sides, key, strict=True))
                if was != will:
                    (gains if will else loses)[province] += number
                    whole["gains" if will else "loses"] += number
        moved = Moved(told(whole["gains"]), told(whole["loses"]))
        if not counted:
            return moved, None
        where = sorted({province for province in (*gains, *loses) if province and gains[province] + loses[province]})
        return moved, {each: Moved(told(gains[each]), told(loses[each])) for each in where}


@dataclass(frozen=True, slots=True)
class _Side:
    """One plan at one moment."""

    code: str
    plan: Plan
    at: datetime

    def takes(self, member: Member) -> bool | None:
        """Return whether the plan takes an account in; None: that depends on its province."""
        state, audience = self.plan.state, self.plan.audience
        if state not in LIMITED:
            return state is LaunchState.OPEN
        if audience.from_at is not None and self.at < audience.from_at:
            return False
        if audience.until_at is not None and self.at >= audience.until_at:
            return False
        if member.account_id in audience.testers:
            return True
        if state is LaunchState.SANDBOX:
            return False
        share = WHOLE if audience.permille is None else audience.permille
        if place_of(self.code, member.holder_id) >= share:
            return False
        return None if audience.provinces else True

    def takes_in(self, found: bool | None, province: str) -> bool:
        return province in self.plan.audience.provinces if found is None else found


def told(count: int) -> int | None:
    """Return a count that may be told, None for one that is too small to be."""
    return None if 0 < count < SMALLEST_TOLD else count
