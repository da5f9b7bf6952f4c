"""The real server in a session of its own, so that one signal from outside ends all of it at once."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from wallet.settings import Settings

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60


@dataclass(frozen=True)
class Urls:
    """The databases of a deployment."""

    wallet: str
    nation: str

    @property
    def is_sqlite(self) -> bool:
        return self.wallet.startswith("sqlite")


class Server:
    """A deployment below one directory: its keys, its databases, its port."""

    def __init__(self, directory: Path, urls: Urls, **more: str) -> None:
        self.directory = directory
        self.urls = urls
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.given = {
            "WALLET_KEYS_DIR": str(directory / "keys"),
            "WALLET_DATABASE_URL": urls.wallet,
            "WALLET_SOURCES_URL": urls.nation,
            "WALLET_PORT": str(self.port),
            "WALLET_ARGON2_TIME_COST": "1",
            "WALLET_ARGON2_MEMORY_KIB": "8",
            "WALLET_LOG_LEVEL": "warning",
            "WALLET_PUBLISHED_DIR": str(directory / "published"),
            "WALLET_SMS_OUTBOX_DIR": str(directory / "outbox"),
            **more,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        return Settings.from_environ(self.given)

    @property
    def log(self) -> str:
        path = self.directory / "server.log"
        return path.read_text() if path.exists() else ""

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Call `wallet run` and wait for its end."""
        return subprocess.run(
            self._command(*options), cwd=ROOT, env=self._environ(), capture_output=True, text=True, timeout=120
        )

    def begin(self, *options: str) -> "subprocess.Popen[bytes]":
        """Call `wallet run` in a session of its own and do not wait."""
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(*options), cwd=ROOT, env=self._environ(), stdout=log, stderr=log, start_new_session=True
            )
        return self.process

    def start(self) -> None:
        """Serve, and return once the server says that it is ready."""
        process = self.begin()
        deadline = time.monotonic() + READY_SECONDS
        with httpx.Client(timeout=2) as client:
            while time.monotonic() < deadline:
                assert process.poll() is None, self.log
                try:
                    if client.get(f"{self.address}/health/ready").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise AssertionError(f"not ready after {READY_SECONDS} s\n{self.log}")

    def kill(self) -> None:
        """End the whole process group at once, as a lost machine does. What is not running is left alone."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        while not _is_free(self.port):
            time.sleep(0.005)

    def _command(self, *options: str) -> list[str]:
        return [str(Path(sys.executable).with_name("wallet")), "run", "--citizens", "1", *options]

    def _environ(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")} | self.given


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
