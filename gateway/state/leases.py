"""
Leases: which process delivers a partition to a sink when several gateways share one state in PostgreSQL.

Every delivery process is a member. A member reports every half second that it is there, and all its leases
last while it does: by the server's clock, so that neither a killed process nor a vanished machine keeps one
for longer than LEASE_SECONDS. Members are equal. Each computes from the same rows how many partitions of a
sink are its share, gives back what exceeds it, and takes what is free.

A process may be stopped for longer than its leases last, and then go on as if it still had them. Therefore
Fence checks whatever is recorded for a partition, in the same transaction.
"""

import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from gateway.config.secret import Secret
from gateway.errors import LeaseLost
from gateway.postgresql.connection import Session, lock_key
from gateway.state.base import Connection
from gateway.state.nodes import translated

LEASE_SECONDS = 8.0
RENEW_SECONDS = 0.5
_MARGIN_SECONDS = 1.0
"""A member stops using its leases this long before they end by the server's clock."""
_FORGET_SECONDS = 86400
"""Members that have been gone for this long are no longer shown."""

_LOCK = "SELECT pg_advisory_xact_lock({}, {})".format(*lock_key("leases"))  # one member at a time takes some
_RENEW = """
    INSERT INTO members (id, node, place, process, version, since, sinks, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, clock_timestamp() + make_interval(secs => ?::float8))
    ON CONFLICT (id) DO UPDATE SET sinks = excluded.sinks, expires_at = excluded.expires_at
"""
_ALIVE = "SELECT id, node, place, since, sinks FROM members WHERE expires_at > clock_timestamp()"
_LEASES = "SELECT sink, partition, member, term FROM leases WHERE sink = ANY(?::text[]) OR member = ?"
_TAKE = """
    INSERT INTO leases AS old (sink, partition, member, term)
    SELECT sink, partition, ?::text, 1 FROM unnest(?::text[], ?::text[]) AS wanted (sink, partition)
    ON CONFLICT (sink, partition) DO UPDATE SET member = excluded.member, term = old.term + 1
    WHERE NOT EXISTS (
        SELECT 1 FROM members WHERE members.id = old.member AND members.expires_at > clock_timestamp()
    )
    RETURNING sink, partition, term
"""
_GIVE_BACK = "UPDATE leases SET member = '' WHERE member = ? AND sink = ? AND partition <> ALL(?::text[])"
_FORGET = """
    DELETE FROM members
    WHERE place = ? AND process = ? AND id <> ?
        OR expires_at < clock_timestamp() - make_interval(secs => ?::float8)
"""
_LEAVE = "UPDATE members SET sinks = '[]', expires_at = clock_timestamp() WHERE id = ?"
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
    """The partitions of a member at one moment."""

    held: Mapping[str, Mapping[str, int]]
    """By sink, the term of each partition that it delivers."""
    surplus: Mapping[str, Collection[str]]
    """
    By sink, the partitions that it no longer needs, or that are for others.

    They are no longer in `held`. Give them back once nothing that began before is still under way.
    """
    namesake: str = ""
    """The place of another gateway with the same name that came first; this member then gets nothing."""


class Leases:
    """The leases of one member. Thread-safe; every method but `held` blocks. Raises StateUnavailable."""

    def __init__(self, url: Secret, member: Member, lease_seconds: float = LEASE_SECONDS) -> None:
        self.member = member
        self._url = url
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._session: Session | None = None
        """Not one of the pool's connections, because a lease must not wait for one."""
        self._held: Mapping[str, Mapping[str, int]] = {}
        self._valid_until = 0.0
        """By time.monotonic()."""

    def held(self, sink: str) -> Mapping[str, int]:
        """Return the term of each partition that this member delivers to a sink now. Does not block."""
        return self._held.get(sink, {}) if time.monotonic() < self._valid_until else {}

    def renew(self, sinks: Collection[str], partitions: Collection[str]) -> Standing:
        """Report that the member is there and can deliver to `sinks`; take the free part of its share."""
        member, began = self.member, time.monotonic()
        row = (member.id, member.node, member.place, member.process, member.version, member.since)
        with self._using() as session:
            alive = session.execute(_ALIVE).fetchall()
            namesake = _namesake(member, alive)
            if namesake:
                sinks = ()
            text = msgspec.json.encode(sorted(sinks)).decode()
            session.execute(_RENEW, (*row, text, self._lease_seconds))
            able = {id: set(msgspec.json.decode(names)) for id, _, _, _, names in alive}
            able[member.id] = set(sinks)
            rows = session.execute(_LEASES, (list(sinks), member.id)).fetchall()
            held, wanted, surplus = _compare(member.id, sinks, partitions, able, rows)
            for sink, partition, term in self._take(session, wanted):
                held[sink][partition] = term
        self._held, self._valid_until = held, began + self._lease_seconds - _MARGIN_SECONDS
        return Standing(held, surplus, namesake)

    def give_back(self, sink: str) -> None:
        """Free the surplus of a sink, once nothing that began before is still under way. May be repeated."""
        kept = list(self._held.get(sink, ()))
        with self._using() as session:
            session.execute(_GIVE_BACK, (self.member.id, sink, kept))

    def leave(self) -> None:
        """Free all leases and go; others see it at once. May be repeated."""
        self._held = {}
        with self._using() as session:
            session.execute(_LEAVE, (self.member.id,))

    def close(self) -> None:
        """Close the connection. `renew` opens it again."""
        with self._lock:
            self._close()

    def _take(self, session: Session, wanted: Sequence[tuple[str, str]]) -> list[Any]:
        """Take those of the wanted leases that are still free; return sink, partition and term of each."""
        if not wanted:
            return []
        session.run(f"BEGIN; {_LOCK}")
        try:
            columns = ([sink for sink, _ in wanted], [partition for _, partition in wanted])
            taken = session.execute(_TAKE, (self.member.id, *columns)).fetchall()
            session.commit()
        except BaseException:
            session.abandon()
            raise
        return taken

    @contextmanager
    def _using(self) -> Iterator[Session]:
        with self._lock, translated(self._url):
            try:
                if self._session is None or not self._session.is_usable:
                    self._close()
                    self._session = Session.connect(self._url)
                    member = self.member
                    self._session.execute(_FORGET, (member.place, member.process, member.id, _FORGET_SECONDS))
                yield self._session
            except BaseException:
                self._close()
                raise

    def _close(self) -> None:
        if self._session:
            self._session.close()
            self._session = None


def share(member: str, members: Collection[str], partitions: int) -> int:
    """
    Return how many partitions of a sink a member delivers if `members` share them.

    The shares add up to `partitions` and differ by at most one. Which members get more depends on the sink.
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
    """Implements state.base.Fence: only the member that holds a partition may record something for it."""

    def __init__(self, member: str) -> None:
        self._member = member

    def check(self, connection: Connection, sink: str, partition: str) -> None:
        """Raise LeaseLost, within the transaction of `connection`, if another member may have the lease."""
        if connection.execute(_FENCE, (sink, partition, self._member)).fetchone() is None:
            raise LeaseLost(f"another gateway delivers partition {partition} to {sink}")
