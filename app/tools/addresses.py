"""Which addresses are on the public internet: nothing of this machine or its network is connected to.

`ipaddress` knows what is private; what it lets pass in some versions of Python, or can't know, is named here.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

GIVEN_OUT = IPv6Network("2000::/3")  # all of IPv6 that is given to anybody
NAT64 = IPv6Network("64:ff9b::/96")  # how an IPv4 address is reached from a network without IPv4
# Protocol assignments (Oracle's metadata server), relays, Azure's own server, Teredo, documentation, 6to4.
NEVER = tuple(
    ip_network(one)
    for one in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
ISATAP, ISATAP_MASK = 0x5EFE, 0xFDFFFFFF  # an IPv4 address after this is where the packet would go


def is_public(address: str) -> bool:
    """Whether anybody on the internet reaches the same under this address."""
    try:
        one = ip_address(address)
    except ValueError:
        return False
    if isinstance(one, IPv4Address):
        return _is_open(one)
    inner = one.ipv4_mapped or (IPv4Address(int(one) & 0xFFFFFFFF) if one in NAT64 else None)
    return _is_open(inner) if inner else _is_given_out(one)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system says; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _is_given_out(one: IPv6Address) -> bool:
    is_tunnel = int(one) >> 32 & ISATAP_MASK == ISATAP
    return one in GIVEN_OUT and not one.scope_id and not is_tunnel and _is_open(one)


def _is_open(one: IPv4Address | IPv6Address) -> bool:
    is_nobodys = one.is_multicast or one.is_reserved or any(one in net for net in NEVER)
    return one.is_global and not is_nobodys
