"""
Leases: which process delivers a partition to a sink, where several gateways share one state in PostgreSQL.

Every delivery process is a member. A member says every half second that it is there, and all its leases last
while it does: by the server's clock, so that neither a killed process nor a vanished machine keeps one for
longer than LEASE_SECONDS. Members are alike. Each computes from the same rows how many partitions of a sink
are its share, gives back what exceeds it, and takes what is free.

A process may be stopped for longer than its leases last, and then go on as if it had them. Therefore whatever
is recorded for a partition is recorded by `fence`, in the same transaction.
"""

import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from gateway.errors import LeaseLost, StateUnavailable
from gateway.state.base import Connection

LEASE_SECONDS = 8.0
RENEW_SECONDS = 0.5
_MARGIN_SECONDS = 1.0
"""A member stops to use its leases so much before they end by the server's clock."""
_FORGET_SECONDS = 86400
"""Members that have been gone for so long are no longer shown."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS members (
    id TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    place TEXT NOT NULL,        -- host and folder: two gateways that differ in it are not the same one
    process TEXT NOT NULL,      -- its name there: one that starts has the place of one that has ended
    version TEXT NOT NULL,
    since BIGINT NOT NULL,      -- milliseconds since 1970
    sinks TEXT NOT NULL,        -- JSON: the sinks that it can deliver to
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS leases (
    sink TEXT NOT NULL,
    partition TEXT NOT NULL,
    member TEXT NOT NULL,       -- '' or the id of a member; what a member had that is gone, is free
    term BIGINT NOT NULL,       -- grows whenever it is given to another member
    PRIMARY KEY (sink, partition)
);
"""

_LOCK = 0x67617465776179  # one member at a time takes leases
_RENEW = """
    INSERT INTO members (id, node, place, process, version, since, sinks, expires_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
    ON CONFLICT (id) DO UPDATE SET sinks = excluded.sinks, expires_at = excluded.expires_at
"""
_ALIVE = "SELECT id, node, place, since, sinks FROM members WHERE expires_at > clock_timestamp()"
_LEASES = "SELECT sink, partition, member, term FROM leases WHERE sink = ANY(%s) OR member = %s"
_TAKE = """
    INSERT INTO leases AS old (sink, partition, member, term)
    SELECT sink, partition, %s, 1 FROM unnest(%s::text[], %s::text[]) AS wanted (sink, partition)
    ON CONFLICT (sink, partition) DO UPDATE SET member = excluded.member, term = old.term + 1
    WHERE NOT EXISTS (
        SELECT 1 FROM members WHERE members.id = old.member AND members.expires_at > clock_timestamp()
    )
    RETURNING sink, partition, term
"""
_GIVE_BACK = "UPDATE leases SET member = '' WHERE member = %s AND sink = %s AND partition <> ALL(%s)"
_FORGET = """
    DELETE FROM members
    WHERE place = %s AND process = %s AND id <> %s
        OR expires_at < clock_timestamp() - make_interval(secs => %s)
"""
_NODES = """
    SELECT id, node, version, since, expires_at > clock_timestamp(),
        (extract(epoch FROM expires_at) * 1000)::bigint
    FROM members ORDER BY node, since
"""
_FENCE = "SELECT 1 FROM leases WHERE sink = ? AND partition = ? AND member = ?"


class Member(msgspec.Struct, frozen=True):
    """A delivery process."""

    id: str
    node: str
    """The name of its gateway."""
    place: str
    """Its host and folder."""
    process: str
    """Its name among the processes of its gateway."""
    version: str
    since: int
    """When it started, in milliseconds since 1970."""


class Standing(msgspec.Struct, frozen=True):
    """What a member has at one moment."""

    held: Mapping[str, Mapping[str, int]]
    """By sink, the term of each partition that it delivers."""
    surplus: Mapping[str, Collection[str]]
    """
    Those that it has no more use for, or that are for others.

    `held` has none of them any more. They are to be given back once nothing that began before is under way.
    """
    namesake: str = ""
    """Where another gateway runs that has the same name, and came first; this one then gets nothing."""


class Node(msgspec.Struct, frozen=True):
    """A gateway, as `gateway nodes` shows it."""

    name: str
    version: str
    since: int
    """Milliseconds since 1970, as `seen`."""
    alive: bool
    seen: int
    """When its last lease ends or has ended, whether or not it comes back."""
    leases: dict[str, list[str]]
    """Partitions by sink."""


class Leases:
    """The leases of one member. Thread-safe; every method but `held` blocks. Raises StateUnavailable."""

    def __init__(self, url: str, member: Member, lease_seconds: float = LEASE_SECONDS) -> None:
        self.member = member
        self._url = url
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self._held: Mapping[str, Mapping[str, int]] = {}
        self._valid_until = 0.0
        """By time.monotonic()."""

    def held(self, sink: str) -> Mapping[str, int]:
        """Return the term of each partition that this member delivers to a sink now. Does not block."""
        return self._held.get(sink, {}) if time.monotonic() < self._valid_until else {}

    def renew(self, sinks: Collection[str], partitions: Collection[str]) -> Standing:
        """Say that the member is there and can deliver to `sinks`; take what is free of its share."""
        member, began = self.member, time.monotonic()
        row = (member.id, member.node, member.place, member.process, member.version, member.since)
        with self._using() as connection:
            alive = connection.execute(_ALIVE).fetchall()
            namesake = _namesake(member, alive)
            if namesake:
                sinks = ()
            text = msgspec.json.encode(sorted(sinks)).decode()
            connection.execute(_RENEW, (*row, text, self._lease_seconds))
            able = {id: set(msgspec.json.decode(names)) for id, _, _, _, names in alive}
            able[member.id] = set(sinks)
            rows = connection.execute(_LEASES, (list(sinks), member.id)).fetchall()
            held, wanted, surplus = _compare(member.id, sinks, partitions, able, rows)
            if wanted:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                    columns = ([sink for sink, _ in wanted], [each for _, each in wanted])
                    taken = connection.execute(_TAKE, (member.id, *columns)).fetchall()
                for sink, partition, term in taken:
                    held[sink][partition] = term
        self._held, self._valid_until = held, began + self._lease_seconds - _MARGIN_SECONDS
        return Standing(held, surplus, namesake)

    def give_back(self, sink: str) -> None:
        """Free the surplus of a sink, once nothing that began before is under way. May be repeated."""
        kept = list(self._held.get(sink, ()))
        with self._using() as connection:
            connection.execute(_GIVE_BACK, (self.member.id, sink, kept))

    def leave(self) -> None:
        """Free all leases and go; others see it at once. May be repeated."""
        self._held = {}
        with self._using() as connection:
            connection.execute(
                "UPDATE members SET sinks = '[]', expires_at = clock_timestamp() WHERE id = %s",
                (self.member.id,),
            )

    def close(self) -> None:
        """Close the connection. `renew` opens it again."""
        with self._lock:
            self._close()

    @contextmanager
    def _using(self) -> Iterator[psycopg.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = connect(self._url)
                    member = self.member
                    row = (member.place, member.process, member.id, _FORGET_SECONDS)
                    self._connection.execute(_FORGET, row)
                yield self._connection
            except psycopg.Error as error:
                self._close()
                raise StateUnavailable(f"leases: {' '.join(str(error).split())}") from error

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


def nodes(url: str) -> list[Node]:
    """Return the gateways that are there, and those that left within a day. Raises StateUnavailable."""
    try:
        with connect(url) as connection:
            members = connection.execute(_NODES).fetchall()
            leases = connection.execute("SELECT sink, partition, member FROM leases ORDER BY 1, 2").fetchall()
    except psycopg.Error as error:
        raise StateUnavailable(f"leases: {' '.join(str(error).split())}") from error
    found: dict[str, Node] = {}
    for id, name, version, since, alive, seen in sorted(members, key=lambda row: (row[4], row[3])):
        before = found.get(name)
        held = before.leases if before and before.alive else {}
        for sink, partition, member in leases if alive else ():
            if member == id:
                held.setdefault(sink, []).append(partition)
        found[name] = Node(name, version, since, alive, seen, held)
    return sorted(found.values(), key=lambda node: node.name)


def share(member: str, members: Collection[str], partitions: int) -> int:
    """
    Return how many partitions of a sink a member delivers, if `members` do it together.

    The shares add up to `partitions` and differ by at most one. For each sink, others get one more.
    """
    each, more = divmod(partitions, len(members))
    return each + (sorted(members).index(member) < more)


def _compare(
    member: str,
    sinks: Collection[str],
    partitions: Collection[str],
    able: Mapping[str, Collection[str]],
    rows: Collection[Any],
) -> tuple[dict[str, dict[str, int]], list[tuple[str, str]], dict[str, list[str]]]:
    """Return what the member delivers, what it may take, and what is for others."""
    held: dict[str, dict[str, int]] = {sink: {} for sink in sinks}
    surplus: dict[str, list[str]] = {}
    free = {(sink, partition) for sink in sinks for partition in partitions}
    for sink, partition, owner, term in sorted(rows):
        if owner == member:
            held.setdefault(sink, {})[partition] = term
        if owner in able:
            free.discard((sink, partition))
    wanted = []
    for sink, own in held.items():
        names = [_rank(sink, each) for each, theirs in able.items() if sink in theirs]
        most = share(_rank(sink, member), names, len(partitions)) if sink in sinks else 0
        for partition in list(own)[most:]:
            surplus.setdefault(sink, []).append(partition)
            del own[partition]
        wanted += sorted(each for each in free if each[0] == sink)[: max(0, most - len(own))]
    return held, wanted, surplus


def _rank(sink: str, member: str) -> str:
    return f"{zlib.crc32(f'{sink}/{member}'.encode()):08x}/{member}"


def _namesake(member: Member, alive: Collection[Any]) -> str:
    """Return the place of another gateway with the same name that came before, or an empty string."""
    own = (member.since, member.place)
    others = [place for _, node, place, since, _ in alive if node == member.node and (since, place) < own]
    return next((place for place in others if place != member.place), "")


class Fence:
    """Implements state.base.Fence: admits what is recorded for a partition only from the member that holds it."""

    def __init__(self, member: str) -> None:
        self._member = member

    def check(self, connection: Connection, sink: str, partition: str) -> None:
        """Raise LeaseLost, within the transaction of `connection`, if another member may have the lease."""
        if connection.execute(_FENCE, (sink, partition, self._member)).fetchone() is None:
            raise LeaseLost(f"another gateway delivers partition {partition} to {sink}")


def connect(url: str) -> psycopg.Connection:
    """
    Connect to the server of the state; both sides notice within seconds when the other one has vanished.

    Raises psycopg.Error.
    """
    settings = {
        "tcp_user_timeout": 5000,
        "tcp_keepalives_idle": 3,
        "tcp_keepalives_interval": 1,
        "tcp_keepalives_count": 3,
        "idle_in_transaction_session_timeout": 5000,
        "statement_timeout": 5000,
        "lock_timeout": 3000,
    }
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=5,
        keepalives_idle=3,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=5000,
        application_name="event-gateway leases",
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
    )
