"""Where a request comes from: the address that a limit counts by.

`X-Forwarded-For` is what a client may write itself. It counts only when the peer is a configured proxy
(`WALLET_TRUSTED_PROXIES`), and then from the right: the nearest hop that is no proxy of ours (S-74).
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import request

from wallet.settings import comma_list
from wallet.web.context import current_wallet

UNKNOWN = "unknown"
BLOCK_PREFIX = {4: 24, 6: 64}
"""What one household, office or cell of a network usually has."""


def client_block() -> str:
    """Return the block of addresses that this request comes from, such as `203.0.113.0/24`."""
    forwarded = request.headers.getlist("X-Forwarded-For")
    return block_of(request.remote_addr or "", ",".join(forwarded), current_wallet().settings.trusted_proxies)


def block_of(peer: str, forwarded: str, trusted_proxies: str) -> str:
    """Return the block of whoever is behind `peer`. forwarded: of the header, the nearest hop last."""
    proxies = _networks(trusted_proxies)
    address = _address(peer)
    for hop in reversed(forwarded.split(",")):
        if address is None or not _is_in(address, proxies):
            break
        further = _address(hop.strip())
        if further is None:
            break  # not an address: the proxy itself is the last that is known
        address = further
    if address is None:
        return UNKNOWN
    return str(ip_network(f"{address}/{BLOCK_PREFIX[address.version]}", strict=False))


@lru_cache(maxsize=4)
def _networks(trusted_proxies: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, comma_list(trusted_proxies)))


def _is_in(address: IPv4Address | IPv6Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
