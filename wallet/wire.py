"""The wire to whom a deployment's settings name: JSON posted over httpx, every question ended at one moment.

A timeout bounds each read alone, so a partner that sends a byte every second would keep a question for ever; here
one moment ends all of them, the hand shaken included. Only resolving the name is the system's own, with the time limits
of its resolver. No redirect is followed, no proxy of the environment is used, and no body is read beyond its limit.
"""

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore
import httpx

REACHED = "answers"

_DEADLINE: ContextVar[float] = ContextVar("deadline")


class Undelivered(Exception):
    """No answer came, or not the whole of it. Its text is the reason: `timeout`, `tls_refused` or `no_connection`."""


class TooLarge(Exception):
    """An answer's body is longer than its reader takes."""


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


class Line:
    """Connections that are kept open between questions. Safe for several threads.

    most: connections at once. seconds: of each connect, read and write, where what is left of `until` is not less.
    """

    def __init__(
        self, most: int, *, seconds: float, connect: float | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        # What is small on the wire may be large in memory: bodies are counted as they come.
        plain = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "vi-so-wallet"}
        self._client = httpx.Client(
            transport=_Transport(most),
            timeout=httpx.Timeout(seconds, connect=seconds if connect is None else connect),
            follow_redirects=False,
            trust_env=False,
            headers=plain | dict(headers or {}),
        )

    @contextmanager
    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Post a JSON body within `until`; give the answer, its body unread (`whole`). Raises Undelivered."""
        headers = {"Content-Type": "application/json"} | dict(headers)
        with delivered():
            seconds_left()
            with self._client.stream("POST", url, content=body, headers=headers) as response:
                yield response

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


@contextmanager
def delivered() -> Iterator[None]:
    """Raise Undelivered for whatever goes wrong on the way."""
    try:
        yield
    except (httpcore.TimeoutException, httpx.TimeoutException) as error:
        raise Undelivered("timeout") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError, OSError) as error:
        refused = any(isinstance(reason, ssl.SSLError) for reason in error.args)
        raise Undelivered("tls_refused" if refused else "no_connection") from error


def whole(response: httpx.Response, most: int) -> bytes:
    """Return an answer's body. most: bytes. Raises TooLarge."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most:
            raise TooLarge
        seconds_left()
    return bytes(body)


def connect(url: str, *, connect: float, seconds: float) -> str:
    """Return `answers` when an address can be connected to, else what stands in the way. Asks nothing.

    Takes what is left of `until` at most; connect, seconds: for the connection, and for the hand shaken.
    """
    at = httpx.URL(url)
    try:
        with delivered():
            port = at.port or (443 if at.scheme == "https" else 80)
            stream = Bounded(httpcore.SyncBackend()).connect_tcp(at.host, port, connect)
            try:
                if at.scheme == "https":
                    stream = stream.start_tls(httpx.create_ssl_context(), at.host, seconds)
            finally:
                stream.close()
    except Undelivered as error:
        return str(error)
    return REACHED


class _Transport(httpx.BaseTransport):
    def __init__(self, most: int) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=20.0,
            network_backend=Bounded(httpcore.SyncBackend()),
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


class Bounded(httpcore.NetworkBackend):
    """A backend whose connections, reads and writes all end where `until` does."""

    def __init__(self, behind: httpcore.NetworkBackend) -> None:
        self._behind = behind

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._behind.connect_tcp(host, port, _shorter(timeout), local_address, socket_options))


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
