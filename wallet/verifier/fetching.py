"""One request over HTTP that cannot hurt a gate: capped in size and in time, and never sent on to another host.

Standard library alone. Whoever needs the network is handed a `Fetching`; nothing else in the verifier opens a socket.
"""

import contextlib
import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from wallet import __version__
from wallet.errors import WalletError
from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS

MAX_REDIRECTS = 3
CHUNK_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}


class FetchFailed(WalletError):
    """Nothing came that could be used. code: `unreachable`, `too_slow`, `too_large`, `sent_elsewhere`, `bad_address`.

    detail: for whoever runs the gate.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail=detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status. headers: names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class Fetching(Protocol):
    """Sends one request and waits for its answer."""

    def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int = MAX_BUNDLE_CHARACTERS
    ) -> Fetched:
        """GET, or POST where there is a body. most: bytes of an answer. Raises FetchFailed."""
        ...


@dataclass(frozen=True, slots=True)
class UrllibFetching:
    """The network by the standard library. seconds: for the whole of a request, from the first byte to the last."""

    seconds: float = 20

    def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int = MAX_BUNDLE_CHARACTERS
    ) -> Fetched:
        address_of(url)
        request = urllib.request.Request(  # noqa: S310 - address_of lets through http and https alone
            url,
            data=body,
            headers={"User-Agent": f"vi-so-verifier/{__version__}", "Accept-Encoding": "identity", **headers},
        )
        guard = _Guard(self.seconds)
        opener = urllib.request.build_opener(_Http(guard), _Https(guard), _SameHost())
        try:
            with guard:
                found = _answer(opener, request, self.seconds, most)
            if guard.ended:  # what ends because the guard ended it looks like an answer
                raise FetchFailed("too_slow", f"more than {self.seconds} seconds")
            return found
        except FetchFailed:
            raise
        except urllib.error.URLError as error:
            if isinstance(error.reason, FetchFailed):
                raise error.reason from error
            raise FetchFailed("too_slow" if guard.ended else "unreachable", str(error.reason)) from error
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # A socket that the guard shut down under a reader ends in any of these.
            raise FetchFailed(
                "too_slow" if guard.ended else "unreachable", f"{type(error).__name__}: {error}"
            ) from error


def address_of(url: str) -> SplitResult:
    """Return the parts of an address of the web; raise FetchFailed("bad_address") for anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError as error:
        raise FetchFailed("bad_address", str(error)) from error
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise FetchFailed("bad_address", url)
    return parts


def _answer(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request, seconds: float, most: int
) -> Fetched:
    try:
        response = opener.open(request, timeout=seconds)
    except urllib.error.HTTPError as error:
        response = error  # an answer too, of another status
    with contextlib.closing(response):
        headers = {name.lower(): value for name, value in response.headers.items()}
        parts, size = [], 0
        while chunk := response.read(min(CHUNK_BYTES, most + 1 - size)):
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                raise FetchFailed("too_large", f"more than {most} bytes")
        announced = headers.get("content-length", "")
        if announced.isdigit() and request.get_method() != "HEAD" and response.status != 304 and size < int(announced):
            raise FetchFailed("unreachable", f"{size} of {announced} bytes came")
        return Fetched(int(response.status), headers, b"".join(parts))


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows to another path of the same host, and with a body nowhere."""

    max_redirections = MAX_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        fp.close()  # the body of a redirection has no bound, and says nothing
        if req.data is not None or _origin(newurl) != _origin(req.full_url):
            raise FetchFailed("sent_elsewhere", newurl[:200])
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = address_of(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


class _Guard:
    """Ends a request at its time: whoever sends a byte a second would never meet the limit of a single read."""

    def __init__(self, seconds: float) -> None:
        self.ended = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for connected in self._sockets:
            connected.close()

    def watch(self, connected: socket.socket) -> None:
        self._sockets.append(connected)
        if self.ended:
            self._end()

    def _end(self) -> None:
        self.ended = True
        for connected in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # not SSLSocket's, which a reader would stumble on


def _guarded(base: type[http.client.HTTPConnection], guard: _Guard) -> Callable[..., http.client.HTTPConnection]:
    class Guarded(base):  # type: ignore[valid-type, misc]
        def connect(self) -> None:
            super().connect()
            guard.watch(self.sock)

    return Guarded


class _Http(urllib.request.HTTPHandler):
    def __init__(self, guard: _Guard) -> None:
        super().__init__()
        self._connection = _guarded(http.client.HTTPConnection, guard)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, guard: _Guard) -> None:
        super().__init__()
        self._connection = _guarded(http.client.HTTPSConnection, guard)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)
