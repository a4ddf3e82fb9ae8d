"""
The process that the operator starts.

It holds the addresses and the data folder, runs all other processes, and starts again those that end.
"""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait
from typing import Any

import msgspec
import structlog

from gateway.config.tables import Config
from gateway.errors import ConfigError
from gateway.home import Home
from gateway.journal.segments.log import SegmentLog
from gateway.processes import delivery, inspector, intake, machine
from gateway.processes.child import Child
from gateway.processes.delivery_processes import DeliveryProcesses
from gateway.state.store import State

log = structlog.get_logger()

_OWNERSHIP_SECONDS = 1.0  # between two checks that the data folder is still owned

_FIXED = ("server", "inspector", "journal")
"""Tables whose changes need a restart."""


class Supervisor:
    """Runs a gateway. `reload` reads the configuration again, or raises ConfigError."""

    def __init__(self, config: Config, reload: Callable[[], Config]) -> None:
        self.config = config
        self.reload = reload
        self.home = Home(config.journal.path)
        self.intake: list[Child] = []
        self.delivery = DeliveryProcesses(self.home)
        self.inspector: Child
        self._failure = ""

    def run(self, announce: Callable[[socket.socket, socket.socket], None]) -> None:
        """
        Serve until SIGTERM or SIGINT. `announce` is called with both listeners once all processes are ready.

        Raises ConfigError, before anything is changed, if an address or the data folder cannot be had; and
        later, if another gateway takes the data folder.
        """
        with ExitStack() as held:
            server, inspect = self.config.server, self.config.inspector
            public = held.enter_context(machine.listen(server.host, server.port, "server"))
            private = held.enter_context(machine.listen(inspect.host, inspect.port, "inspector"))
            held.enter_context(self._own())
            held.enter_context(machine.metrics_folder(self.config.journal.path))
            machine.allow_many_connections()
            signals = held.enter_context(_signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP))

            self.inspector = Child("inspector", inspector.main, lambda: (self.config, private))
            self.intake = [
                Child(f"intake-{slot}", intake.main, lambda slot=slot: (self.config, slot, public))  # type: ignore[misc]  # mypy #2608
                for slot in range(server.workers)
            ]
            at_once = True
            try:
                self._watch(signals, lambda: announce(public, private))
                at_once = False
            finally:  # at once, where another gateway has the folder
                self._stop(signals, at_once)

    @contextmanager
    def _own(self) -> Iterator[None]:
        """Own the data folder, and recover what lies in it. Raises ConfigError."""
        with self.home.own(SegmentLog(self.home.folder).identity):
            known = bool(self.home.partitions())
            SegmentLog(self.home.folder, journal=self.home.journal).recover()
            State.prepare(self.home.state, self.home.journal, expected=known)
            yield

    @property
    def children(self) -> list[Child]:
        return [*self.delivery.children, self.inspector, *self.intake]

    def _watch(self, signals: socket.socket, announce: Callable[[], None]) -> None:
        """Keep all processes running until a signal asks for the end."""
        announced = False
        while True:
            self._keep_owning()
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

    def _next_due(self, now: float) -> float:
        due = min([self.delivery.due, *(child.due for child in self.children if not child.running)])
        return min(_OWNERSHIP_SECONDS, max(0.0, due - now))

    def _keep_owning(self) -> None:
        """Restore lock and identity of the data folder if removed. Raises ConfigError if another owns it."""
        lost = self.home.lost()
        if not lost:
            return
        try:
            if not self.home.reclaim():
                raise ConfigError(f"[journal] path: another gateway has taken {self.home}")
        except OSError as error:
            if str(error) != self._failure:
                log.error(
                    "files of the data folder removed or replaced; cannot be made again",
                    folder=str(self.home),
                    files=lost,
                    error=str(error),
                )
            self._failure = str(error)
        else:
            log.error(
                "files of the data folder removed or replaced; made again", folder=str(self.home), files=lost
            )
            self._failure = ""

    def _reload(self) -> None:
        try:
            new = self.reload()
        except ConfigError as error:
            log.error("configuration not reloaded", errors=error.mistakes)
            return
        old = self.config
        fixed = [table for table in _FIXED if getattr(new, table) != getattr(old, table)]
        if fixed:
            log.warning("configuration changed where only a restart applies it", tables=fixed)
        self.config = msgspec.structs.replace(new, **{table: getattr(old, table) for table in _FIXED})
        for child in (self.inspector, *self.intake):
            child.send(self.config)
        log.info("configuration reloaded", sources=len(new.sources), sinks=len(new.sinks))

    def _stop(self, signals: socket.socket, at_once: bool) -> None:
        """Stop accepting, then deliver what was accepted; kill instead `at_once`, or at a second signal."""
        log.info("gateway stopping")
        for group, seconds in (
            (self.intake, intake.GRACE + 2.0),
            (self.delivery.children, delivery.LAST_WORK + 2.0),
            ([self.inspector], 3.0),
        ):
            for child in group:
                child.terminate()
            end = time.monotonic() + (0 if at_once else seconds)
            while any(child.running for child in group) and time.monotonic() < end:
                for event in wait(self._events(signals), end - time.monotonic()):
                    if event is signals:
                        at_once, end = bool(signals.recv(64)), 0.0
                    for child in group:
                        child.notice(event)
            for child in group:
                child.kill()
        log.info("gateway stopped")


@contextmanager
def _signals(*wanted: signal.Signals) -> Iterator[socket.socket]:
    """Yield a socket on which the numbers of these signals arrive."""
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
