"""Orders: placed by commands, visible to delivery at once, durable across restarts."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway import sqlite
from gateway.journal.base import Position
from gateway.state.orders import Verb
from gateway.state.store import State
from gateway.state.tally import Tally

ID = bytes(range(16))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    State.prepare(tmp_path / "state.db", ID)
    return tmp_path / "state.db"


@pytest.fixture
def delivery(path: Path) -> Iterator[State]:
    opened = State.open(path, ID)
    yield opened
    opened.close()


@pytest.fixture
def command(path: Path) -> Iterator[State]:
    opened = State.open(path, ID)
    yield opened
    opened.close()


def finished(path: Path) -> list[Any]:
    """Return when each order was placed and finished, and its result."""
    with closing(sqlite.open_for_reading(path)) as connection:
        return connection.execute("SELECT placed_at, done_at, result FROM orders ORDER BY id").fetchall()


def pending(state: State, *sinks: str) -> list[tuple[int, str, str]]:
    return [(order.id, order.sink, order.verb) for order in state.orders.pending(sinks)]


def test_a_sink_is_paused_by_an_order_until_it_is_resumed(delivery: State, command: State) -> None:
    placed: list[tuple[str, Verb]] = [
        ("a", "pause"),
        ("b", "pause"),
        ("a", "pause"),
        ("a", "resume"),
        ("c", "resume"),
    ]
    found = [delivery.paused()]

    for sink, verb in placed:
        command.orders.place(sink, verb)
        found.append(delivery.paused())

    assert found == [set(), {"a"}, {"a", "b"}, {"a", "b"}, {"b"}, {"b"}]


def test_an_order_is_visible_to_the_process_that_placed_it(command: State) -> None:
    command.paused()

    command.orders.place("sink", "pause")

    assert command.paused() == {"sink"}


def test_a_pause_persists_across_a_restart(path: Path, command: State) -> None:
    command.orders.place("sink", "pause")
    command.close()

    again = State.open(path, ID)

    assert again.paused() == {"sink"}
    again.close()


def test_reading_the_paused_sinks_does_not_wait_for_a_writer(path: Path, delivery: State) -> None:
    delivery.orders.place("sink", "pause")
    writer = sqlite.open_for_writing(path)
    writer.execute("BEGIN IMMEDIATE; DELETE FROM paused")

    assert delivery.paused() == {"sink"}

    writer.execute("COMMIT")
    assert delivery.paused() == set()
    writer.close()


def test_orders_are_pending_until_they_are_finished(delivery: State, command: State) -> None:
    first = command.orders.place("a", "pause")
    second = command.orders.place("b", "pause", "now")

    assert pending(delivery, "a", "b", "c") == [(first, "a", "pause"), (second, "b", "pause")]
    assert pending(delivery, "b") == [(second, "b", "pause")]

    delivery.orders.finish(first, "done")

    assert pending(command, "a", "b") == [(second, "b", "pause")]
    [order] = command.orders.pending("b")
    assert order.argument == "now"
    assert command.paused() == {"a", "b"}


def test_an_order_supersedes_a_pending_one(path: Path, delivery: State) -> None:
    first = delivery.orders.place("a", "pause")
    other = delivery.orders.place("b", "pause")
    second = delivery.orders.place("a", "resume")
    delivery.orders.finish(first, "done")  # after it was finished

    assert pending(delivery, "a", "b") == [(other, "b", "pause"), (second, "a", "resume")]
    assert [result for _, _, result in finished(path)] == ["superseded", None, None]


def test_a_finished_order_keeps_its_time_and_result(path: Path, delivery: State) -> None:
    delivery.orders.finish(delivery.orders.place("a", "pause"), "done")
    delivery.orders.place("a", "resume")

    [(placed, done, result), (again, *rest)] = finished(path)
    assert 1_700_000_000_000 < placed <= done <= again
    assert (result, rest) == ("done", [None, None])


def test_orders_and_progress_are_written_concurrently(delivery: State, command: State) -> None:
    delivery.record("sink", "0", Position(3), Tally())
    command.orders.place("sink", "pause")
    delivery.record("sink", "0", Position(4), Tally())

    assert delivery.paused() == {"sink"}
    assert command.position("sink", "0") == Position(4)
