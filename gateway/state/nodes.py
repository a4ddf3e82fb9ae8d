"""The gateways that share a state in PostgreSQL, from what their members (state/leases.py) recorded there."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import msgspec
import psycopg

from gateway.config.secret import Secret
from gateway.errors import StateUnavailable
from gateway.postgresql.connection import Session, describe

_NODES = """
    SELECT id, node, version, since, expires_at > clock_timestamp(),
        (extract(epoch FROM expires_at) * 1000)::bigint
    FROM members ORDER BY node, since
"""


class Node(msgspec.Struct, frozen=True):
    """A gateway, as `gateway nodes` shows it."""

    name: str
    version: str
    since: int
    """Milliseconds since 1970, like `seen`."""
    alive: bool
    seen: int
    """When its last lease ends or ended, whether or not it comes back."""
    leases: dict[str, list[str]]
    """Partitions by sink."""


def find_nodes(url: Secret) -> list[Node]:
    """Return the gateways that are up, and those that left within a day. Raises StateUnavailable."""
    with translated(url), closing(Session.connect(url)) as session:
        members = session.execute(_NODES).fetchall()
        leases = session.execute("SELECT sink, partition, member FROM leases ORDER BY 1, 2").fetchall()
    found: dict[str, Node] = {}
    for id, name, version, since, alive, seen in sorted(members, key=lambda row: (row[4], row[3])):
        before = found.get(name)
        held = before.leases if before and before.alive else {}
        for sink, partition, member in leases if alive else ():
            if member == id:
                held.setdefault(sink, []).append(partition)
        started = before.since if before and before.alive else since
        found[name] = Node(name, version, started, alive, seen, held)
    return sorted(found.values(), key=lambda node: node.name)


@contextmanager
def translated(url: Secret) -> Iterator[None]:
    """Turn errors of the server into StateUnavailable."""
    try:
        yield
    except psycopg.Error as error:
        raise StateUnavailable(f"leases: {describe(error, url)}") from error
