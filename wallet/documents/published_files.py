"""Signed copies as files: what a process serves that starts while the database is away.

Each file is the signed token itself, as the world fetches it: a plain web server or a content network may serve the
folder as it is. A file is replaced in one step, and never by an older copy, unless it is dated ahead.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from wallet.clock import Clock
from wallet.crypto.key_files import settle
from wallet.crypto.keystore import exclusive
from wallet.documents.publishing import Publication, dated_ahead

log = structlog.get_logger("wallet.documents")


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """Copies below one folder, each under its name: `bundle.jwt`, `status-list/1.jwt`, `status-list/1.cwt`.

    recognise(name, token): returns the copy these bytes are if a key of ours signed them, None for anything else.
    """

    folder: Path
    recognise: Callable[[str, bytes], Publication | None]
    clock: Clock

    def read(self, name: str) -> Publication | None:
        """Return the copy in a file; None when there is none that verifies."""
        try:
            token = self._path(name).read_bytes()
        except OSError:
            return None
        return self.recognise(name, token)

    def put(self, copy: Publication) -> None:
        """Write a copy unless the file holds a newer one that is not dated ahead.

        A disk that refuses is logged: the copy is served anyway.
        """
        try:
            with exclusive(self.folder):
                there = self.read(copy.name)
                if there is None or there.issued_at < copy.issued_at or dated_ahead(there.issued_at, self.clock.now()):
                    self._write(self._path(copy.name), copy.token)
        except OSError as error:
            log.warning("published file not written", name=copy.name, error=error.strerror)

    def lists(self) -> Iterator[tuple[int, bytes]]:
        """Return the JWT of each status list that lies there, with its number; who signed it is not looked at."""
        for path in sorted(self.folder.glob("status-list/*.jwt")):
            if path.stem.isdecimal():
                with suppress(OSError):
                    yield int(path.stem), path.read_bytes()

    def _path(self, name: str) -> Path:
        return self.folder / (name if "." in name else f"{name}.jwt")

    def _write(self, path: Path, token: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(token)
                file.flush()
                os.fchmod(file.fileno(), 0o644)  # for everyone to read, as what it holds is
                os.fsync(file.fileno())
            os.replace(temporary, path)
            settle(path.parent)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            raise
