"""The demo's stories, as `wallet demo journey` tells them, against a wallet in this process."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from tests.support import FixedClock
from wallet.crypto.keystore import Secret
from wallet.demo.nation import seed_nation
from wallet.demo.setup import set_up
from wallet.demo.stories.calling import Calling, Surprise
from wallet.demo.stories.citizens import FreeCitizen, free_citizen
from wallet.demo.stories.lost_phone import LostPhone
from wallet.demo.stories.new_citizen import NewCitizen
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet


@dataclass
class WalletWatch:
    """The wallet's own time. To wait is to move it on, and to let everything happen that happens by itself."""

    wallet: Wallet
    clock: FixedClock

    def now(self) -> float:
        return self.clock.now().timestamp()

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)
        for job in self.wallet.jobs:
            while job.run():
                pass


@pytest.fixture
def grown(deployment: Settings, clock: FixedClock, tmp_path: Path) -> Iterator[Wallet]:
    """A wallet whose nation has more people than the personas."""
    wallet = Wallet.build(replace(deployment, sms_outbox_dir=tmp_path / "outbox"), clock=clock)
    seed_nation(wallet.nation, seed=1, citizens=400, replace=True)
    set_up(wallet)
    yield wallet
    wallet.close()


@pytest.fixture
def steps() -> list[str]:
    return []


@pytest.fixture
def calling(grown: Wallet, clock: FixedClock, tmp_path: Path, steps: list[str]) -> Iterator[Calling]:
    transport = httpx.WSGITransport(app=create_app(grown))
    with httpx.Client(transport=transport, base_url="http://wallet.test") as client:
        secret = grown.keystore.secret(Secret.DEMO)
        watch = WalletWatch(grown, clock)
        yield Calling(client, secret, lambda title, _: steps.append(title), tmp_path, watch)


def somebody(wallet: Wallet, seed: int = 1) -> FreeCitizen:
    return free_citizen(wallet, seed)


def opened(wallet: Wallet, calling: Calling) -> NewCitizen:
    return NewCitizen(calling, somebody(wallet), wallet.settings.sms_outbox_dir)


def account_of(wallet: Wallet, number: str) -> tuple[str, int]:
    with wallet.read() as work:
        holder = work.holders.find(number)
        account = None if holder is None else work.accounts.of_holder(holder)
        return ("none", 0) if account is None else (str(account.state), int(account.level))


def test_a_citizen_goes_from_nothing_to_a_document(grown: Wallet, calling: Calling, steps: list[str]) -> None:
    calling.server_is_ready()
    person = somebody(grown)
    assert account_of(grown, person.number) == ("none", 0)
    citizen = opened(grown, calling).go()
    assert citizen.person == person
    assert account_of(grown, person.number) == ("active", 2)
    assert len(steps) == 17
    assert any("level 2 is needed" in step for step in steps)


def test_a_lost_phone_is_replaced_and_the_old_one_is_dead(grown: Wallet, calling: Calling, steps: list[str]) -> None:
    citizen = opened(grown, calling).go()
    lost = citizen.phone
    steps.clear()
    LostPhone(calling, citizen).go()
    with grown.read() as work:
        holder = work.holders.find(citizen.person.number)
        account = work.accounts.of_holder(holder or "")
        assert account is not None
        history, _ = work.devices.page(account.id, 10, None)
    assert [(device.id, str(device.state)) for device in history] == [
        (citizen.phone.device_id, "bound"),
        (lost.device_id, "unbound"),
    ]
    assert history[0].bound_by == "chip+otp"
    assert sum("refused" in step for step in steps) == 1
    assert any("one code a minute" in step for step in steps)


def test_every_walk_finds_somebody_new(grown: Wallet, calling: Calling) -> None:
    first = opened(grown, calling).go()
    second = opened(grown, calling).go()
    assert first.person.number != second.person.number
    assert first.password != second.password


def test_nobody_left_names_the_next_command(wallet: Wallet) -> None:
    """The nation of the tests' template has personas and edge cases alone, and a story spoils none of them."""
    with pytest.raises(Surprise) as surprise:
        somebody(wallet)
    assert surprise.value.mend.startswith("wallet demo seed")


def test_a_story_ends_at_the_first_surprise(grown: Wallet, calling: Calling, steps: list[str]) -> None:
    with grown.work() as work:
        launch = work.rollout.launch("residence")
    assert launch.version
    admin = calling.party("admin1")
    calling.sign_in(admin.phone, admin.persona.number, admin.password, "admin")
    headers = {
        **admin.phone.headers,
        "If-Match": f'"v{launch.version}"',
        "Content-Type": "application/merge-patch+json",
    }
    body = b'{"state": "paused", "reason": "stopped for a while"}'
    answer = calling.client.patch("/v1/admin/utilities/residence", headers=headers, content=body)
    assert answer.status_code == 200, answer.text
    with pytest.raises(Surprise) as surprise:
        opened(grown, calling).go()
    told = str(surprise.value)
    assert "POST /v1/requests: " in told
    assert "utility_disabled" in told
    assert surprise.value.mend
    assert "accepted" not in steps[-1]


@pytest.mark.parametrize("key", ["nobody", ""])
def test_unknown_persona_is_told(calling: Calling, key: str) -> None:
    with pytest.raises(Surprise) as surprise:
        calling.party(key)
    assert surprise.value.mend == "wallet demo personas"


def test_text_message_that_never_comes_is_told(grown: Wallet, calling: Calling, tmp_path: Path) -> None:
    story = NewCitizen(calling, somebody(grown), tmp_path / "elsewhere")
    with pytest.raises(Surprise) as surprise:
        story.go()
    assert surprise.value.mend == "wallet demo messages"
