"""Servers and load: granian as `wallet run` starts it, and a closed loop of keep-alive connections."""

import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 30
BLOCKING_THREADS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did in one stretch. Latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    wrong: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(target: str, port: int, environ: dict[str, str]) -> Iterator[int]:
    """Serve a WSGI application with the settings of `wallet run`, one worker, until the block ends."""
    command = [
        str(Path(sys.executable).with_name("granian")),
        *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--blocking-threads", str(BLOCKING_THREADS), "--backpressure", "512", "--log-level", "error"),
        target,
    ]
    process = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the server stopped at once")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def post(port: int, path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a POST request on a connection that is kept."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Client:
    """Some keep-alive connections to one server. `expected`: the status that is right."""

    def __init__(self, port: int, connections: int, expected: bytes) -> None:
        self._expected = expected
        self._sockets = {}
        self._poll = select.poll()
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[connection.fileno()] = connection
            self._poll.register(connection, select.POLLIN)

    def run(self, seconds: float, request: Callable[[], bytes]) -> Load:
        """Keep every connection busy for this long: the next request when the answer is there."""
        buffers = dict.fromkeys(self._sockets, b"")
        sent: dict[int, float] = {}
        latencies: list[float] = []
        wrong = 0
        started = time.perf_counter()
        deadline = started + seconds
        for number, connection in self._sockets.items():
            sent[number] = time.perf_counter()
            connection.sendall(request())
        while sent:
            for number, _ in self._poll.poll(10_000):
                received = self._sockets[number].recv(65536)
                if not received:
                    raise RuntimeError("the server closed a connection")
                buffers[number] += received
                if not _is_whole(buffers[number]):
                    continue
                now = time.perf_counter()
                latencies.append((now - sent.pop(number)) * 1000)
                wrong += not buffers[number].startswith(b"HTTP/1.1 " + self._expected)
                buffers[number] = b""
                if now < deadline:
                    sent[number] = now
                    self._sockets[number].sendall(request())
        elapsed = time.perf_counter() - started
        latencies.sort()
        return Load(
            len(latencies) / elapsed, latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)], wrong
        )

    def close(self) -> None:
        for connection in self._sockets.values():
            connection.close()


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    begin = head.lower().find(b"content-length:")
    if begin < 0:
        raise RuntimeError(f"an answer without its length: {head[:200]!r}")
    return len(body) >= int(head[begin + 15 :].split(b"\r\n", 1)[0])
