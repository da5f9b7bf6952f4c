"""Lines of a stream, and the silence between them: whoever waits for a line can stop waiting, and look at the clock."""

import io
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import BinaryIO


class Silence(Exception):
    """No line came in the time given."""


class Waiting:
    """Hands out lines one by one. A daemon thread reads them, from the first wait on."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines = lines
        self._queue: SimpleQueue[str | EOFError | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="lines", daemon=True)

    def next(self, seconds: float | None) -> str | None:
        """Return the next line, None for one that was too long. seconds: None to wait for as long as it takes.

        Raises Silence when none came in time, EOFError when there will be no more.
        """
        if self._thread.ident is None:
            self._thread.start()
        try:
            line = self._queue.get(timeout=seconds)
        except Empty as error:
            raise Silence from error
        if isinstance(line, EOFError):
            self._queue.put(line)
            raise EOFError
        return line

    def _read(self) -> None:
        try:
            for line in self._lines:
                self._queue.put(line)
        finally:
            self._queue.put(EOFError())


def own_reader(stream: BinaryIO) -> BinaryIO:
    """Return a reader of the same file with a buffer of its own, where the stream is a file.

    A thread that still waits in the buffer of the standard input would stop the interpreter from ending.
    """
    try:
        return open(stream.fileno(), "rb", closefd=False)
    except (OSError, io.UnsupportedOperation):
        return stream
