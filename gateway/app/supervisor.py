"""
The process that the operator starts: it holds the addresses and the data folder, runs the others, and
starts again whichever of them ends.
"""

import math
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait
from typing import Any

import msgspec
import structlog

from gateway.app import delivery, inspector, intake, machine
from gateway.app.child import Child
from gateway.app.delivery_processes import DeliveryProcesses
from gateway.config import Config
from gateway.errors import ConfigError

log = structlog.get_logger()

_FIXED = ("server", "inspector", "journal")
"""The tables that only a restart changes."""


class Supervisor:
    """Runs a gateway. `reload` reads the configuration anew, or raises ConfigError."""

    def __init__(self, config: Config, reload: Callable[[], Config]) -> None:
        self.config = config
        self.reload = reload
        self.intake: list[Child] = []
        self.delivery = DeliveryProcesses()
        self.inspector: Child

    def run(self, announce: Callable[[socket.socket, socket.socket], None]) -> None:
        """
        Serve until SIGTERM or SIGINT. `announce` is called with both listeners once all is ready.

        ConfigError before anything was touched: an address is taken, or the data folder is.
        """
        with ExitStack() as held:
            server, inspect = self.config.server, self.config.inspector
            public = held.enter_context(machine.listen(server.host, server.port, "server"))
            private = held.enter_context(machine.listen(inspect.host, inspect.port, "inspector"))
            held.enter_context(machine.own(self.config.journal.path))
            held.enter_context(machine.metrics_folder(self.config.journal.path))
            machine.allow_many_connections()
            signals = held.enter_context(_signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP))

            self.inspector = Child("inspector", inspector.main, lambda: (self.config, private))
            self.intake = [
                Child(f"intake-{slot}", intake.main, lambda slot=slot: (self.config, slot, public))  # type: ignore[misc]  # mypy #2608
                for slot in range(server.workers)
            ]
            try:
                self._watch(signals, lambda: announce(public, private))
            finally:
                self._stop(signals)

    @property
    def children(self) -> list[Child]:
        return [*self.delivery.children, self.inspector, *self.intake]

    def _watch(self, signals: socket.socket, announce: Callable[[], None]) -> None:
        """Keep all children running until a signal asks for the end."""
        announced = False
        while True:
            self.delivery.arrange(self.config)
            now = time.monotonic()
            for child in self.children:
                if not child.running and child.due <= now:
                    child.start()
            if not announced and all(child.ready for child in self.children):
                announced = True
                announce()
                log.info("gateway ready", delivery_processes=len(self.delivery.children))
            for event in wait(self._events(signals), self._next_due(now)):
                if event is signals:
                    for number in signals.recv(64):
                        if number != signal.SIGHUP:
                            return
                        self._reload()
                for child in self.children:
                    child.notice(event)

    def _events(self, signals: socket.socket) -> list[Any]:
        return [signals, *(event for child in self.children for event in child.events)]

    def _next_due(self, now: float) -> float | None:
        due = min([self.delivery.due, *(child.due for child in self.children if not child.running)])
        return max(0.0, due - now) if due < math.inf else None

    def _reload(self) -> None:
        try:
            new = self.reload()
        except ConfigError as error:
            for mistake in error.mistakes:
                log.error("configuration not reloaded", mistake=mistake)
            return
        old = self.config
        fixed = [table for table in _FIXED if getattr(new, table) != getattr(old, table)]
        if fixed:
            log.warning("restart the gateway for these changes", tables=fixed)
        self.config = msgspec.structs.replace(new, **{table: getattr(old, table) for table in _FIXED})
        for child in (self.inspector, *self.intake):
            child.send(self.config)
        log.info("configuration reloaded", sources=len(new.sources), sinks=len(new.sinks))

    def _stop(self, signals: socket.socket) -> None:
        """First no more is accepted, then what was accepted is delivered; a second signal hurries it."""
        log.info("gateway stopping")
        hurry = False
        for group, seconds in (
            (self.intake, intake.GRACE + 2.0),
            (self.delivery.children, delivery.LAST_WORK + 2.0),
            ([self.inspector], 3.0),
        ):
            for child in group:
                child.terminate()
            end = time.monotonic() + (0 if hurry else seconds)
            while any(child.running for child in group) and time.monotonic() < end:
                for event in wait(self._events(signals), end - time.monotonic()):
                    if event is signals:
                        hurry, end = bool(signals.recv(64)), 0.0
                    for child in group:
                        child.notice(event)
            for child in group:
                child.kill()
        log.info("gateway stopped")


@contextmanager
def _signals(*wanted: signal.Signals) -> Iterator[socket.socket]:
    """A socket on which the numbers of these signals arrive."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in wanted}
    signal.set_wakeup_fd(theirs.fileno())
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()
