"""Who is at the other end of a request: a person's device or a server, and at which address."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address

Networks = tuple[IPv4Network | IPv6Network, ...]


def is_device(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser sent it. Node's fetch sends Sec-Fetch-Mode, so that one says nothing."""
    return b"origin" in headers or b"sec-fetch-site" in headers


def address(peer: str, hops: Iterable[bytes], trusted: Networks) -> str:
    """
    The client's address: the right-most hop of X-Forwarded-For that is no trusted proxy.

    `peer` is who connected; if it is not trusted, nobody's word about others counts. A hop that is no
    address ends the search: what stands left of it is hearsay.
    """
    if not believes(peer, trusted):
        return peer
    last = peer
    for hop in reversed(b",".join(hops).decode("latin-1").split(",")):
        found = _strip_port(hop.strip())
        try:
            last = str(ip_address(found))
        except ValueError:
            return last
        if not believes(last, trusted):
            return last
    return last


def believes(host: str, networks: Networks) -> bool:
    """Whether who has this address is a proxy of ours, whose word about the client counts."""
    if not networks:
        return False
    try:
        found = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


def _strip_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
