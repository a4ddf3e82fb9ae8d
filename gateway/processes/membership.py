"""The leases of a delivery process among several gateways: renewed, taken and handed over."""

import socket
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, suppress
from importlib.metadata import version
from multiprocessing import current_process

import anyio
import structlog
from anyio import CapacityLimiter, to_thread

from gateway.config.tables import Config
from gateway.delivery.held import Held
from gateway.errors import StateUnavailable
from gateway.home import Home
from gateway.state.leases import RENEW_SECONDS, Fence, Leases, Member, Standing
from gateway.state.verdicts import UPKEEP

log = structlog.get_logger()

Quiet = Callable[[str], AbstractAsyncContextManager[None]]
"""Ensures that during the block nothing is under way for a sink except what began in it."""


class Membership:
    """Holds the leases of one process. Bound to one event loop."""

    def __init__(
        self,
        config: Config,
        home: Home,
        partitions: Callable[[], Collection[str]],
        sinks: Callable[[], Collection[str]],
        quiet: Quiet,
        changed: Callable[[], None],
    ) -> None:
        """
        `partitions` returns those of the journal, and blocks; `sinks` returns those that the process can
        deliver to. `changed` is called when partitions were taken or lost.
        """
        member = Member(
            id=uuid.uuid4().hex,
            node=config.server.name,
            place=f"{socket.gethostname()}:{home}",
            process=current_process().name,
            version=version("event-gateway"),
            since=time.time_ns() // 1_000_000,
        )
        self._leases = Leases(config.state.url, member)
        self.fence = Fence(member.id)
        """Lets this process record only for the partitions that it holds."""
        self._find_partitions = partitions
        self._sinks = sinks
        self._quiet = quiet
        self._changed = changed
        self._lock = anyio.Lock()
        """Held while leases change."""
        self._thread = CapacityLimiter(1)  # its own: a lease must not wait until slow sinks free a thread
        self._held: dict[str, frozenset[str]] = {}
        self._handing_over: set[str] = set()
        self._failure = ""
        self._namesake = ""

    def held(self, sink: str) -> Held:
        """Return a Held for a sink, which stays up to date."""
        return lambda: self._leases.held(sink)

    def partitions(self) -> Collection[str]:
        """Return the partitions that are held for anything."""
        return set().union(*(self._leases.held(sink) for sink in self._held))

    async def run(self) -> None:
        """Renew forever; give back what others should have."""
        async with anyio.create_task_group() as tasks:
            while True:
                for sink in await self.renew():
                    if sink not in self._handing_over:
                        self._handing_over.add(sink)
                        tasks.start_soon(self._hand_over, sink)
                await anyio.sleep(RENEW_SECONDS)

    async def renew(self) -> Collection[str]:
        """Renew and take leases; return the sinks with leases to give back. Logs failures."""
        async with self._lock:
            try:
                standing = await to_thread.run_sync(self._renew, limiter=self._thread)
            except (StateUnavailable, OSError) as error:
                if not self._failure:
                    log.error("leases not renewed", error=str(error))
                self._failure = str(error)
                return ()
            if self._failure:
                log.info("leases renewed again")
            self._failure = ""
            if standing.namesake != self._namesake:
                self._namesake = standing.namesake
                if self._namesake:
                    log.error(
                        "another gateway has this name, and this one delivers nothing: set [server] node",
                        node=self._leases.member.node,
                        other=self._namesake,
                    )
            self._tell({sink: frozenset(held) for sink, held in standing.held.items() if held})
            return standing.surplus.keys()

    async def leave(self) -> None:
        """Hand over everything, each sink as soon as nothing is under way for it."""
        self._sinks = tuple
        async with anyio.create_task_group() as tasks:
            for sink in await self.renew():
                tasks.start_soon(self._hand_over, sink)

    async def close(self) -> None:
        """Free what is left, and leave."""
        with suppress(StateUnavailable):  # the leases expire by themselves
            await to_thread.run_sync(self._leases.leave, limiter=self._thread)
        self._leases.close()

    def _renew(self) -> Standing:
        return self._leases.renew(self._sinks(), self._find_partitions())

    async def _hand_over(self, sink: str) -> None:
        async with self._quiet(sink), self._lock:
            try:
                await to_thread.run_sync(self._leases.give_back, sink, limiter=self._thread)
            except StateUnavailable:  # the next renewal finds them again
                pass
            finally:
                self._handing_over.discard(sink)

    def _tell(self, held: dict[str, frozenset[str]]) -> None:
        """Log what has changed, and report that something has."""
        if held == self._held:
            return
        for sink in sorted(held.keys() | self._held.keys()):
            before, now = self._held.get(sink, frozenset()), held.get(sink, frozenset())
            if sink != UPKEEP and now != before:
                log.info(
                    "leases changed",
                    sink=sink,
                    taken=len(now - before),
                    lost=len(before - now),
                    held=len(now),
                )
        self._held = held
        self._changed()
