"""Which live codes were seen at which gate: each works once. Source: docs/wire.md, section 3, step 7."""

import sqlite3
from pathlib import Path
from threading import Lock
from typing import Protocol

from wallet.errors import Unavailable

_SCHEMA = "CREATE TABLE IF NOT EXISTS seen (gate TEXT, digest BLOB, until INTEGER, PRIMARY KEY (gate, digest))"


class Replay(Protocol):
    """The memory of a gate."""

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        """Remember a code at a gate, in one step; return whether it is new there.

        digest: SHA-256 over the outer payload. until, now: seconds; what was to be kept until before now is forgotten.
        Raises Unavailable when the memory cannot be used: then nothing may pass.
        """
        ...


class MemoryReplay:
    """A memory for one process; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: dict[tuple[str, bytes], int] = {}
        self._next_sweep = 0.0

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        with self._lock:
            if now >= self._next_sweep:
                self._until = {seen: end for seen, end in self._until.items() if end >= now}
                self._next_sweep = now + 30
            if self._until.get((gate_id, digest), -1) >= now:
                return False
            self._until[gate_id, digest] = until
            return True


class FileReplay:
    """A memory that outlives the process and that several processes on one machine may share: one SQLite file."""

    def __init__(self, path: Path, *, timeout_seconds: float = 5) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        try:
            connection = sqlite3.connect(self._path, timeout=self._timeout_seconds, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_SCHEMA)
                connection.execute("DELETE FROM seen WHERE until < ?", (now,))
                cursor = connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (gate_id, digest, until))
                connection.execute("COMMIT")
                return cursor.rowcount == 1
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise Unavailable("replay_memory_unavailable") from error
