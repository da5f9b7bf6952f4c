"""What a refusal leaves unread of a body is read all the same, so that the connection serves the next request.

A refusal that needs no body (no token, no such route) is decided before the body is read. On a connection that is kept
alive its bytes would then stand in the way of the next request, which dies with it, and that may be a write.
"""

from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

CHUNK = 1 << 16
CLOSE = ("Connection", "close")


class Draining:
    """A WSGI application (PEP 3333) around another. most: bytes that are worth reading to keep a connection."""

    def __init__(self, behind: Application, most: int) -> None:
        self._behind = behind
        self._most = most

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("CONTENT_LENGTH") and not environ.get("HTTP_TRANSFER_ENCODING"):
            return self._behind(environ, start_response)
        body = environ["wsgi.input"]

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            # A body that is too long, or of unknown length, is not read to its end: the connection ends, and says so.
            kept = self._drained(environ, body)
            return start_response(status, headers if kept else [*headers, CLOSE], *more)

        return self._behind(environ, started)

    def _drained(self, environ: Environ, body: Any) -> bool:
        length = environ.get("CONTENT_LENGTH") or ""
        if not length.isdecimal() or len(length) > len(str(self._most)) or int(length) > self._most:
            return False
        left = int(length)
        while left > 0:
            read = len(body.read(min(left, CHUNK)))
            if not read:
                break
            left -= read
        return True
