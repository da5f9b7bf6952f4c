"""`python -m wallet.verifier check` with no server, no network and every socket refused."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.documents.people import admin_of, issue, on_one_database
from tests.support import FixedClock
from wallet.demo.personas import persona
from wallet.documents.qr_image import png
from wallet.documents.revoking import RevocationReason
from wallet.wiring import Wallet

ROOT = Path(__file__).parents[2]
HEAVY = ("flask", "flask_smorest", "sqlalchemy", "marshmallow", "qrcode", "httpx", "psycopg", "werkzeug", "alembic")
BLOCK = """
import atexit, json, os, socket, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError("sockets are blocked: " + event)

class Blocked:
    def __init__(self, *_, **__):
        raise RuntimeError("sockets are blocked")

sys.addaudithook(refuse)
socket.socket = socket.create_connection = socket.getaddrinfo = Blocked

def tell():
    if "LOADED" in os.environ:
        with open(os.environ["LOADED"], "w") as file:
            json.dump(sorted({name.split(".")[0] for name in sys.modules}), file)

atexit.register(tell)
"""

pytestmark = on_one_database


@dataclass(frozen=True)
class Held:
    """What a third party holds: files in a folder, and nothing of the service."""

    folder: Path
    pin: str
    at: datetime
    name: str

    def python(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": os.pathsep.join([str(self.folder / "block"), str(ROOT)]),
            "LOADED": str(self.folder / "loaded.json"),
        }
        command = [sys.executable, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, cwd=self.folder, env=environ, timeout=60)

    def check(
        self,
        code: str,
        *options: str,
        bundle: str = "bundle.jws",
        pin: str | None = None,
        at: datetime | None = None,
        stdin: bytes = b"",
    ) -> "subprocess.CompletedProcess[bytes]":
        moment = (at or self.at).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = ("--bundle", bundle, "--pin", pin or self.pin, "--at", moment, *options)
        return self.python("-m", "wallet.verifier", "check", code, *given, stdin=stdin)

    def answer(self, code: str, **options: Any) -> tuple[int, dict[str, Any]]:
        done = self.check(code, "--json", **options)
        assert b"Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    @property
    def code(self) -> str:
        return (self.folder / "code.txt").read_text()


@pytest.fixture
def held(wallet: Wallet, clock: FixedClock, tmp_path: Path) -> Held:
    """Issue, keep the bundle, revoke, keep the next one; then the service is gone."""
    folder = tmp_path / "third-party"
    (folder / "block").mkdir(parents=True)
    (folder / "block" / "sitecustomize.py").write_text(BLOCK)
    document = issue(wallet, "xa")
    (folder / "code.txt").write_text(document.code)
    (folder / "code.png").write_bytes(png(document.code))
    (folder / "bundle.jws").write_bytes(wallet.trust.bundle().token)
    at = clock.now()
    with wallet.work() as work:
        work.revoking.revoke(document.id, RevocationReason.DATA_CHANGED, admin_of(wallet))
    clock.advance(seconds=60)
    (folder / "bundle-after.jws").write_bytes(wallet.trust.bundle().token)
    wallet.close()
    return Held(folder, wallet.trust.pin, at, persona("xa").name)


def test_sockets_are_really_blocked(held: Held) -> None:
    for attempt in (
        "import socket; socket.socket()",
        "import _socket; _socket.socket()",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import _socket; _socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
    ):
        done = held.python("-c", attempt)
        assert done.returncode == 1
        assert b"sockets are blocked" in done.stderr or b"Blocked" in done.stderr, (attempt, done.stderr)


WAYS: dict[str, Callable[[Held], dict[str, Any]]] = {
    "text": lambda held: {"code": held.code},
    "text-with-white-space": lambda held: {"code": f" {held.code}\n"},
    "picture": lambda _: {"code": "code.png"},
    "stdin": lambda held: {"code": "-", "stdin": held.code.encode() + b"\r\n"},
}


@pytest.mark.parametrize("way", WAYS)
def test_code_is_checked_however_it_comes(held: Held, way: str) -> None:
    given = WAYS[way](held)
    status, answer = held.answer(**given)
    assert (status, answer["verdict"], answer["reasons"], answer["accepted"]) == (0, "valid", ["ok"], True)
    claims = {claim["name"]: claim["value"] for claim in answer["document"]["claims"]}
    assert claims["full_name"] == held.name
    status, answer = held.answer(bundle="bundle-after.jws", at=held.at + timedelta(seconds=60), **given)
    assert (status, answer["verdict"], answer["reasons"], answer["accepted"]) == (1, "invalid", ["revoked"], False)


def test_json_says_what_was_checked_and_how_old_the_data_is(held: Held) -> None:
    _, answer = held.answer(held.code, at=held.at + timedelta(hours=5))
    assert answer["checked"] == ["code", "shape", "key", "signature", "dates", "status", "policy"]
    assert (answer["bundle_age_seconds"], answer["status_age_seconds"]) == (5 * 3600, 5 * 3600)
    assert answer["holder_binding"] == "none"
    assert answer["sample_mark"] == "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
    for claim in answer["document"]["claims"]:
        assert claim["label"]["vi"] != claim["label"]["en"]
    assert answer["document"]["utility"]["code"] == "residence"
    assert answer["document"]["expires_at"] == "2027-03-02T17:00:00Z"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_report_for_people_has_the_verdict_in_both_languages(held: Held, lang: str) -> None:
    done = held.check(held.code, "--lang", lang)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in text
    assert held.name in text
    assert "[ok]" in text


def test_what_is_not_valid_exits_with_1(held: Held) -> None:
    code = held.code
    for bad, reason in (
        (code[:-1], "malformed"),
        (code[:60] + ("0" if code[60] != "0" else "1") + code[61:], "malformed"),
        ("VD1:", "malformed"),
        ("no code at all", "not_a_code"),
        ("", "not_a_code"),
    ):
        status, answer = held.answer(bad)
        assert (status, answer["verdict"], answer["reasons"]) == (1, "invalid", [reason])
        assert "document" not in answer
    status, answer = held.answer(code, at=held.at - timedelta(seconds=61), bundle="bundle.jws")
    assert status == 2  # the bundle itself is from the future
    status, answer = held.answer("-", stdin=b"\xff\xfe VD1:")
    assert (status, answer["reasons"]) == (1, ["not_a_code"])


def test_what_cannot_be_told_exits_with_2(held: Held) -> None:
    stale = held.at + timedelta(hours=72)
    status, answer = held.answer(held.code, at=stale)
    assert (status, answer["verdict"], answer["reasons"]) == (2, "cannot_tell", ["trust_stale", "status_stale"])
    status, answer = held.answer(held.code, at=stale - timedelta(seconds=1))
    assert (status, answer["verdict"]) == (0, "valid")
    for options, error in (
        ({"pin": "0" * 64}, "pin_wrong"),
        ({"bundle": "no-such-file"}, "bundle_missing"),
        ({"bundle": "code.txt"}, "bundle_refused"),
        ({"bundle": "code.png"}, "bundle_refused"),
    ):
        status, answer = held.answer(held.code, **options)
        assert (status, answer["verdict"], answer["accepted"]) == (2, "cannot_tell", False)
        assert answer["error"] == error
        assert answer["next"]
        assert "document" not in answer


def test_broken_picture_exits_with_2_and_says_what_to_do(held: Held) -> None:
    whole = (held.folder / "code.png").read_bytes()
    Image.new("L", (200, 200), 255).save(held.folder / "blank.png")
    for name, content in (("cut.png", whole[:200]), ("empty.png", b""), ("text.png", held.code.encode())):
        (held.folder / name).write_bytes(content)
    for name in ("cut.png", "empty.png", "text.png", "blank.png", "missing.png"):
        status, answer = held.answer(name)
        assert (name, status, answer["verdict"]) == (name, 2, "cannot_tell")
        assert answer["error"] in ("image_unreadable", "image_no_code")
        assert answer["next"]


def test_older_bundle_never_replaces_a_newer_one_after_a_restart(held: Held) -> None:
    later = held.at + timedelta(seconds=60)
    for bundle, expected in (("bundle.jws", 0), ("bundle-after.jws", 1), ("bundle.jws", 1)):
        done = held.check(held.code, "--json", "--store", "store", bundle=bundle, at=later)
        assert (bundle, done.returncode) == (bundle, expected), done.stderr


def test_nothing_heavy_is_loaded_even_to_read_a_picture(held: Held) -> None:
    for code in (held.code, "code.png"):
        assert held.check(code).returncode == 0
        loaded = set(json.loads((held.folder / "loaded.json").read_text()))
        assert "wallet" in loaded
        assert loaded.isdisjoint(HEAVY)
        assert "_ssl" not in loaded
    assert "PIL" in loaded


def test_importing_the_verifier_loads_nothing_heavy(held: Held) -> None:
    done = held.python("-c", "import wallet.verifier")
    assert (done.returncode, done.stderr) == (0, b"")
    loaded = set(json.loads((held.folder / "loaded.json").read_text()))
    assert loaded.isdisjoint((*HEAVY, "PIL", "zxingcpp", "requests", "urllib3", "asyncio"))


def test_third_party_learns_nothing_about_anyone_else(held: Held) -> None:
    """The bundle is public: no name, no number, no document id."""
    for name in ("bundle.jws", "bundle-after.jws"):
        parts = (held.folder / name).read_text().split(".")
        payload = base64.urlsafe_b64decode(parts[1] + "==").decode()
        for key in ("an", "xa", "sau"):
            assert persona(key).name not in payload
            assert persona(key).number not in payload
        assert "doc_" not in payload
