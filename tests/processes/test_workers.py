"""The workers of a delivery process: what a reload leaves alone, what it exchanges, what it cannot stop."""

import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import anyio
import msgspec
import pytest

from gateway.config.tables import Config, Delivery, Inspector, Journal, Server
from gateway.delivery.worker import Worker
from gateway.processes.control import STUCK
from gateway.processes.workers import Workers
from gateway.sinks.base import Sink
from gateway.sinks.null import Null
from tests.gateway import PATIENCE

pytestmark = pytest.mark.anyio

OLD, NEW = Null(), Null(types=("track",))


class FakeWorker:
    """Works until it is told to leave, and writes down in `story` what it does; or never ends."""

    def __init__(self, name: str, sink: Sink, story: list[str], stuck: bool = False) -> None:
        self.name = name
        self.sink = sink
        self.story = story
        self.stuck = stuck
        self.told = False

    def stop(self) -> None:
        self.told = True

    def leave(self) -> None:
        self.told = True

    def pause(self, paused: bool) -> None:
        self.story += [f"{self.name} paused"] if paused else []

    async def run(self) -> None:
        self.story.append(f"{self.name} began")
        while self.stuck or not self.told:
            with anyio.CancelScope(shield=self.stuck):
                await anyio.sleep(0.01)
        self.story.append(f"{self.name} ended")


class Bench:
    """Workers whose sinks are null; `story` tells what became of them."""

    def __init__(self, tasks: anyio.abc.TaskGroup, stuck: str = "") -> None:
        self.story: list[str] = []
        self.stuck = stuck
        self.workers = Workers(tasks, self.open)

    def open(self, name: str, config: Config) -> Worker:
        return cast(Worker, FakeWorker(name, config.sinks[name], self.story, name == self.stuck))

    async def use(self, **sinks: Sink) -> None:
        """Bring the workers in line with these sinks, and return once they have begun."""
        await self.workers.use(configured(sinks))
        await anyio.wait_all_tasks_blocked()


def configured(sinks: dict[str, Sink]) -> Config:
    return Config(Server(), Inspector(), Journal(), Delivery(), {}, sinks)


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            yield Bench(tasks)
            tasks.cancel_scope.cancel()


async def test_a_worker_whose_sink_has_not_changed_goes_on() -> None:
    async with bench() as one:
        await one.use(a=OLD)
        await one.use(a=msgspec.structs.replace(OLD), b=OLD)

        assert one.story == ["a began", "b began"]


async def test_a_worker_whose_sink_was_removed_ends() -> None:
    async with bench() as one:
        await one.use(a=OLD, b=OLD)
        one.story.clear()
        await one.use(b=OLD)

        assert one.story == ["a ended"]


async def test_a_changed_sink_has_its_new_worker_once_the_old_one_has_ended() -> None:
    async with bench() as one:
        await one.use(a=OLD)
        await one.use(a=NEW)

        assert one.story == ["a began", "a ended", "a began"]


async def test_nothing_is_begun_once_the_gateway_stops() -> None:
    async with bench() as one:
        await one.use(a=OLD)
        one.workers.stop()
        await one.use(a=NEW, b=OLD)

        assert one.story == ["a began", "a ended"]


@pytest.mark.parametrize("after", [{}, {"a": NEW}], ids=["removed", "changed"])
def test_a_process_with_a_worker_that_does_not_end_lets_the_others_finish_and_ends(
    tmp_path: Path, after: dict[str, Sink]
) -> None:
    notes = tmp_path / "notes"
    arguments = (notes, {"a": OLD, "b": OLD}, {**after, "b": OLD})
    process = multiprocessing.get_context("spawn").Process(target=get_stuck, args=arguments)

    process.start()
    process.join(PATIENCE)

    assert process.exitcode == STUCK
    assert notes.read_text().splitlines() == ["a began", "b began", "b ended"]


def get_stuck(notes: Path, before: dict[str, Sink], after: dict[str, Sink]) -> None:
    """A process in which the worker of `a` never ends."""

    class Story(list[str]):
        def append(self, line: str) -> None:
            with notes.open("a") as file:
                file.write(f"{line}\n")

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            one = Bench(tasks, stuck="a")
            one.story = Story()
            await one.use(a=before["a"])
            await one.use(**before)
            await one.use(**after)

    anyio.run(main)


async def test_a_sink_that_is_paused_stays_so_when_its_worker_is_exchanged() -> None:
    async with bench() as one:
        await one.use(a=OLD, b=OLD)
        one.workers.pause({"a"})
        await one.use(a=NEW, b=OLD)

    of_a = [line for line in one.story if line.startswith("a ")]
    assert of_a == ["a began", "a paused", "a ended", "a paused", "a began"]
