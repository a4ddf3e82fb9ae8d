"""Processes that deliver a journal to a sink as delivery does, and are killed."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from gateway import logs
from gateway.sinks import KINDS
from gateway.sinks.base import Sink
from gateway.state.store import State
from tests.build import JOURNAL, open_log
from tests.delivery.work import deliver, make
from tests.gateway import PATIENCE

# Processes are forked from one that has imported everything, because imports take longer than many batches:
# also what is otherwise imported by the first event loop and the first connection.
_SERVER = multiprocessing.get_context("forkserver")
_LATE = ["anyio._backends._asyncio", "uvloop", "encodings.idna"]
_PRELOADED = ["pytest", __name__, *_LATE, *(f"gateway.sinks.{kind}" for kind in KINDS)]


class Death(NamedTuple):
    """When a process is killed: at the earlier of two moments."""

    batches: int
    """When it has written so many batches, before the last of them is recorded."""
    seconds: float = PATIENCE
    """After this time."""


class Doomed(State):
    """A state that kills its process when the last of its batches is to be recorded."""

    left = 0

    def record(self, *arguments: Any, **keys: Any) -> None:
        _, _, _, tally, *_ = arguments
        self._count(tally[("delivered", "")])
        super().record(*arguments, **keys)

    def record_retry(self, *arguments: Any, **keys: Any) -> None:
        _, _, delivered, *_ = arguments
        self._count(len(delivered))
        super().record_retry(*arguments, **keys)

    def record_replay(self, *arguments: Any, **keys: Any) -> None:
        _, _, _, _, sent, *_ = arguments
        self._count(sent)
        super().record_replay(*arguments, **keys)

    def _count(self, written: int) -> None:
        if written:
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


class Life:
    """A process that delivers everything, if it is not killed. `state` is the name of its state's file."""

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        death: Death | None = None,
        *,
        state: str = "state.db",
        output: Path | None = None,
    ) -> None:
        _SERVER.set_forkserver_preload(_PRELOADED)
        self._seconds = death.seconds if death else PATIENCE
        batches = death.batches if death else 0
        self._process = _SERVER.Process(target=_live, args=(folder, sink, batches, state, output))
        self._process.start()

    def was_killed(self) -> bool:
        """Return whether the process was killed, once it has ended."""
        self._process.join(self._seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        assert self._process.exitcode in (0, -signal.SIGKILL)
        return self._process.exitcode != 0


def _live(folder: Path, sink: Sink, batches: int, name: str, output: Path | None) -> None:
    logs.configure()
    if output:
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), sys.stdout.fileno())
    state = Doomed.open(folder / name, JOURNAL)
    assert isinstance(state, Doomed)
    state.left = batches
    anyio.run(_deliver_everything, folder, sink, state, backend_options={"use_uvloop": True})


async def _deliver_everything(folder: Path, sink: Sink, state: State) -> None:
    """Deliver until nothing is pending, however often the sink fails."""
    log = open_log(folder / "journal")
    newest = {("sink", partition): log.reader(partition).newest() for partition in log.partitions()}
    positions: dict[tuple[str, str], int] = {}
    with anyio.fail_after(PATIENCE):
        while positions != newest or state.jobs.running("sink"):
            await deliver(make(sink, folder / "journal", state))
            positions = {place: position.number for place, position in state.positions().items()}
            await anyio.sleep(0.01)
