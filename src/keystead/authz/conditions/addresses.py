"""IP addresses and the networks they lie in, as OpenFGA reads them.

An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address, in networks too. An address with a zone
(`fe80::1%eth0`) lies in no network.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from keystead.authz.conditions.values import Failure, IPAddress

_MAPPED: Final = 96
_LONGEST: Final = 60  # longer is no address, and is refused for being cut
_NUMBER: Final = "(0|[1-9][0-9]{0,2})"
_DOTTED: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
Network = tuple[bool, int, int]


def read_address(text: str) -> IPAddress:
    """Read an address. Raises: Failure."""
    dotted = _DOTTED.fullmatch(text)
    if dotted:
        one, two, three, four = map(int, dotted.groups())
        if max(one, two, three, four) < 256:
            return IPAddress(one << 24 | two << 16 | three << 8 | four)
    plain, mark, zone = text.partition("%")
    try:
        address = ip_address(plain[:_LONGEST])
    except ValueError:
        raise Failure(f"{text[:60]!r} is not an IP address") from None
    if mark and (not zone or isinstance(address, IPv4Address)):
        raise Failure(f"{text[:60]!r} is not an IP address")
    if isinstance(address, IPv4Address) or address.ipv4_mapped is not None:
        return IPAddress(int(address) & 0xFFFF_FFFF)
    return IPAddress(int(address), is_v6=True, zone=zone)


def read_network(text: str) -> Network:
    """Read `10.0.0.0/8` as (is it IPv6, bits to drop, the rest). Raises: Failure."""
    address, slash, digits = text.partition("/")
    good = slash and digits.isascii() and digits.isdecimal() and len(digits) <= 3 and str(int(digits)) == digits
    if not good or "%" in address:
        raise Failure(f"{text[:60]!r} is not a network like 10.0.0.0/8")
    try:
        parsed = ip_address(address[:_LONGEST])
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
    return address.is_v6 is is_v6 and not address.zone and address.number >> drop == rest
