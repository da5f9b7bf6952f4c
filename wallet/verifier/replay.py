"""Which live codes were seen at which gate: each works once. Source: docs/wire.md, section 3, step 7.

With each is kept when and at which gate that was, for whoever is shown it again: nothing of it is about a person.
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol

from wallet.entropy import Entropy, SystemEntropy
from wallet.errors import Unavailable

KEPT_SECONDS = 24 * 3600
"""The most that anything is remembered, whatever a code says of itself."""
SALT_BYTES = 32

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS salt (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS salted (mark BLOB PRIMARY KEY, until INTEGER NOT NULL, seen_at INTEGER, gate TEXT)"
    " WITHOUT ROWID",
)
_ADDED = ("ALTER TABLE salted ADD COLUMN seen_at INTEGER", "ALTER TABLE salted ADD COLUMN gate TEXT")
"""What a file of an earlier version lacks; of what it remembers nobody knows when it was seen."""

_FORMER = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'seen'"
_FORMER_ROWS = (
    "SELECT gate, digest, until FROM seen WHERE until >= ?"
    " AND typeof(gate) = 'text' AND typeof(digest) = 'blob' AND typeof(until) = 'integer'"
)


class Sighting(NamedTuple):
    """That a code was seen before. seen_at: seconds since 1970, rounded down. gate_id: "" where the gate has none."""

    seen_at: int
    gate_id: str


class Replay(Protocol):
    """The memory of a gate."""

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        """Remember a code at a gate, in one step; return whether it is new there.

        digest: SHA-256 over the outer payload. until, now: seconds; what was to be kept until before now is forgotten.
        Raises Unavailable when the memory cannot be used: then nothing may pass.
        """
        ...

    def sighting(self, gate_id: str, digest: bytes) -> Sighting | None:
        """Return when and where a code that is remembered was first seen; None where that is not known.

        Raises Unavailable.
        """
        ...


class MemoryReplay:
    """A memory for one process; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: dict[tuple[str, bytes], tuple[int, Sighting]] = {}
        self._next_sweep = 0.0

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        with self._lock:
            if now >= self._next_sweep:
                self._seen = {key: seen for key, seen in self._seen.items() if seen[0] >= now}
                self._next_sweep = now + 30
            found = self._seen.get((gate_id, digest))
            if found is not None and found[0] >= now:
                return False
            self._seen[gate_id, digest] = until, Sighting(int(now), gate_id)
            return True

    def sighting(self, gate_id: str, digest: bytes) -> Sighting | None:
        with self._lock:
            found = self._seen.get((gate_id, digest))
            return None if found is None else found[1]


class FileReplay:
    """A memory that outlives the process and that several processes on one machine may share: one SQLite file.

    What it keeps is a keyed hash of gate and digest, under a salt that is drawn for this file and stays in it: two
    files have nothing in common, and none tells what was shown. Nothing is kept for more than 24 hours.
    """

    def __init__(self, path: Path, *, timeout_seconds: float = 5, entropy: Entropy | None = None) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._entropy = entropy or SystemEntropy()

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        with self._open(now) as (connection, salt):
            connection.execute("DELETE FROM salted WHERE until < ?", (now,))
            row = (_mark(salt, gate_id, digest), min(until, int(now) + KEPT_SECONDS), int(now), gate_id)
            return connection.execute("INSERT OR IGNORE INTO salted VALUES (?, ?, ?, ?)", row).rowcount == 1

    def sighting(self, gate_id: str, digest: bytes) -> Sighting | None:
        with self._open(0) as (connection, salt):
            found = connection.execute(
                "SELECT seen_at, gate FROM salted WHERE mark = ? AND seen_at IS NOT NULL",
                (_mark(salt, gate_id, digest),),
            ).fetchone()
            return None if found is None else Sighting(*found)

    @contextmanager
    def _open(self, now: float) -> Iterator[tuple[sqlite3.Connection, bytes]]:
        """One transaction, with the salt: whole or not at all."""
        try:
            connection = sqlite3.connect(self._path, timeout=self._timeout_seconds, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("BEGIN IMMEDIATE")
                yield connection, self._salt(connection, now)
                connection.execute("COMMIT")
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise Unavailable("replay_memory_unavailable") from error

    def _salt(self, connection: sqlite3.Connection, now: float) -> bytes:
        """Return the salt of this file, drawn on first use; what an earlier version kept in the plain is taken over."""
        for statement in _SCHEMA:
            connection.execute(statement)
        if len(connection.execute("SELECT * FROM salted LIMIT 0").description) == 2:
            for statement in _ADDED:
                connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO salt VALUES (1, ?)", (self._entropy.bytes(SALT_BYTES),))
        salt = bytes(connection.execute("SELECT value FROM salt").fetchone()[0])
        if connection.execute(_FORMER).fetchone() is not None:
            rows = [
                (_mark(salt, gate, digest), min(until, int(now) + KEPT_SECONDS))
                for gate, digest, until in connection.execute(_FORMER_ROWS, (now,)).fetchall()
            ]
            connection.executemany("INSERT OR IGNORE INTO salted (mark, until) VALUES (?, ?)", rows)
            connection.execute("DROP TABLE seen")
        return salt


def _mark(salt: bytes, gate_id: str, digest: bytes) -> bytes:
    """Return what is kept of a code at a gate. A digest has one length, so the two cannot run into each other."""
    return hmac.digest(salt, digest + gate_id.encode(), hashlib.sha256)
