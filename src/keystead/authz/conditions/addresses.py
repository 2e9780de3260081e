"""IP addresses and the networks they lie in, as OpenFGA reads them.

An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address, in networks too. An address with a zone
(`fe80::1%eth0`) lies in no network.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from keystead.authz.conditions.values import Failure, IPAddress

_MAPPED: Final = 96
Network = tuple[bool, int, int]


def read_address(text: str) -> IPAddress:
    """Read an address. Raises: Failure."""
    plain, mark, zone = text.partition("%")
    try:
        address = ip_address(plain)
    except ValueError:
        raise Failure(f"{text[:60]!r} is not an IP address") from None
    if mark and (not zone or isinstance(address, IPv4Address)):
        raise Failure(f"{text[:60]!r} is not an IP address")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return IPAddress(address.ipv4_mapped)
    return IPAddress(address, zone)


def read_network(text: str) -> Network:
    """Read `10.0.0.0/8` as (is it IPv6, bits to drop, the rest). Raises: Failure."""
    address, slash, digits = text.partition("/")
    good = slash and digits.isascii() and digits.isdecimal() and len(digits) <= 3 and str(int(digits)) == digits
    if not good or "%" in address:
        raise Failure(f"{text[:60]!r} is not a network like 10.0.0.0/8")
    try:
        parsed = ip_address(address)
    except ValueError:
        raise Failure(f"{text[:60]!r} is not a network like 10.0.0.0/8") from None
    prefix = int(digits)
    if prefix > parsed.max_prefixlen:
        raise Failure(f"{text[:60]!r} is not a network: at most /{parsed.max_prefixlen}")
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None and prefix >= _MAPPED:
        parsed, prefix = parsed.ipv4_mapped, prefix - _MAPPED
    drop = parsed.max_prefixlen - prefix
    return isinstance(parsed, IPv6Address), drop, int(parsed) >> drop


def lies_in(address: IPAddress, network: Network) -> bool:
    """Tell whether a network holds an address."""
    is_v6, drop, rest = network
    same = isinstance(address.address, IPv6Address) == is_v6 and not address.zone
    return same and int(address.address) >> drop == rest
