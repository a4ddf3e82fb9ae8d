"""
Refuse to connect to addresses that are not public.

A URL, or whoever controls its name in the DNS, could otherwise lead the gateway to services inside its
network, such as a cloud's metadata service. The check is on the address to which a socket is about to be
connected, so a name that resolves to another address the next time gains nothing.
"""

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import AddrInfoType

# Global according to `ipaddress` in some Python versions, but never a public server's address.
_DENIED_V4 = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # IETF protocol assignments, with Oracle's metadata service
            "168.63.129.16/32",  # Azure's platform services
            "224.0.0.0/4",  # multicast
        ),
    )
)
_UNICAST = ip_network("2000::/3")  # the only part of IPv6 from which global addresses are assigned
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator


def is_public(text: str) -> bool:
    """Return True if an address is public, and so is any IPv4 address that an IPv6 address stands for."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    inner = _embedded(address)
    if inner is not None:
        return _is_public_v4(inner)
    return address in _UNICAST and address.is_global


def open_public(info: AddrInfoType) -> socket.socket:
    """Create the socket for a connection. Raises PermissionError if its address is not public."""
    address = str(info[4][0])
    if not is_public(address):
        # One errno for all: if all addresses of a name fail, the client reports the errno they share.
        raise PermissionError(
            errno.EPERM, f"{address} is not a public address; `allow_private = true` permits it"
        )
    return socket.socket(*info[:3])


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _DENIED_V4)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
