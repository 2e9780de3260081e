"""Addresses as they are counted: whoever has an IPv6 address has its whole /64.

Does not: judge an address. The guards of outgoing and incoming connections do.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def is_this_machine(address: str) -> bool:
    """Return whether an address is loopback: a local tool, or a proxy that does not say for whom it asks."""
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def network_of(address: str) -> str:
    """Return what stands for an address when it is counted: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
