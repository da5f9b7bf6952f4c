"""What the tests of launching share: admins who change a launch, and citizens who come and ask."""

from typing import Any

from tests.documents.people import actor_of, admin_of
from wallet.errors import Conflict, NotAllowed
from wallet.launching.audience import Audience
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.schedule import Launch
from wallet.launching.states import LaunchState
from wallet.wiring import Wallet

CODE = "residence"
OFF, SANDBOX, PILOT, OPEN, PAUSED, RETIRED = LaunchState


def launch(wallet: Wallet, code: str = CODE) -> Launch:
    with wallet.read() as work:
        return work.rollout.launch(code)


def change(
    wallet: Wallet, state: LaunchState, *, version: int | None = None, by: str = "admin1", code: str = CODE, **more: Any
) -> Launch | PendingChange:
    """Change a launch, or ask for it."""
    seen = launch(wallet, code).version if version is None else version
    order = LaunchOrder(state, more.pop("reason", "a reason"), **more)
    with wallet.work() as work:
        return work.launching.change(code, order, seen, admin_of(wallet, by))


def changed(wallet: Wallet, state: LaunchState, **more: Any) -> Launch:
    """Change a launch, as one admin may."""
    done = change(wallet, state, **more)
    assert isinstance(done, Launch), done
    return done


def asked(wallet: Wallet, state: LaunchState, **more: Any) -> PendingChange:
    """Ask for a change that needs a second admin."""
    pending = change(wallet, state, **more)
    assert isinstance(pending, PendingChange), pending
    return pending


def decide(wallet: Wallet, approval: str, *, agree: bool = True, by: str = "admin2") -> Launch:
    with wallet.work() as work:
        return work.launching.decide(approval, agree=agree, actor=admin_of(wallet, by))


def agreed(wallet: Wallet, state: LaunchState, **more: Any) -> Launch:
    """Make a change as two admins do; where one is enough, one makes it."""
    done = change(wallet, state, **more)
    return done if isinstance(done, Launch) else decide(wallet, done.id)


def opened(wallet: Wallet, *codes: str) -> Wallet:
    """Open utilities as two admins do, where they are not open yet."""
    for code in codes:
        if launch(wallet, code).state is not OPEN:
            agreed(wallet, OPEN, code=code)
    return wallet


def pilot(wallet: Wallet, **parts: Any) -> Launch:
    """Make it a pilot with this audience."""
    return agreed(wallet, PILOT, audience=Audience(**parts))


def refusal(wallet: Wallet, key: str = "an", code: str = CODE) -> str:
    """Return why a persona may not ask now, "" when they may: the problem code, and what is missing."""
    actor = actor_of(wallet, key)
    try:
        with wallet.work() as work:
            work.rollout.assert_open(code, work.launches.visitor(code, actor))
    except (Conflict, NotAllowed) as error:
        return f"{error.code}: {error.values['missing']}"
    return ""
