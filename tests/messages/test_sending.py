"""What sends text messages: files that only their owner reads, or a gateway that can tell that it was us."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.messages.receiver import QUICK, Receiver, raw_server, serving
from tests.support import FixedClock
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, Unavailable
from wallet.messages.sending import Gateway, Outbox, open_messages

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PHONE, TEXT = "+84990000001", "Ma OTP cua quy khach la 482913."


@pytest.fixture
def outbox(tmp_path: Path, clock: FixedClock) -> Outbox:
    return Outbox(tmp_path / "var" / "outbox", clock, SystemEntropy())


def gateway(receiver: Receiver) -> Gateway:
    """The receiver's library looks at the machine's clock, so this one shows its time."""
    return Gateway(receiver.url, SECRET, FixedClock(datetime.now(UTC)), SystemEntropy())


# --- files -----------------------------------------------------------------------------------------------------


def test_each_message_is_a_file_of_its_own(outbox: Outbox, clock: FixedClock) -> None:
    outbox.send(PHONE, TEXT)
    clock.advance(seconds=1)
    outbox.send(PHONE, "Tin thứ hai")
    first, second = sorted(outbox.directory.iterdir())
    assert json.loads(first.read_text("utf-8")) == {"phone": PHONE, "text": TEXT, "at": "2026-03-02T05:00:00Z"}
    assert json.loads(second.read_text("utf-8"))["text"] == "Tin thứ hai"
    assert [row["text"] for row in outbox.newest(5)] == ["Tin thứ hai", TEXT]
    assert [row["text"] for row in outbox.newest(1)] == ["Tin thứ hai"]


def test_only_its_owner_reads_it_and_no_name_tells_what_is_in_it(outbox: Outbox) -> None:
    outbox.send(PHONE, TEXT)
    (file,) = outbox.directory.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(outbox.directory.stat().st_mode) == 0o700
    assert "990000001" not in file.name
    assert "482913" not in file.name


def test_an_outbox_that_is_not_there_holds_nothing(outbox: Outbox) -> None:
    assert outbox.newest(5) == []


def test_an_outbox_that_cannot_be_written_is_unavailable(tmp_path: Path, clock: FixedClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as refused:
        Outbox(tmp_path / "file", clock, SystemEntropy()).send(PHONE, TEXT)
    assert refused.value.code == "storage_unavailable"


def test_what_was_not_written_whole_is_not_there(outbox: Outbox) -> None:
    outbox.send(PHONE, TEXT)
    (whole,) = outbox.directory.iterdir()
    whole.with_name("20990101T000000.000000Z-cut.json.new").write_text('{"phone": "+8499')
    assert [row["text"] for row in outbox.newest(5)] == [TEXT]


def test_the_log_holds_neither_phone_nor_text(outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    outbox.send(PHONE, TEXT)
    said = "".join(capsys.readouterr())
    assert "990000001" not in said
    assert "482913" not in said
    assert said.count("\n") == 1


# --- a gateway -------------------------------------------------------------------------------------------------


def test_a_gateway_verifies_us_with_the_library(receiver: Receiver) -> None:
    gateway(receiver).send(PHONE, TEXT)
    (request,) = receiver.requests
    assert Webhook(SECRET).verify(request.body, request.headers) == {"phone": PHONE, "text": TEXT}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"482913", b"482914"), request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(request.body, request.headers)


def test_an_old_message_is_refused_by_the_gateway(receiver: Receiver) -> None:
    late = Gateway(receiver.url, SECRET, FixedClock(datetime.now(UTC) - timedelta(minutes=6)), SystemEntropy())
    late.send(PHONE, TEXT)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(receiver.requests[0].body, receiver.requests[0].headers)


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 503])
def test_a_gateway_that_does_not_thank_is_unavailable(receiver: Receiver, status: int) -> None:
    with serving(Receiver()) as elsewhere:
        receiver.answers, receiver.location = [status], elsewhere.url
        with pytest.raises(Unavailable):
            gateway(receiver).send(PHONE, TEXT)
        assert elsewhere.requests == [], "a redirect would carry phone and code elsewhere"


def test_a_gateway_that_is_gone_is_unavailable() -> None:
    with serving(Receiver()) as receiver:
        pass
    with pytest.raises(Unavailable):
        gateway(receiver).send(PHONE, TEXT)


@pytest.mark.parametrize("drip", [False, True])
def test_a_gateway_that_wastes_time_is_unavailable(drip: bool) -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nX-Slow: ", drip=drip) as port:
        at = f"http://127.0.0.1:{port}/"
        with pytest.raises(Unavailable):
            Gateway(at, SECRET, FixedClock(), SystemEntropy(), seconds=QUICK).send(PHONE, TEXT)


def test_a_gateway_has_thanked_before_its_body_ends() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", drip=True) as port:
        Gateway(f"http://127.0.0.1:{port}/", SECRET, FixedClock(), SystemEntropy()).send(PHONE, TEXT)


def test_a_gateway_keeps_its_secret_to_itself(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    assert "whsec" not in repr(gateway(receiver))
    gateway(receiver).send(PHONE, TEXT)
    said = "".join(capsys.readouterr())
    assert not any(secret in said for secret in ("whsec", "990000001", "482913"))


# --- which of them ---------------------------------------------------------------------------------------------


def opened(tmp_path: Path, secret: str | None, *, url: str = "https://sms.example.vn/", mode: int = 0o600) -> object:
    path = tmp_path / "gateway.secret"
    if secret is not None:
        path.write_text(secret)
        path.chmod(mode)
    return open_messages(
        gateway_url=url,
        secret_file=str(path),
        outbox_dir=tmp_path / "outbox",
        clock=FixedClock(),
        entropy=SystemEntropy(),
    )


def test_files_are_the_default_and_a_gateway_is_asked_for(tmp_path: Path) -> None:
    assert isinstance(opened(tmp_path, None, url=""), Outbox)
    assert isinstance(opened(tmp_path, f"{SECRET}\n"), Gateway)


@pytest.mark.parametrize("secret", [None, "", "whsec_", "secret", "whsec_short", f"{SECRET} {SECRET}", SECRET[6:]])
def test_a_gateway_without_a_secret_does_not_start(tmp_path: Path, secret: str | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        opened(tmp_path, secret)
    assert SECRET[6:] not in str(refused.value)


def test_a_secret_that_others_read_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="chmod 600"):
        opened(tmp_path, SECRET, mode=0o644)
