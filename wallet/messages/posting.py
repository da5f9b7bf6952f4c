"""Posting to an address that somebody else named: to the address that was judged, once, and only so long.

httpx's own lower half, httpcore, lets us choose what a connection goes to while the name stays in Host, in SNI and
in the certificate's check; and bound the whole exchange, where a timeout alone bounds each read. No redirect is
followed, no proxy of the environment is used, and no more than status and headers is read.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import httpcore
import httpx

from wallet.errors import InvalidInput
from wallet.hosts import is_this_machine
from wallet.messages.addresses import Place, Resolve, is_public, parse_place, system_resolve
from wallet.wire import Bounded, Undelivered, delivered, seconds_left, until

SECONDS = 5.0
REFUSED = "address_refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status: of HTTP, None when there was no answer. outcome: `ok`, or a code of what went wrong."""

    status: int | None
    outcome: str
    milliseconds: int

    @property
    def accepted(self) -> bool:
        return self.outcome == "ok"


@cache
def public_authorities() -> ssl.SSLContext:
    """Return what judges certificates by the authorities that browsers trust."""
    return httpx.create_ssl_context()


class Poster(Protocol):
    """Posts, and tells what came of it; trouble on the way is an outcome and raises nothing."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply: ...


@dataclass(frozen=True, slots=True)
class PinnedPoster:
    """The one that webhooks leave by. permits: which addresses a name may have. localhost: see `parse_place`."""

    localhost: bool = False
    resolve: Resolve = system_resolve
    permits: Callable[[str], bool] = is_public
    context: Callable[[], ssl.SSLContext] = public_authorities
    seconds: float = SECONDS

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post once. Takes `seconds` at most, after the name was resolved."""
        began = time.monotonic()
        status: int | None = None
        try:
            with delivered():
                status = self._status(parse_place(url, localhost=self.localhost), body, headers)
            outcome = "ok" if 200 <= status < 300 else f"http_{status}"
        except (InvalidInput, _Refused):
            outcome = REFUSED
        except Undelivered as error:
            outcome = str(error)
        return Reply(status, outcome, round((time.monotonic() - began) * 1000))

    def _status(self, place: Place, body: bytes, headers: Mapping[str, str]) -> int:
        addresses = self.resolve(place.host, place.port)
        permits = is_this_machine if place.local else self.permits
        # One address that is not public among others is how a name is made to point inside: all of them, or none.
        if not addresses or not all(map(permits, addresses)):
            raise _Refused
        url = httpcore.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.path)
        backend = Bounded(_Pinned(addresses))
        context = self.context() if place.scheme == "https" else None
        with (
            until(time.monotonic() + self.seconds),
            httpcore.ConnectionPool(ssl_context=context, max_connections=1, network_backend=backend) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
        ):
            return response.status


class _Refused(Exception):
    """What a name resolves to is not for us to reach."""


class _Pinned(httpcore.NetworkBackend):
    """Connects to the given addresses, whatever the name is."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = tuple(addresses)
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: httpcore.ConnectError | None = None
        for address in self._addresses:
            try:
                return self._system.connect_tcp(address, port, seconds_left(), local_address, socket_options)
            except httpcore.ConnectError as error:
                failed = error
        raise failed or httpcore.ConnectError
