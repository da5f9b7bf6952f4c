"""What the tests' own server does where werkzeug's leaves something out."""

import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

from tests.served import served

NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: the socket is closed by a reset."""


class Kept:
    """The body of an answer, as a file would be: something that is to be closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield b"x" * 60_000

    def close(self) -> None:
        self.closed.set()


def test_an_answer_is_closed_when_its_reader_has_gone_away() -> None:
    bodies = [Kept() for _ in range(20)]
    waiting = iter(bodies)

    def application(_: dict[str, Any], start: Any) -> Kept:
        start("200 OK", [("Content-Type", "font/woff2"), ("Content-Length", "60000")])
        return next(waiting)

    with served(application) as address:
        for _ in bodies:
            reader = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            reader.sendall(b"GET /static/a.woff2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            reader.recv(1)
            reader.close()
        assert all(body.closed.wait(10) for body in bodies)


def test_a_body_ends_where_it_ends() -> None:
    read: list[bytes] = []

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        read.append(environ["wsgi.input"].read())
        start("204 No Content", [])
        return []

    with served(application) as address:
        writer = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=10)
        writer.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
        assert writer.recv(12) == b"HTTP/1.1 204"
        writer.close()
    assert read == [b"abc"]
