"""Which machine the host of an address is."""

from ipaddress import ip_address


def is_this_machine(host: str) -> bool:
    """Return whether what is sent to a host stays on this machine: `localhost`, or a loopback address.

    host: in lower case, an IPv6 address without brackets. No name is looked up.
    Source: RFC 6761, section 6.3; RFC 6890, sections 2.2.2 and 2.2.3.
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
