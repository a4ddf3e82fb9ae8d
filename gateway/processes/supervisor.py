"""
The process that the operator starts.

It holds the addresses and the data folder, runs all other processes, and restarts those that end.
"""

import math
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog

from gateway.config.tables import Config
from gateway.errors import ConfigError
from gateway.home import Home
from gateway.processes import inspector, intake, machine, ownership, status, succession
from gateway.processes.child import Child
from gateway.processes.delivery_processes import DeliveryProcesses
from gateway.processes.stopping import stop
from gateway.processes.succession import Rehearsal, Succession

log = structlog.get_logger()

Announce = Callable[[socket.socket, socket.socket], None]

GIVE_UP_SECONDS = 60.0
"""Seconds after which the gateway ends if the system still refuses to start one of its processes."""

_LOOK_SECONDS = 1.0  # between two checks that the data folder is still owned
_LEAVE_SECONDS = intake.GRACE + 2.5  # after which a predecessor that does not end is killed

_AT_START = ("server", "inspector", "journal", "state")
"""Tables whose changes need new processes."""


class Supervisor:
    """Runs a gateway. `reload` rereads the configuration, or raises ConfigError."""

    def __init__(self, config: Config, reload: Callable[[], Config]) -> None:
        self.config = config
        self.reload = reload
        self.home = Home(config.journal.path, config.state.url)
        self.intake: list[Child] = []
        self.delivery = DeliveryProcesses(self.home)
        self.inspector: Child
        self.predecessors: dict[Child, float] = {}
        """Children of the program that this one replaced, each with the time at which it is killed."""
        self._public: socket.socket
        self._private: socket.socket
        self._metrics: machine.MetricsFolder
        self._keeper = ownership.Keeper(self.home)
        self._code = succession.code()
        self._status = status.Status(os.getpid())
        self._rehearsal: Rehearsal | None = None
        self._wanted = False
        """True if a reload should begin once the previous one has ended."""
        self._unreported = False
        """True until a reload has taken effect in all processes."""
        self._renewed = False
        """True if the reload renews all processes."""

    def run(self, announce: Announce) -> None:
        """
        Serve until SIGTERM or SIGINT. `announce` is called with both listeners once all processes are ready.

        Raises ConfigError, before anything is changed, if an address or the data folder is unavailable; and
        later, if another gateway takes the data folder. Raises SystemExit if processes cannot be started.
        """
        inherited = succession.claim()
        with ExitStack() as held:
            self._public = held.enter_context(self._listen("server", inherited))
            self._private = held.enter_context(self._listen("inspector", inherited))
            if inherited and inherited.rehearsal:
                return
            own = self._inherit(inherited) if inherited else ownership.own(self.home, self.config.journal)
            held.enter_context(own)
            known = inherited.metrics if inherited else ""
            self._metrics = held.enter_context(machine.MetricsFolder(self.home.folder, known))
            machine.allow_many_connections()
            signals = held.enter_context(machine.signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
            status.write(self.home, self._status)

            self.inspector = Child("inspector", inspector.main, lambda: (self.config, self._private))
            self.intake = [self._intake(slot) for slot in range(self.config.server.workers)]
            at_once = True
            try:
                given_up = self._watch(signals, announce)
                at_once = False
            finally:  # at once if another gateway has the folder
                stop(signals, self._public, *self._by_turn(), self.config.server.drain, at_once=at_once)
            if given_up:
                raise SystemExit(1)

    def _intake(self, slot: int) -> Child:
        arguments = lambda: (self.config, slot, self._public)  # noqa: E731  # as they are at each start
        return Child(intake.name(slot), intake.main, arguments, intake.first_name(slot))

    @property
    def children(self) -> list[Child]:
        return [*self.delivery.children, self.inspector, *self.intake]

    def _by_turn(self) -> tuple[list[Child], list[Child]]:
        """Return the children that stop first, which accept events, and those that stop last."""
        everyone = [*self.predecessors, *self.children]
        first = [child for child in everyone if child.name.startswith("intake")]
        return first, [child for child in everyone if child not in first]

    def _watch(self, signals: socket.socket, announce: Announce) -> bool:
        """Keep all processes running until a signal asks to stop; return True if that cannot be done."""
        announced = bool(self.predecessors)
        while True:
            if self._keeper.check():
                status.write(self.home, self._status)
            self._replace_predecessors()
            if not any(child.name.startswith("delivery") for child in self.predecessors):
                self.delivery.arrange(self.config)
            self._start_children()
            now = time.monotonic()
            if any(now - (child.failing_since or now) > GIVE_UP_SECONDS for child in self.children):
                log.error("processes cannot be started, the gateway ends")
                return True
            if not announced and all(child.ready for child in self.children):
                announced = True
                with suppress(OSError):  # nobody reads its output
                    announce(self._public, self._private)
                log.info("gateway ready", delivery_processes=len(self.delivery.children))
            self._report_reload()
            events = wait(self._events(signals), self._next_due(now))
            for event in events:
                if event is signals:
                    for number in signals.recv(64):
                        if number != signal.SIGHUP:
                            return False
                        self._wanted = True
                for child in [*self.children, *self.predecessors]:
                    child.notice(event)
            self._end_rehearsal(events)
            if self._wanted and not self._rehearsal and not self.predecessors:
                self._wanted = False
                self._reload()
            machine.reap({each.pid for each in (self._rehearsal, *self.children, *self.predecessors) if each})

    def _start_children(self) -> None:
        self._metrics.ensure()
        replaced = {child.name for child in self.predecessors}
        for child in self.children:
            if not child.running and child.due <= time.monotonic():
                child.start()
            if child in self.intake and child.name in replaced:
                break  # one intake after another, so that the others accept requests in the meantime

    def _replace_predecessors(self) -> None:
        """End each predecessor whose successor is loaded, or that has no successor."""
        now = time.monotonic()
        successors = {child.name: child for child in (self.inspector, *self.intake)}
        for old, end in list(self.predecessors.items()):
            successor = successors.get(old.name)
            if not old.running:
                del self.predecessors[old]
            elif now > end:
                old.kill()
            elif end == math.inf and (not successor or successor.loaded or successor.ready):
                old.terminate()
                self.predecessors[old] = now + _LEAVE_SECONDS

    def _events(self, signals: socket.socket) -> list[Any]:
        rehearsal = [self._rehearsal.output] if self._rehearsal else []
        children = (*self.children, *self.predecessors)
        return [signals, *rehearsal, *(event for child in children for event in child.events)]

    def _next_due(self, now: float) -> float:
        due = min([self.delivery.due, *(child.due for child in self.children if not child.running)])
        return min(_LOOK_SECONDS, max(0.0, due - now))

    def _reload(self) -> None:
        """Begin to reload: in place if that suffices, else with a new program, which is rehearsed first."""
        if succession.code(self._code) != self._code:
            return self._rehearse_first()  # the new program may know other keys
        try:
            new = self._keep_folder(self.reload())
        except ConfigError as error:
            return self._refuse(error.mistakes)
        except Exception as error:  # a bug must not end a running gateway
            log.exception("configuration not read")
            return self._refuse([str(error)])
        old = self.config
        if any(getattr(new, table) != getattr(old, table) for table in _AT_START):
            return self._rehearse_first()
        self.config = new
        for child in (self.inspector, *self.intake):
            child.send(new)
        log.info("configuration reloaded", sources=len(new.sources), sinks=len(new.sinks))
        self._unreported = True

    def _keep_folder(self, new: Config) -> Config:
        """Return a configuration with the data folder that is in use, and log it if it names another one."""
        if new.journal.path == self.home.folder:
            return new
        log.warning("[journal] path has changed; only a restart applies it", path=str(self.home))
        return msgspec.structs.replace(
            new, journal=msgspec.structs.replace(new.journal, path=self.home.folder)
        )

    def _refuse(self, mistakes: Sequence[str]) -> None:
        log.error("configuration not reloaded", errors=mistakes)
        self._finish_reload(list(mistakes))

    def _finish_reload(self, mistakes: list[str]) -> None:
        self._status.reloads += 1
        self._status.mistakes = mistakes
        status.write(self.home, self._status)

    def _report_reload(self) -> None:
        """Say that a reload has taken effect, once it has in all processes."""
        if (
            self._unreported
            and not self.predecessors
            and self.delivery.due == math.inf
            and all(child.ready and child.confirmed for child in self.children)
        ):
            self._unreported = False
            if self._renewed:
                log.info(
                    "configuration reloaded", sources=len(self.config.sources), sinks=len(self.config.sinks)
                )
                self._renewed = False
            if not self._wanted:  # a further reload would report for both
                self._finish_reload([])

    def _rehearse_first(self) -> None:
        try:
            self._rehearsal = Rehearsal(_address(self.config, "server"), _address(self.config, "inspector"))
        except OSError as error:
            self._refuse([str(error)])

    def _end_rehearsal(self, events: Sequence[Any]) -> None:
        """Replace this program if the new one has been found to start with the new configuration."""
        rehearsal = self._rehearsal
        if not rehearsal or not (rehearsal.output in events or time.monotonic() > rehearsal.deadline):
            return
        mistakes = rehearsal.mistakes()
        if mistakes is None:
            return
        self._rehearsal = None
        if mistakes:
            return self._refuse(mistakes)
        assert self.home.locked is not None
        try:
            succession.replace(
                Succession(
                    pid=os.getpid(),
                    server=_address(self.config, "server"),
                    inspector=_address(self.config, "inspector"),
                    public=self._public.fileno(),
                    private=self._private.fileno(),
                    lock=self.home.locked,
                    journal=self.home.journal.hex(),
                    folder=str(self.home.folder),
                    metrics=str(self._metrics.path),
                    reloads=self._status.reloads,
                    children=[child.bequeath() for child in self.children if child.running],
                )
            )
        except OSError as error:
            self._refuse([str(error)])

    def _inherit(self, inherited: Succession) -> AbstractContextManager[None]:
        """Take over from the program that this one replaced, and own the data folder as it did."""
        self.home = Home(Path(inherited.folder), self.config.state.url)
        self.config = self._keep_folder(self.config)
        self.delivery = DeliveryProcesses(self.home)
        self._keeper = ownership.Keeper(self.home)
        self._status.reloads = inherited.reloads
        self._unreported = self._renewed = True
        self.predecessors = {Child.inherit(child): math.inf for child in inherited.children}
        return self.home.inherit(inherited.lock, bytes.fromhex(inherited.journal))

    def _listen(self, table: Literal["server", "inspector"], inherited: Succession | None) -> socket.socket:
        """Return the listener of a table, inherited if the address is the same. Raises ConfigError."""
        address = _address(self.config, table)
        if inherited:
            kept = inherited.public if table == "server" else inherited.private
            if address == getattr(inherited, table):
                return socket.socket(fileno=kept) if kept >= 0 else socket.socket()
            if kept >= 0:
                os.close(kept)
        return machine.listen(*address, table)


def _address(config: Config, table: Literal["server", "inspector"]) -> succession.Address:
    chosen = config.server if table == "server" else config.inspector
    return chosen.host, chosen.port
