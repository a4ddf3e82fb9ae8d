"""Small, valid things for tests, which name only what they are about."""

import json
import math
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from gateway import durable
from gateway.dialects import DIALECTS
from gateway.intake.backlog import Backlog
from gateway.intake.body import Budget
from gateway.intake.endpoint import Endpoint
from gateway.intake.recent import Recent
from gateway.intake.router import Router
from gateway.journal.base import Position, Promise, Reader
from gateway.journal.chunk import ANYTHING
from gateway.journal.segments import files
from gateway.journal.segments import reader as segments
from gateway.journal.segments.log import SegmentLog
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from gateway.services import settings
from gateway.services.app import services_app
from gateway.services.health import health
from gateway.services.welcome import welcome
from gateway.sources import Source, Sources
from tests.fakes import MemoryJournal
from tests.gateway import Answer

DEFAULT = Source("default", ("dev",))


def track(**fields: Any) -> dict[str, Any]:
    """An event that breaks no rule on any route, with the given fields besides or instead."""
    return {"type": "track", "userId": "u1", "event": "Ordered", **fields}


def to_json(value: Any) -> bytes:
    """JSON as browsers write it: without white space. Bytes stay as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


class Door:
    """The front door of an intake with all dialects, called as a server calls it, and a journal behind it."""

    def __init__(
        self,
        *sources: Source,
        journal: MemoryJournal | None = None,
        trusted_proxies: Sequence[str] = (),
        public_url: str = "",
        promise: Promise | None = None,
        partitions: int = 1,
    ) -> None:
        self.journal = journal or MemoryJournal()
        self.recent = Recent()
        known = Sources(sources or (DEFAULT,))
        proxies = tuple(ip_network(each) for each in trusted_proxies)
        budget = Budget()
        self.router = Router(
            [
                Endpoint(name, dialect, known, self.recent, promise, partitions)
                for name, dialect in DIALECTS.items()
            ],
            services_app([welcome(), *health(self.probe), *settings.routes(known, public_url, proxies)]),
            self.journal,
            budget,
            Backlog(budget, lambda begin_turn: begin_turn(), clock=lambda: 0.0),
            proxies,
        )

    async def probe(self) -> None:
        await self.journal.append(())

    @property
    def events(self) -> list[dict[str, Any]]:
        """What is in the journal."""
        return self.journal.events

    @property
    def event(self) -> dict[str, Any]:
        """The only event in the journal."""
        [event] = self.journal.events
        return event

    def post(self, target: str, body: Any, **headers: str) -> Answer:
        """Send JSON with the key `dev`; a header's name has "_" for "-", and an empty one is left out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", target, to_json(body), {"X-Write-Key": "dev", **named})

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Sequence[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        *,
        peer: str = "192.0.2.1",
    ) -> Answer:
        """Send a request, its body in one part or in several, and return the answer."""
        pairs = {"Host": "gateway", **(headers or {})}
        scope = to_scope(method, target, [(name, value) for name, value in pairs.items() if value], peer)
        parts = [body] if isinstance(body, bytes) else body
        answer = self.call(scope, parts)
        assert answer
        return answer

    def call(self, scope: dict[str, Any], parts: Sequence[bytes], *, complete: bool = True) -> Answer | None:
        """
        What the application answers to a request, if anything; one that is not complete is cut off by
        its client after the given parts.
        """
        left = list(parts)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not left:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or not complete}

        async def send(message: Any) -> None:
            sent.append(message)

        run(self.router(scope, receive, send))
        self.unread = len(left)
        if not sent:
            return None
        start, *rest = sent
        names = [name.decode() for name, _ in start["headers"]]
        assert len(set(names)) == len(names), "a header came twice"
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], headers, b"".join(part["body"] for part in rest))


def to_scope(method: str, target: str, headers: Sequence[tuple[str, str]], peer: str) -> dict[str, Any]:
    """A request's head as an ASGI server hands it over."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": unquote(path),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": (peer, 50000),
    }


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do what never waits: behind the door all is in memory, so that no event loop is needed."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something")


def event_line(number: int = 0, **fields: Any) -> bytes:
    """An event as the journal keeps it, with the given fields besides or instead; numbers tell them apart."""
    event = {
        "type": "track",
        "messageId": f"m{number}",
        "userId": "u1",
        "event": "Ordered",
        "properties": {},
        "traits": {},
        "context": {},
        "integrations": {},
        "timestamp": "2026-01-01T12:00:00.000Z",
        "receivedAt": "2026-01-01T12:00:00.000Z",
        "source": {"name": "default", "dialect": "segment"},
        **fields,
    }
    return to_json(event)


def event_lines(start: int, end: int) -> list[bytes]:
    """Those with the numbers from `start` on, before `end`."""
    return [event_line(number) for number in range(start, end)]


JOURNAL = bytes(range(16))
"""The id of the journals of tests."""


def open_log(folder: Path, max_size: int = 2**40) -> SegmentLog:
    """The log in a folder."""
    return SegmentLog(folder, max_size, JOURNAL)


def open_partition(
    folder: Path, *, max_size: int = 2**40, largest: int = 2**20, oldest: float = math.inf
) -> Partition:
    """The partition in a folder, taken over from whoever wrote to it before."""
    durable.make_folder(folder)
    quota = Quota(folder.parent, max_size)
    partition = Partition(folder, JOURNAL, folder.parent / "quarantine", quota, largest, oldest)
    partition.recover()
    return partition


def keep(folder: Path, *chunks: Sequence[bytes], carries: int = ANYTHING) -> Path:
    """Put chunks into a file of a partition, the next so far; the file is finished."""
    partition = open_partition(folder)
    for chunk in chunks:
        partition.write(chunk, carries)
    partition.close()
    return folder / files.name(files.listing(folder)[-1])


class Read(NamedTuple):
    """What a reader found up to the end."""

    lines: list[bytes]
    lost: int
    end: int


def read_all(folder: Path, number: int = 0) -> Read:
    """Everything in a partition from a number on."""
    reader = segments.Reader(folder, folder.parent / "quarantine")
    try:
        return read_to_end(reader, Position(number))
    finally:
        reader.close()


def open_files(folder: Path) -> int:
    """Return how many files below a folder this process has open; others may come and go meanwhile."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += descriptor.readlink().is_relative_to(folder)
    return found


def read_to_end(reader: Reader, position: Position) -> Read:
    """Everything that a reader finds from a position on."""
    lines: list[bytes] = []
    lost = 0
    while found := reader.read(position):
        assert found.end.number > position.number
        assert found.events + found.damaged + found.released == found.end.number - position.number
        lines += [line for chunk in found.chunks for line in chunk.lines()]
        lost += found.damaged + found.released
        position = found.end
    return Read(lines, lost, position.number)
