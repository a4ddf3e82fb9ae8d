"""The delivery processes as the supervisor sees them: how many there are, and which sinks each one has."""

import math
import time
from typing import Any

import structlog

from gateway.config.tables import Config
from gateway.home import Home
from gateway.processes import delivery
from gateway.processes.child import Child
from gateway.processes.shares import Share, assign, limit, share
from gateway.processes.workers import LONGEST_CHANGE
from gateway.state.store import State

log = structlog.get_logger()

_PATIENCE = LONGEST_CHANGE + 4.0
"""Seconds after which a process that has not taken over its new share is killed."""


class DeliveryProcesses:
    """`delivery-0` is always there; the others exist while they have sinks."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._processes: dict[int, _Process] = {}
        self._places: dict[str, int] = {}

    @property
    def children(self) -> list[Child]:
        return [process.child for process in self._processes.values()]

    @property
    def due(self) -> float:
        """When `arrange` has to be called again although nothing has happened, by time.monotonic()."""
        return min((process.deadline for process in self._processes.values()), default=math.inf)

    def arrange(self, config: Config) -> None:
        """
        Bring the processes one step closer to `config`: to be called whenever something has happened.

        A process is told of its new share once it has confirmed the one before. Until it has confirmed that
        it gave up a sink, no other process gets that sink. Those that are new are not started here.
        """
        held = {sink: slot for slot, process in self._processes.items() for sink in process.held}
        self._places = assign(config.sinks, self._places, held, limit(config.delivery.processes))
        needed = {0, *self._places.values()}
        for slot in sorted(needed - self._processes.keys()):
            self._processes[slot] = _Process(slot, share(config, self._places, slot), self._home)
        for slot, process in list(self._processes.items()):
            process.wanted = share(config, self._places, slot)
            process.arrange()
            if slot not in needed and not process.held:
                process.child.kill()  # there is nothing in its hands
                del self._processes[slot]


class _Process:
    """One of them, and what it was told."""

    def __init__(self, slot: int, wanted: Share, home: Home) -> None:
        self._home = home
        self.child = Child(f"delivery-{slot}", delivery.main, self._begin)
        self.wanted = wanted
        self.deadline = math.inf
        """When it is killed if it has not confirmed what it was told."""
        self._told = self._before = wanted

    @property
    def held(self) -> set[str]:
        """The sinks that it may be writing to."""
        if not self.child.running:
            return set()
        before = () if self.child.settled else self._before.config.sinks
        return {*before, *self._told.config.sinks}

    def arrange(self) -> None:
        """Tell it of its share if that is another one, and kill it if it does not react."""
        if not self.child.running or self.child.settled:
            self.deadline = math.inf
        if self.child.running and self.child.settled and self._told != self.wanted:
            self._before, self._told = self._told, self.wanted
            self.child.send(self._told)
            self.deadline = time.monotonic() + _PATIENCE
        elif time.monotonic() > self.deadline:
            log.error("process does not react, starting it again", process=self.child.name)
            self.child.kill()
            self.deadline = math.inf

    def _begin(self) -> tuple[Any, ...]:
        """
        The arguments of a process that is starting: it has what is wanted from the first moment on.

        Its predecessor may have ended because the state was removed. ConfigError.
        """
        State.prepare(self._home.state, self._home.journal, expected=True)
        self._before = self._told = self.wanted
        return (self._told,)
