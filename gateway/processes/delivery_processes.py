"""The delivery processes of the supervisor: how many there are, and which sinks each one has."""

import math
import time
from pathlib import Path
from typing import Any

import structlog

from gateway.config.tables import Config
from gateway.home import Home
from gateway.processes import delivery
from gateway.processes.child import Child
from gateway.processes.shares import Share, assign, limit, own_sinks, share
from gateway.processes.workers import LONGEST_CHANGE
from gateway.state.store import State

log = structlog.get_logger()

_PATIENCE = LONGEST_CHANGE + 4.0
"""Seconds after which a process that has not confirmed its new share is killed."""


class DeliveryProcesses:
    """All delivery processes. `delivery-0` always exists; the others do while they have sinks."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._processes: dict[int, _Process] = {}
        self._places: dict[str, int] = {}

    @property
    def children(self) -> list[Child]:
        return [process.child for process in self._processes.values()]

    @property
    def due(self) -> float:
        """When to call `arrange` even without an event, by time.monotonic()."""
        return min((process.deadline for process in self._processes.values()), default=math.inf)

    def arrange(self, config: Config) -> None:
        """
        Bring the processes one step closer to `config`. Call it after every process event.

        A process gets its new share once it has confirmed the previous one. Until it has confirmed that it
        gave up a sink, no other process gets that sink. New processes are not started here.
        """
        held = {sink: slot for slot, process in self._processes.items() for sink in process.held}
        self._places = assign(own_sinks(config), self._places, held, limit(config.delivery.processes))
        needed = {0, *self._places.values()}
        for slot in sorted(needed - self._processes.keys()):
            self._processes[slot] = _Process(slot, share(config, self._places, slot), self._home)
        for slot, process in list(self._processes.items()):
            process.wanted = share(config, self._places, slot)
            process.arrange()
            if slot not in needed and not process.held:
                process.child.kill()  # it is writing to no sink
                del self._processes[slot]


class _Process:
    """A delivery process, and the shares sent to it."""

    def __init__(self, slot: int, wanted: Share, home: Home) -> None:
        self._home = home
        self.child = Child(f"delivery-{slot}", delivery.main, self._begin)
        self.wanted = wanted
        self.deadline = math.inf
        """When it is killed if it has not confirmed the share sent to it."""
        self._sent = self._before = wanted

    @property
    def held(self) -> set[str]:
        """The sinks to which it may be writing."""
        if not self.child.running:
            return set()
        before = () if self.child.confirmed else self._before.config.sinks
        return {*before, *self._sent.config.sinks}

    def arrange(self) -> None:
        """Send the process its share if that has changed, and kill it if it does not respond."""
        if not self.child.running or self.child.confirmed:
            self.deadline = math.inf
        if self.child.running and self.child.confirmed and self._sent != self.wanted:
            self._before, self._sent = self._sent, self.wanted
            self.child.send(self._sent)
            self.deadline = time.monotonic() + _PATIENCE
        elif time.monotonic() > self.deadline:
            log.error("process not responding, starting it again", process=self.child.name)
            self.child.kill()
            self.deadline = math.inf

    def _begin(self) -> tuple[Any, ...]:
        """
        Return the arguments of a process that is starting: the share that it should have now.

        The state's file is prepared first, since its removal may be why the previous process ended.
        Raises ConfigError.
        """
        if isinstance(self._home.state, Path):
            State.prepare(self._home.state, self._home.journal, expected=True)
        self._before = self._sent = self.wanted
        return (self._sent,)
