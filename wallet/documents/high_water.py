"""How far each status list may have been drawn, kept outside the database: no index is given out twice after a restore.

A database that was put back knows less of its lists than was drawn from them. A small file beside each published list
says how many of its numbers may be given out; it is ahead of what is drawn by up to a block, so that it is written, and
waited for, once in a block and not at each draw.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog

from wallet.crypto import key_files
from wallet.crypto.keystore import exclusive
from wallet.errors import Unavailable

BLOCK = 64
"""How many numbers are marked at once; of a small list a sixteenth. As many may stay unused at a start."""
_MARK = re.compile(rb"([0-9]{1,8}) ([0-9]{1,2})\n")
log = structlog.get_logger("wallet.documents")


class HighWater(NamedTuple):
    """How many numbers of a list may have been drawn, from its first on, and of what size the list is."""

    used: int
    bits_log2_size: int


UNREADABLE = HighWater(1 << 23, 23)
"""Of a mark that says nothing: all of its list may have been drawn, and no list is larger."""


@dataclass(frozen=True, slots=True)
class HighWaterMarks:
    """The marks below one folder, each beside the list that it is of: `status-list/1.mark`.

    They are for their owner alone: how much is issued is nobody else's business. Nothing is held in memory, so the
    processes of a host, and whoever removes a file, need not tell each other.
    """

    folder: Path

    def pass_over(self, list_id: int, used: int, bits_log2_size: int) -> None:
        """See to it that a list is marked as far as it is drawn, for good, before anybody gets what was drawn.

        Whoever calls holds the list's row, in a transaction that is not committed. A mark never falls. Raises
        Unavailable("storage_unavailable") where it cannot be written.
        """
        size, path = 1 << bits_log2_size, self._path(list_id)
        used = min(used, size)
        try:
            there = _read(path)
            if there is not None and used <= there.used:
                return
            with exclusive(path.parent):
                there = _read(path)  # another process may have marked it meanwhile
                if there is None or there.used < used:
                    ahead = min(size, used + max(1, min(BLOCK, size // 16)) - 1)
                    key_files.write(path, b"%d %d\n" % (ahead, bits_log2_size), replace=True)
                if there is None:  # the folders may be as new as the file
                    key_files.settle(self.folder)
                    key_files.settle(self.folder.parent)
        except OSError as error:
            log.error("mark not written: nothing is drawn", status_list=list_id, error=error.strerror)
            raise Unavailable("storage_unavailable") from error

    def all(self) -> Iterator[tuple[int, HighWater]]:
        """Return the mark of each list that has one, by number."""
        for path in self.folder.glob("status-list/*.mark"):
            mark = _read(path) if path.stem.isdecimal() else None
            if mark is not None:
                yield int(path.stem), mark

    def _path(self, list_id: int) -> Path:
        return self.folder / "status-list" / f"{list_id}.mark"


def _read(path: Path) -> HighWater | None:
    """Return what a file says, None where there is none."""
    try:
        found = _MARK.fullmatch(path.read_bytes())
    except FileNotFoundError:
        return None
    mark = UNREADABLE if found is None else HighWater(int(found[1]), int(found[2]))
    return mark if mark.used <= 1 << mark.bits_log2_size <= UNREADABLE.used else UNREADABLE
