"""Where a webhook may go: out to the public Internet and nowhere else (server-side request forgery, OWASP A10:2021).

An address is judged twice: its text when an admin gives it, and what its name resolves to at every delivery, for a
name may point elsewhere by then. What was judged is what is connected to (`wallet.messages.posting`).
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from wallet.errors import InvalidInput
from wallet.hosts import is_this_machine

# One grammar, read once: no second parser that understands the same text otherwise. No user, no fragment, no
# backslash, no bracket, nothing but ASCII.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)?"
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CARRIERS = tuple(IPv6Network(block) for block in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))
"""IPv6 addresses that carry an IPv4 address inside: what they reach is not what they look like."""

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """An address that is well-formed and not refused by its text. path: with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def local(self) -> bool:
        """Whether it is this machine, which only a demo may name."""
        return is_this_machine(self.host)


def parse_place(url: str, *, localhost: bool = False) -> Place:
    """Return where a webhook goes: `https` and a public name. localhost: also `http` on this machine, for a demo.

    An IP address in any spelling is no name; neither is one without a dot.
    Raises InvalidInput("/url": "webhook_url_refused").
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise _refused()
    host, scheme = found["host"].lower(), found["scheme"]
    port = int(found["port"]) if found["port"] else {"http": 80, "https": 443}[scheme]
    local = localhost and scheme == "http" and is_this_machine(host)
    if not 0 < port < 65536 or not (local or (scheme == "https" and _is_public_name(host))):
        raise _refused()
    return Place(scheme, host, port, found["path"] or "/")


def is_public(address: str) -> bool:
    """Whether an IP address is reached over the public Internet."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed.is_site_local or any(parsed in block for block in _CARRIERS):
            return False
    refused = parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified or parsed.is_loopback
    return parsed.is_global and not refused and not parsed.is_link_local


def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, in the order in which the system would try them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_public_name(host: str) -> bool:
    labels = host.split(".")
    # A last label of digits, or of 0x and digits, is an IPv4 address in some spelling (WHATWG URL, section 3.5).
    return len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and labels[-1][0].isalpha()


def _refused() -> InvalidInput:
    return InvalidInput({"/url": "webhook_url_refused"})
