"""docs/integrators.md and `/docs/integrators`: the examples are short, are the same everywhere, and run."""

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.checks.verifier import Desk
from tests.interop.environments import need
from tests.served import served
from tests.support import FixedClock
from tests.verifier.test_fetching import answer, dead_address, server
from tests.verifier.world import World
from wallet.clock import SystemClock
from wallet.demo.sample_codes import sample_codes
from wallet.texts.catalogue import catalogue
from wallet.verifier.outcomes import LOOKS, REASONS_OF, Outcome
from wallet.verifier.refreshing import Held
from wallet.wiring import Wallet

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
NAMES = ("check_offline.py", "check_offline.ts", "check_online.py", "check_online.ts")
FRONT = ROOT / "wallet" / "web" / "front"
PAGE = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")


def example(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short_and_the_same_everywhere(name: str, client: FlaskClient) -> None:
    text = example(name)
    assert len(text.splitlines()) < 20
    assert f"`docs/examples/{name}`" in PAGE
    assert f"\n{text}```" in PAGE
    for lang in ("vi", "en"):
        assert text.rstrip("\n") in html.unescape(client.get(f"/docs/integrators?lang={lang}").text)


def test_both_tables_are_those_of_the_code(client: FlaskClient, wallet: Wallet, clock: FixedClock) -> None:
    rows = re.findall(r"^\| (\S) (.+?) / (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert len(rows) == len(Outcome)
    for (sign, vi, _, reasons, codes), outcome in zip(rows, Outcome, strict=True):
        assert (sign, vi) == (LOOKS[outcome].sign, catalogue("vi")["verifier"][f"outcome.{outcome.value}"])
        assert set(re.findall(r"`(\w+)`", reasons)) == set(REASONS_OF[outcome])
        keys = {code.key for code in sample_codes(wallet, clock.now()) if code.outcome is outcome}
        assert set(re.findall(r"`(\w+)`", codes)) == keys
    for lang in ("vi", "en"):
        page = html.unescape(client.get(f"/docs/integrators?lang={lang}").text)
        for outcome in Outcome:
            assert catalogue(lang)["verifier"][f"outcome.{outcome.value}"] in page
            assert " ".join(REASONS_OF[outcome]) in page


# ── they run ──


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path, str, str]:
    """A store with a bundle of this hour, a code that is good now and one that is not."""
    world, store, now = World(), tmp_path_factory.mktemp("store"), SystemClock().now()
    times = {"issued_at": now, "next_update": now + timedelta(hours=24), "expires_at": now + timedelta(hours=72)}
    fresh = world.status_jwt({9: 0, 10: 1}, issued_at=now, expires_at=now + timedelta(hours=72))
    issuers = world.content().issuers
    entry = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=1)}
    changed = tuple(
        type(issuer)(issuer.code, issuer.name, world.entries(**dict.fromkeys(("doc", "card", "live", "status"), entry)))
        for issuer in issuers
    )
    Held(store, world.pins).offer(world.bundle(fresh, issuers=changed, **times), now)
    good = world.document_code(issued_at=now, expires_at=now + timedelta(days=30))
    expired = world.document_code(issued_at=now - timedelta(hours=2), expires_at=now - timedelta(hours=1))
    return world, store, good, expired


def run(command: list[str], **environ: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NODE_NO_WARNINGS": "1", **environ}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, env=environment, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_python_offline(offline: tuple[World, Path, str, str], tmp_path: Path) -> None:
    world, store, good, expired = offline
    script = [sys.executable, str(EXAMPLES / "check_offline.py")]
    assert run([*script, good, str(store), world.pins[0]]) == (0, "valid ok")
    assert run([*script, expired, str(store), world.pins[0]]) == (1, "invalid expired")
    status, said = run([*script, good, str(tmp_path), world.pins[0]])
    assert status == 1
    assert "no trust bundle yet" in said


@pytest.fixture
def service(wallet: Wallet, application: Callable[[Wallet], Flask]) -> Iterator[str]:
    """The address of a running service."""
    with served(application(wallet)) as url:
        yield url


class Client:
    """An example of the online check as somebody runs it who has a service and a desk of it."""

    def __init__(self, command: list[str], service: str, desk: Desk) -> None:
        self.command, self.service, self.desk = command, service, desk
        self.codes = {each.key: each.code for each in sample_codes(desk.wallet, desk.wallet.clock.now())}

    def check(self, sample: str, **other: str) -> tuple[int, str]:
        given = {"url": self.service, "purpose": "boarding", "key": self.desk.headers["X-Desk-Key"]} | other
        return run([*self.command, self.codes[sample], given["url"], given["purpose"]], DESK_KEY=given["key"])

    def refused(self, **other: str) -> str:
        """Return the one line that is said where there is no verdict: no traceback, and never a pass."""
        status, said = self.check("valid_document", **other)
        assert status == 1
        assert len(said.splitlines()) == 1, said
        return said


def online(client: Client) -> None:
    """Ask the service everything that an example of the online check must stand."""
    assert client.check("valid_document") == (0, "valid ok")
    assert client.check("revoked") == (1, "invalid revoked")
    assert client.check("not_our_code") == (1, "invalid not_a_code")
    texts, wrong = catalogue("vi")["problems"], client.desk.headers["X-Desk-Key"][:-2]
    for code, other in (("invalid_desk_key", {"key": wrong}), ("purpose_not_registered", {"purpose": "lounge"})):
        assert client.refused(**other) == f"{code}: {texts[code]['detail']}"
    assert client.refused(url=f"{client.service}/wallet").startswith("unknown_route: ")
    assert "`wallet demo desks`" in client.refused(key="")
    address = dead_address()
    assert f"is {address} the service?" in client.refused(url=address)
    for status in (200, 502):
        with server(answer(status, b"<html>", Content_Type="text/html")) as other:
            assert f"is {other} the service?" in client.refused(url=other)


@pytest.fixture
def desk(wallet: Wallet, client: FlaskClient) -> Desk:
    return Desk.open(wallet, client)


def test_python_online(service: str, desk: Desk) -> None:
    online(Client([sys.executable, str(EXAMPLES / "check_online.py")], service, desk))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript examples as any bundler makes them."""
    esbuild = FRONT / "node_modules" / ".bin" / "esbuild"
    need(shutil.which("node") is not None and esbuild.exists(), "WALLET_REQUIRE_NODE", "make front")
    out = tmp_path_factory.mktemp("built")
    # Both from the folder of the front end, where what they import is installed.
    options = ["--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs", f"--outdir={out}"]
    names = [str(EXAMPLES / name) for name in NAMES if name.endswith(".ts")]
    done = subprocess.run([esbuild, *names, *options], capture_output=True, encoding="utf-8", cwd=FRONT, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_typescript_offline(built: Path, offline: tuple[World, Path, str, str]) -> None:
    world, store, good, expired = offline
    script = ["node", str(built / "check_offline.mjs")]
    assert run([*script, good, str(store / "bundle.jws"), world.pins[0]]) == (0, "valid ok")
    assert run([*script, expired, str(store / "bundle.jws"), world.pins[0]]) == (1, "invalid expired")
    status, said = run([*script, good, str(store / "bundle.jws"), "0" * 64])
    assert status == 1
    assert "valid ok" not in said


def test_typescript_online(built: Path, service: str, desk: Desk) -> None:
    online(Client(["node", str(built / "check_online.mjs")], service, desk))
