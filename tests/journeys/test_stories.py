"""The demo's stories, as `wallet demo journey` tells them, against a wallet in this process."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from tests.support import FixedClock
from wallet.crypto.keystore import Role, Secret
from wallet.demo.gates import GATES, key_of
from wallet.demo.nation import seed_nation
from wallet.demo.setup import set_up
from wallet.demo.stories import main_job
from wallet.demo.stories.calling import Calling, Surprise
from wallet.demo.stories.citizens import FreeCitizen, free_citizen
from wallet.demo.stories.gate import GateStory, Network, carded_phone, codes_served
from wallet.demo.stories.judicial_record import JudicialRecord
from wallet.demo.stories.launch import PAUSE_TEXT, LaunchStory
from wallet.demo.stories.lost_phone import LostPhone
from wallet.demo.stories.main_job import MainJob
from wallet.demo.stories.new_citizen import NewCitizen
from wallet.entropy import SystemEntropy
from wallet.formats.trust_bundle import pin_of
from wallet.requests.models import RequestRow
from wallet.settings import Settings
from wallet.texts.catalogue import catalogue
from wallet.verifier.outcomes import Outcome
from wallet.verifier.receipts import Receipts
from wallet.verifier.uploading import upload
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


@pytest.fixture
def pin(grown: Wallet) -> str:
    return pin_of(grown.keystore.signer(Role.BUNDLE_ROOT).certificate_der)


def test_the_main_job_leaves_every_form_of_the_document(
    calling: Calling, pin: str, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("ONLINE_SECONDS", "LIST_SECONDS"):  # every wait runs every job here: how soon is a server's affair
        monkeypatch.setattr(main_job, limit, 200)
    MainJob(calling, pin).go("an")
    left = {path.name for path in calling.folder.iterdir()}
    assert {"code.png", "document.json", "document.sdjwt", "document.mdoc", "document.pdf", "live.txt"} <= left
    assert (calling.folder / "document.pdf").read_bytes().startswith(b"%PDF-")
    for form in ("sdjwt", "mdoc"):
        judged = [title for title in steps if f"offline check of document.{form}" in title]
        assert [title.rpartition(": ")[2] for title in judged] == ["ok", "revoked"]


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


def state_of_requests(wallet: Wallet) -> list[tuple[str, str, int]]:
    with wallet.db.read() as session:
        rows = session.scalars(select(RequestRow).where(RequestRow.utility == "judicial_record"))
        return [(row.state, row.province, sum(line["amount"] for line in row.fee)) for row in rows]


@pytest.mark.parametrize(
    ("day", "due", "slip", "extra"),
    [
        (datetime(2026, 11, 20, 2, tzinfo=UTC), 10_000, "25/11/2026", ["Hỗ trợ của Thành phố Hà Nội"]),
        (datetime(2026, 3, 2, 5, tzinfo=UTC), 210_000, "16/03/2026", []),
    ],
    ids=["with the support of Hà Nội", "under the rules before"],
)
def test_a_judicial_record_is_paid_reviewed_issued_and_its_reading_is_told(
    grown: Wallet,
    calling: Calling,
    clock: FixedClock,
    steps: list[str],
    pin: str,
    day: datetime,
    due: int,
    slip: str,
    extra: list[str],
) -> None:
    clock.set(day)
    JudicialRecord(calling, pin).go("an")
    assert state_of_requests(grown) == [("issued", "01", due)], "sent twice with one key, it is one request"
    told = "\n".join(steps)
    assert f"phải nộp / to pay: {due:,} đồng".replace(",", ".") in told
    assert slip in told
    assert [word for word in ("Hỗ trợ của Thành phố Hà Nội",) if word in told] == extra
    assert "Tình trạng án tích: Không có án tích" in told
    assert "· cán bộ của Cục Hồ sơ nghiệp vụ, Bộ Công an: Hồ sơ" in told
    assert told.count("/answers/") >= 3
    assert "099" not in told.partition("ai đã xem")[2], "the history tells kinds of data, never the values"


def test_a_judicial_record_ends_where_a_register_is_unlike_the_story(grown: Wallet, calling: Calling, pin: str) -> None:
    """Tuổi is 15: the story is told of grown-ups, and says where it stopped."""
    with pytest.raises(Surprise) as surprise:
        JudicialRecord(calling, pin).go("tuoi")
    assert "POST /v1/requests: 4" in str(surprise.value)
    assert state_of_requests(grown) == []


def launch_of(wallet: Wallet) -> str:
    with wallet.read() as work:
        return str(work.rollout.launch("residence").state)


def test_a_launch_is_piloted_explained_stopped_and_opened_again(
    grown: Wallet, calling: Calling, steps: list[str]
) -> None:
    LaunchStory(calling).go("an")
    assert launch_of(grown) == "open"
    told = "\n".join(steps)
    assert "Hiện mới mở cho người có nơi thường trú tại: Thành phố Hà Nội, Thành phố Huế." in told
    assert "Thành phố Huế. (state ✓, province ✗)" in told
    assert PAUSE_TEXT["vi"] in told
    assert "nobody approves their own" in told
    assert "flag: False, DISABLED" in told


def test_a_launch_that_surprises_is_open_again(grown: Wallet, calling: Calling, steps: list[str]) -> None:
    """Xa is registered in Nghệ An: the pilot leaves her out, and it must not be left as it is."""
    with pytest.raises(Surprise) as surprise:
        LaunchStory(calling).go("xa")
    assert "not_in_pilot" in str(surprise.value)
    assert launch_of(grown) == "open"
    assert "agreed" in steps[-1]


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


def gate_story(wallet: Wallet, clock: FixedClock, calling: Calling, folder: Path, steps: list[str]) -> GateStory:
    network, url = Network(calling.client), "http://wallet.test"
    phone = carded_phone(calling, "an")
    steps.clear()
    codes = codes_served(network, url)
    told = lambda title, _: steps.append(title)  # noqa: E731 - one line
    return GateStory(network, url, wallet.trust.pin, codes, phone, folder, clock, SystemEntropy(), told)


def test_a_gate_meets_every_outcome_and_goes_on_without_network(
    grown: Wallet, clock: FixedClock, calling: Calling, tmp_path: Path, steps: list[str]
) -> None:
    found = gate_story(grown, clock, calling, tmp_path / "gate", steps).go()
    told = "\n".join(steps)
    for outcome in Outcome:
        assert catalogue("vi")["verifier"][f"outcome.{outcome.value}"] in told
    assert "the plug is pulled" not in told
    assert found["checks"] == 21
    assert sum(found["counts"].values()) == 21
    assert found["steps"] == {"before": 4, "now": 2}
    assert found["milliseconds"]["median"] < 1000


def test_the_sandboxs_desk_takes_what_a_gate_of_the_demo_checked(
    grown: Wallet, clock: FixedClock, calling: Calling, tmp_path: Path, steps: list[str]
) -> None:
    story = gate_story(grown, clock, calling, tmp_path / "gate", steps)
    checked = story.go("valid")["receipts"]
    assert checked
    sandbox = next(gate for gate in GATES if gate.key == "sandbox")
    key = key_of(sandbox, grown.keystore.secret(Secret.DEMO)).shown
    done = upload(Receipts(tmp_path / "gate"), "https://wallet.test", key, Network(calling.client))
    assert (done.receipts, done.refused, done.refused_checks) == (checked, 0, 0)


def test_a_gate_plays_one_outcome_alone(
    grown: Wallet, clock: FixedClock, calling: Calling, tmp_path: Path, steps: list[str]
) -> None:
    found = gate_story(grown, clock, calling, tmp_path / "gate", steps).go("expired")
    assert (found["checks"], len(steps)) == (1, 2)
    with pytest.raises(Surprise, match="no such outcome"):
        gate_story(grown, clock, calling, tmp_path / "other", steps).go("what")


def test_a_gate_that_hears_another_verdict_than_promised_ends(
    grown: Wallet, clock: FixedClock, calling: Calling, tmp_path: Path, steps: list[str]
) -> None:
    story = gate_story(grown, clock, calling, tmp_path / "gate", steps)
    story.codes = [replace(code, outcome=Outcome.VALID) for code in story.codes if code.key == "revoked"]
    with pytest.raises(Surprise, match="revoked, mong đợi / expected valid"):
        story.go()
