"""Files that somebody names: regular ones alone are read, and none is waited for."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe that nobody writes into would be waited for before anybody can look what it is."""


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading.

    Raises OSError for a pipe, a device, a folder and what cannot be read, ValueError for a name no file can have.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path}: no regular file")
        yield file
