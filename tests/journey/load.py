"""Clients that load a gateway, and remember what they sent and what was acknowledged."""

import json
import random
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple, Self

from tests.gateway import until

_PAUSE = 0.01  # between two requests: the journals of these tests are small
_TIMEOUT = 30.0


class Findings(NamedTuple):
    """The errors in a file of events, as messageIds."""

    lost: list[str]
    """Acknowledged but missing."""
    repeated: list[str]
    invented: list[str]
    """Never sent."""
    changed: list[str]
    disordered: list[str]
    """Acknowledged, and placed after an event acknowledged later on the same connection."""


NOTHING_WRONG = Findings([], [], [], [], [])


class Load:
    """Concurrent clients for the duration of the block."""

    def __init__(self, port: int, chance: random.Random, clients: int = 4, largest: int = 2000) -> None:
        seeds = [chance.randrange(10**6) for _ in range(clients)]
        self.clients = [Client(port, f"{seed}-{number}", largest) for number, seed in enumerate(seeds)]

    def __enter__(self) -> Self:
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Wait until all requests have been answered or have failed."""
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.join()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Ignore answers for the duration of the block, as if they came from a machine without power."""
        for client in self.clients:
            client.hearing.clear()
        yield
        for client in self.clients:
            client.hearing.set()

    @property
    def acknowledged(self) -> int:
        """Number of acknowledged events so far."""
        return sum(len(client.acknowledged) for client in self.clients)

    @property
    def unexpected(self) -> list[tuple[int, bytes]]:
        """Answers that are neither 200 nor 503."""
        return [answer for client in self.clients for answer in client.unexpected]

    def advance(self, events: int) -> None:
        """Wait until `events` more events have been acknowledged."""
        wanted = self.acknowledged + events
        until(lambda: self.acknowledged >= wanted)

    def compare(self, events: Sequence[dict[str, Any]]) -> Findings:
        """Compare the delivered events with those that were sent and acknowledged."""
        promised = {name for client in self.clients for name in client.acknowledged}
        sent = {name for client in self.clients for name in client.sent}
        names = [event["messageId"] for event in events]
        latest: dict[str, int] = {}
        disordered = []
        for name in names:
            connection, _, number = name.rpartition("-")
            if name in promised:
                if int(number) < latest.get(connection, -1):
                    disordered.append(name)
                latest[connection] = int(number)
        return Findings(
            lost=sorted(promised.difference(names)),
            repeated=[name for name, count in Counter(names).items() if count > 1],
            invented=sorted(set(names) - sent),
            changed=[event["messageId"] for event in events if not _is_whole(event)],
            disordered=disordered,
        )


class Caller(threading.Thread, ABC):
    """Sends one request after the other, and reconnects after the gateway was killed."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.port = port
        self.chance = random.Random(name)
        self.stopping = threading.Event()
        self.unexpected: list[tuple[int, bytes]] = []

    def run(self) -> None:
        connections = 0
        while not self.stopping.wait(_PAUSE):
            connections += 1
            connection = HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT)
            try:
                connection.connect()
                self._converse(connection, f"{self.name}-{connections}")
            except (OSError, HTTPException):
                pass
            finally:
                connection.close()

    @abstractmethod
    def _converse(self, connection: HTTPConnection, prefix: str) -> None:
        """Send until stopped or the connection breaks; names start with `prefix`."""


class Client(Caller):
    """
    Sends events.

    An event without an answer may be stored or not, and is not sent again.
    """

    def __init__(self, port: int, name: str, largest: int) -> None:
        super().__init__(port, name)
        self.largest = largest
        self.hearing = threading.Event()
        self.hearing.set()
        self.sent: list[str] = []
        self.acknowledged: list[str] = []

    def _converse(self, connection: HTTPConnection, prefix: str) -> None:
        number = 0
        while not self.stopping.wait(_PAUSE):
            names = [f"{prefix}-{number + place}" for place in range(self.chance.choice((1, 1, 3, 10)))]
            number += len(names)
            self.sent += names
            batch = {"batch": [_event(name, self.largest) for name in names]}
            path, body = ("/v1/track", batch["batch"][0]) if len(names) == 1 else ("/v1/batch", batch)
            connection.request("POST", path, json.dumps(body), {"X-Write-Key": "dev"})
            response = connection.getresponse()
            answer = response.read()
            if not self.hearing.is_set():
                continue
            if response.status == 200:
                self.acknowledged += names
            elif response.status != 503:
                self.unexpected.append((response.status, answer))


class Import(NamedTuple):
    """Return a request with many products."""

    name: str
    size: int

    @property
    def products(self) -> list[dict[str, Any]]:
        """Return a different description for each product."""
        return [
            {"id": f"{self.name}-{each}", "name": f"漢 {self.name} {each}", "price": each + 0.5}
            for each in range(self.size)
        ]


class Importer(Caller):
    """Imports products in bulk for the duration of the block."""

    def __init__(self, port: int, chance: random.Random, site: str, token: str) -> None:
        super().__init__(port, f"i{chance.randrange(10**6)}")
        self.path = f"/v2/{site}/products/bulk"
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self.accepted: list[Import] = []
        """Answered with 202."""
        self.cut_off: list[Import] = []
        """Sent but never answered."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Wait until the last import has been answered or has failed."""
        self.stopping.set()
        self.join()

    def _converse(self, connection: HTTPConnection, prefix: str) -> None:
        number = 0
        while not self.stopping.wait(_PAUSE):
            number += 1
            each = Import(f"{prefix}-{number}", self.chance.randrange(200, 3000))
            body = "\n".join(map(json.dumps, each.products))
            self.cut_off.append(each)
            connection.request("POST", self.path, body, self.headers)
            response = connection.getresponse()
            answer = response.read()
            self.cut_off.remove(each)
            if response.status == 202:
                self.accepted.append(each)
            elif response.status not in {429, 503}:  # the gateway may not be ready yet
                self.unexpected.append((response.status, answer))


def _event(name: str, largest: int) -> dict[str, Any]:
    return {"type": "track", "messageId": name, "userId": "u", "event": "Load", **_contents(name, largest)}


def _contents(name: str, largest: int) -> dict[str, Any]:
    """Return content that the event's name and size determine."""
    chance = random.Random(name)
    text = "".join(chance.choice('aé漢😀"\\\n') for _ in range(50))
    size = chance.randrange(largest)
    properties = {"text": text, "number": chance.random(), "big": chance.getrandbits(60), "pad": "x" * size}
    return {"properties": properties, "context": {"largest": largest}}


def _is_whole(event: dict[str, Any]) -> bool:
    expected = _contents(event["messageId"], event["context"]["largest"])
    return all(event[field] == value for field, value in expected.items())
