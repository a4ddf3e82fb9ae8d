"""An oracle: clients that send events of persons, and know what each was told about each event."""

import asyncio
import time
from collections import Counter
from typing import NamedTuple

from gateway.errors import TryLater
from gateway.journal import persons
from gateway.journal.base import Appender, Log, Position
from tests.gateway import PATIENCE


class Verdict(NamedTuple):
    """How many acknowledged events are wrong; a right journal has zeros."""

    lost: int
    doubled: int
    """That were sent once, and are there more often."""
    disordered: int
    """That come before an earlier one of their person."""


RIGHT = Verdict(0, 0, 0)


class Persons:
    """Clients of one appender, one for each person, which send an event again until it is acknowledged."""

    def __init__(self, name: str, appender: Appender, clients: int) -> None:
        self._name = name
        self._appender = appender
        self._clients = clients
        self.hearing = True
        """False while answers are ignored, as if they came from a machine without power."""
        self._stopping = False
        self._changed = asyncio.Event()
        self.acknowledged: list[str] = []
        self.attempts: Counter[str] = Counter()
        self.refused = 0
        self.longest = 0.0
        """Seconds that an append took, whatever the answer."""

    async def acknowledge(self, more: int) -> None:
        """Return once so many more events are acknowledged. Raises TimeoutError."""
        wanted = len(self.acknowledged) + more
        async with asyncio.timeout(2 * PATIENCE):
            while len(self.acknowledged) < wanted:
                self._changed.clear()
                await self._changed.wait()

    async def run(self) -> None:
        """Send until `stop`."""
        await asyncio.gather(*(self._send(f"{self._name}-{number}") for number in range(self._clients)))

    def stop(self) -> None:
        self._stopping = True

    async def _send(self, person: str) -> None:
        partition = persons.partition("tests", person, self._appender.partitions)
        number = 0
        while not self._stopping:
            event = f"{person}/{number}"
            self.attempts[event] += 1
            begun = time.monotonic()
            try:
                await self._appender.append([event.encode()], 0, 1, [partition])
            except TryLater:
                self.refused += 1
                await asyncio.sleep(0.05)  # a client waits too
            else:
                if not self.hearing:
                    continue
                self.acknowledged.append(event)
                self._changed.set()
                number += 1
            finally:
                self.longest = max(self.longest, time.monotonic() - begun)


def read_all(log: Log) -> list[str]:
    """Return the events of all partitions, each in its order, as soon as they can be read."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _read_all(log)
        except OSError:
            if time.monotonic() > end:
                raise


def _read_all(log: Log) -> list[str]:
    """Return the events of all partitions, and check that no number is missing. Raises OSError."""
    found: list[str] = []
    for partition in log.partitions():
        reader = log.reader(partition)
        position, count = Position(0), 0
        while part := reader.read(position):
            assert (part.damaged, part.released) == (0, 0)
            for chunk in part.chunks:
                assert chunk.first == count
                found += [line.decode() for line in chunk.lines()]
                count += chunk.count
            position = part.end
        if count < reader.newest():
            raise OSError("a replica that has answered has not got all events yet")
        assert reader.newest() == count
        reader.close()
    return found


def judge(clients: list[Persons], stored: list[str]) -> Verdict:
    """Compare what clients were told with what is stored."""
    counts = Counter(stored)
    lost = doubled = 0
    for each in clients:
        lost += sum(not counts[event] for event in each.acknowledged)
        doubled += sum(counts[event] > 1 for event, sent in each.attempts.items() if sent == 1)
    last: dict[str, int] = {}
    seen: set[str] = set()
    disordered = 0
    for event in stored:
        if event in seen:  # sent again by its client, which waits for the answer
            continue
        seen.add(event)
        person, _, number = event.partition("/")
        disordered += int(number) != last.get(person, -1) + 1
        last[person] = int(number)
    return Verdict(lost, doubled, disordered)
