"""The wire to a partner: httpx over a pool whose every read and write ends with the question it belongs to.

A timeout bounds each read alone, so a partner that sends a byte every second would keep a question for ever; here
one moment ends all of them, the hand shaken included. Only resolving the name is the system's own, with the time limits
of its resolver. No redirect is followed and no proxy of the environment is used.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore
import httpx

from wallet.sources.partners import Partner

REACHED = "answers"

_DEADLINE: ContextVar[float] = ContextVar("deadline")


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """End whatever this thread reads or writes in the block at a moment of `time.monotonic`."""
    token = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def seconds_left() -> float:
    """Return what is left of the question. Raises httpcore.ReadTimeout when nothing is."""
    left = _DEADLINE.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("no time is left")
    return left


class BoundedTransport(httpx.BaseTransport):
    """What an `httpx.Client` sends by. most: connections at once."""

    def __init__(self, most: int) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=20.0,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = {name: _shorter(limit) for name, limit in request.extensions["timeout"].items()}
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": timeouts},
        )
        answered = self._pool.handle_request(asked)
        return httpx.Response(answered.status, headers=answered.headers, stream=_Body(answered))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._system.connect_tcp(host, port, _shorter(timeout), local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _shorter(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _shorter(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _shorter(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _shorter(timeout: float | None) -> float:
    left = seconds_left()
    return left if timeout is None else min(timeout, left)


def reach(partner: Partner) -> str:
    """Return `answers` when the partner's servers can be connected to, else what stands in the way. Asks nothing."""
    states = [_reach(partner, httpx.URL(url)) for url in (partner.url, partner.changes_url) if url]
    return next((state for state in states if state != REACHED), REACHED)


def _reach(partner: Partner, url: httpx.URL) -> str:
    try:
        with until(time.monotonic() + partner.budget_seconds):
            port = url.port or (443 if url.scheme == "https" else 80)
            stream = _Backend().connect_tcp(url.host, port, partner.connect_seconds)
            try:
                if url.scheme == "https":
                    stream = stream.start_tls(httpx.create_ssl_context(), url.host, partner.read_seconds)
            finally:
                stream.close()
    except httpcore.TimeoutException:
        return "timeout"
    except (httpcore.NetworkError, OSError) as error:
        return "tls_refused" if any(isinstance(each, ssl.SSLError) for each in error.args) else "no_connection"
    return REACHED
