"""`wallet jobs run`, `wallet demo messages`, and what `wallet doctor` says of text messages."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wallet.commands.main import wallet as command
from wallet.messages.telling import Recipient
from wallet.settings import Settings
from wallet.wiring import Wallet

Run = Callable[..., Result]
PHONE = "+84990000001"


@pytest.fixture
def environ(deployment: Settings, tmp_path: Path) -> dict[str, str]:
    """The environment of a prepared deployment."""
    given = {f"WALLET_{name.upper()}": str(getattr(deployment, name)) for name in ("keys_dir", "database_url")}
    given |= {"WALLET_SOURCES_URL": deployment.sources_url, "WALLET_ISSUER_URL": deployment.issuer_url}
    return given | {"WALLET_SMS_OUTBOX_DIR": str(tmp_path / "outbox"), "WALLET_PORT": "1"}


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    def call(*arguments: str, **more: str) -> Result:
        return CliRunner().invoke(command, arguments, env=environ | more)

    return call


@pytest.fixture
def told(deployment: Settings) -> None:
    """A message that waits to be sent, by the clock of the machine: commands know no other."""
    wallet = Wallet.build(deployment)
    with wallet.work() as work:
        work.telling.tell(Recipient("acc_" + "a" * 32, PHONE), "account_locked")
    wallet.close()


def test_what_was_told_is_sent_and_can_be_read(run: Run, told: None, tmp_path: Path) -> None:
    assert run("demo", "messages").exit_code == 1
    assert run("jobs", "run", "--once").exit_code == 0
    rows = json.loads(run("demo", "messages", "--json", "--last", "1000").stdout)
    texts = [row["text"] for row in rows if row["phone"] == PHONE]
    assert len(texts) == 1
    assert texts[0].startswith("Tai khoan dinh danh cua quy khach da bi khoa.")
    shown = run("demo", "messages", "--last", "1000").stdout
    assert PHONE in shown
    assert texts[0] in shown
    assert run("jobs", "run", "--once").exit_code == 0
    assert len(json.loads(run("demo", "messages", "--json", "--last", "1000").stdout)) == len(rows)


def test_jobs_run_until_they_are_told_to_stop(environ: dict[str, str], told: None, tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")} | environ
    own["WALLET_LOG_LEVEL"] = "debug"  # to see when the message is out
    program = [str(Path(sys.executable).with_name("wallet")), "jobs", "run"]
    with subprocess.Popen(program, env=own, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            waited_for = {"texts", "text message written"}  # in whatever order: the jobs have begun when it says so
            while waited_for:
                line = process.stderr.readline()
                assert line, "it ended by itself"
                waited_for = {each for each in waited_for if each not in line}
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()  # else whoever fails here waits for it for ever
    (written,) = [path for path in (tmp_path / "outbox").iterdir() if PHONE in path.read_text()]
    assert written.suffix == ".json"


@pytest.mark.parametrize(
    ("more", "mend"),
    [
        ({}, "wallet run"),
        ({"WALLET_MODE": "production"}, "WALLET_MODE=demo wallet demo messages"),
        ({"WALLET_SMS_GATEWAY_URL": "https://sms.example.vn/"}, "wallet config show"),
    ],
)
def test_where_nothing_can_be_read_the_next_command_is_named(run: Run, more: dict[str, str], mend: str) -> None:
    result = run("demo", "messages", **more)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"→ {mend}" in result.stderr


def finding(result: Result) -> dict[str, str]:
    return next(each for each in json.loads(result.stdout) if each["what"] == "tin nhắn / text messages")


def test_doctor_says_that_production_needs_a_gateway(run: Run, tmp_path: Path) -> None:
    assert finding(run("doctor", "--json"))["state"] == "ok"
    wrong = finding(run("doctor", "--json", WALLET_MODE="production"))
    assert (wrong["state"], "WALLET_SMS_GATEWAY_URL" in wrong["mend"]) == ("wrong", True)


def test_doctor_looks_at_the_gateways_secret(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "gateway.secret"
    gateway = {"WALLET_MODE": "production", "WALLET_SMS_GATEWAY_URL": "https://sms.example.vn/"}
    assert finding(run("doctor", "--json", **gateway))["state"] == "wrong"
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    secret.chmod(0o644)
    gateway["WALLET_SMS_GATEWAY_SECRET_FILE"] = str(secret)
    readable = finding(run("doctor", "--json", **gateway))
    assert (readable["state"], "chmod 600" in readable["detail"]) == ("wrong", True)
    secret.chmod(0o600)
    assert finding(run("doctor", "--json", **gateway))["state"] == "ok"
