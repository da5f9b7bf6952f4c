"""What a gate keeps of its offline checks: counts, and, where it was told to, receipts until they are uploaded.

A receipt names the document by its 16 bytes, when and for which purpose it was checked, and what the answer was. It
holds no claim and nobody's name: by it the holder learns later who checked, and nobody learns more than the desk knew.
Counts and receipts leave in batches that are sealed first, so that one that is sent twice is one and the same. What the
service refuses for good is set aside until somebody decides about it, so that it holds up nothing that comes after it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wallet.entropy import Entropy, SystemEntropy, new_id
from wallet.errors import Unavailable
from wallet.verifier.judgement import Judgement
from wallet.verifier.reasons import Verdict

FILE = "receipts.sqlite"
BATCH_RECEIPTS = 200
"""So many of them stay well below what the service takes in one body."""

_VERDICTS = ("valid", "invalid", "cannot_tell")
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS batches (id TEXT PRIMARY KEY, valid INTEGER, invalid INTEGER, cannot_tell INTEGER)",
    "CREATE TABLE IF NOT EXISTS receipts (id TEXT PRIMARY KEY, document_id TEXT NOT NULL, checked_at INTEGER NOT NULL,"
    " purpose TEXT NOT NULL, verdict TEXT NOT NULL, reasons TEXT NOT NULL, batch TEXT)",
    "CREATE INDEX IF NOT EXISTS receipts_of_batch ON receipts (batch)",
    "CREATE TABLE IF NOT EXISTS refusals (id TEXT PRIMARY KEY, code TEXT NOT NULL, refused_at INTEGER NOT NULL,"
    " valid INTEGER, invalid INTEGER, cannot_tell INTEGER)",
    "CREATE TABLE IF NOT EXISTS tally (verdict TEXT PRIMARY KEY, count INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is uploaded at once, sealed: `body` is the same however often it is sent."""

    id: str
    body: Mapping[str, Any]

    @property
    def receipts(self) -> int:
        return len(self.body["receipts"])


@dataclass(frozen=True, slots=True)
class Refused:
    """What was set aside at once, for one reason. code: of the service."""

    code: str
    refused_at: datetime
    receipts: int
    checks: int


class Receipts:
    """The counts and receipts of a store: one SQLite file that several gates on one machine may share."""

    def __init__(self, folder: Path, *, timeout_seconds: float = 5, entropy: Entropy | None = None) -> None:
        self._path = folder / FILE
        self._timeout_seconds = timeout_seconds
        self._entropy = entropy or SystemEntropy()

    def note(self, judgement: Judgement, purpose: str | None = None) -> str | None:
        """Count a check and, with a purpose, keep its receipt; return the receipt's id.

        There is a receipt only of a document whose signature held, and that names itself: an SD-JWT VC and an mdoc do
        not, and what is uploaded has no other name for one. Raises Unavailable.
        """
        document_id = None if judgement.document is None else judgement.document.document_id
        with self._open() as connection:
            _tally(connection, {judgement.verdict.value: 1})
            if purpose is None or document_id is None:
                return None
            receipt = new_id(self._entropy, "rcp")
            checked_at, reasons = int(judgement.checked_at.timestamp()), json.dumps(judgement.reasons)
            connection.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (receipt, document_id, checked_at, purpose, judgement.verdict.value, reasons),
            )
            return receipt

    def counts(self) -> dict[str, int]:
        """Return what was counted and not sealed for an upload yet, by verdict. Raises Unavailable."""
        with self._open() as connection:
            return _counts(connection)

    def waiting(self) -> int:
        """Return how many receipts are still to be sent. Raises Unavailable."""
        with self._open() as connection:
            waiting = "SELECT COUNT(*) FROM receipts WHERE COALESCE(batch, '') NOT IN (SELECT id FROM refusals)"
            return int(connection.execute(waiting).fetchone()[0])

    def next_batch(self) -> Batch | None:
        """Return the batch that is sealed and not acknowledged, else seal the next; None when nothing waits.

        Raises Unavailable.
        """
        with self._open() as connection:
            row = connection.execute("SELECT * FROM batches ORDER BY rowid LIMIT 1").fetchone()
            if row is None:
                row = self._seal(connection)
            return None if row is None else _batch(connection, row)

    def acknowledged(self, batch: Batch) -> None:
        """Forget a batch that has arrived. Raises Unavailable."""
        with self._open() as connection:
            connection.execute("DELETE FROM receipts WHERE batch = ?", (batch.id,))
            connection.execute("DELETE FROM batches WHERE id = ?", (batch.id,))

    def set_aside(self, batch: Batch, faults: Mapping[int | None, str], now: datetime) -> None:
        """Set aside what the service refused for good; the rest of the batch waits again, to be sealed anew.

        faults: the place of a receipt, None for the counts, to the code for which it was refused. Whoever comes second
        changes nothing. Raises Unavailable.
        """
        with self._open() as connection:
            if connection.execute("DELETE FROM batches WHERE id = ?", (batch.id,)).rowcount == 0:
                return
            counts: dict[str, int] = batch.body["counts"]
            if None not in faults:
                _tally(connection, counts)
            for code in sorted(set(faults.values())):
                refusal = new_id(self._entropy, "ref")
                mine = counts if faults.get(None) == code else dict.fromkeys(counts, 0)
                row = (refusal, code, int(now.timestamp()), *(mine[verdict] for verdict in _VERDICTS))
                connection.execute("INSERT INTO refusals VALUES (?, ?, ?, ?, ?, ?)", row)
                places = [place for place, found in faults.items() if place is not None and found == code]
                named = [(refusal, batch.body["receipts"][place]["id"]) for place in places]
                connection.executemany("UPDATE receipts SET batch = ? WHERE id = ?", named)
            connection.execute("UPDATE receipts SET batch = NULL WHERE batch = ?", (batch.id,))

    def refused(self) -> list[Refused]:
        """Return what was set aside, the oldest first. Raises Unavailable."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT code, refused_at, valid + invalid + cannot_tell,"
                " (SELECT COUNT(*) FROM receipts WHERE batch = refusals.id) FROM refusals ORDER BY refusals.rowid"
            )
            return [Refused(code, datetime.fromtimestamp(at, UTC), count, checks) for code, at, checks, count in rows]

    def take_back(self) -> int:
        """Let what was set aside wait again; return how many receipts that are. Raises Unavailable."""
        with self._open() as connection:
            for counts in connection.execute("SELECT valid, invalid, cannot_tell FROM refusals").fetchall():
                _tally(connection, dict(zip(_VERDICTS, counts, strict=True)))
            mine = "UPDATE receipts SET batch = NULL WHERE batch IN (SELECT id FROM refusals)"
            taken = connection.execute(mine).rowcount
            connection.execute("DELETE FROM refusals")
            return taken

    def drop_refused(self) -> int:
        """Erase what was set aside; return how many receipts that were. Raises Unavailable."""
        with self._open() as connection:
            mine = "DELETE FROM receipts WHERE batch IN (SELECT id FROM refusals)"
            dropped = connection.execute(mine).rowcount
            connection.execute("DELETE FROM refusals")
            return dropped

    def _seal(self, connection: sqlite3.Connection) -> Sequence[Any] | None:
        rows = connection.execute(
            "SELECT id FROM receipts WHERE batch IS NULL ORDER BY rowid LIMIT ?", (BATCH_RECEIPTS,)
        )
        chosen, counts = rows.fetchall(), _counts(connection)
        if not chosen and not any(counts.values()):
            return None
        row = (new_id(self._entropy, "upl"), *(counts[verdict] for verdict in _VERDICTS))
        connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?)", row)
        connection.executemany("UPDATE receipts SET batch = ? WHERE id = ?", [(row[0], *each) for each in chosen])
        connection.execute("DELETE FROM tally")
        return row

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction: whole or not at all, also for whoever is killed in it."""
        try:
            connection = sqlite3.connect(self._path, timeout=self._timeout_seconds, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise Unavailable("dependency_unavailable") from error


def _tally(connection: sqlite3.Connection, counts: Mapping[str, int]) -> None:
    connection.executemany(
        "INSERT INTO tally VALUES (?, ?) ON CONFLICT (verdict) DO UPDATE SET count = count + excluded.count",
        list(counts.items()),
    )


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    found = dict(connection.execute("SELECT verdict, count FROM tally").fetchall())
    return {verdict.value: int(found.get(verdict.value, 0)) for verdict in Verdict}


def _batch(connection: sqlite3.Connection, row: Sequence[Any]) -> Batch:
    batch_id, *counts = row
    found = connection.execute(
        "SELECT id, document_id, checked_at, purpose, verdict, reasons FROM receipts WHERE batch = ? ORDER BY rowid",
        (batch_id,),
    )
    receipts = [
        {
            "id": receipt,
            "document_id": document_id,
            "checked_at": _rfc3339(checked_at),
            "purpose": purpose,
            "verdict": verdict,
            "reasons": json.loads(reasons),
        }
        for receipt, document_id, checked_at, purpose, verdict, reasons in found
    ]
    return Batch(str(batch_id), {"receipts": receipts, "counts": dict(zip(_VERDICTS, counts, strict=True))})


def _rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"
