"""Orders: placed by commands, visible to delivery at once, durable across restarts."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.journal.base import Position
from gateway.postgresql.place import Place
from gateway.state.orders import Verb
from gateway.state.places import open_database, open_read_only
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.state.conftest import ID


@pytest.fixture
def delivery(place: Place) -> Iterator[State]:
    opened = State.open(place, ID)
    yield opened
    opened.close()


@pytest.fixture
def command(place: Place) -> Iterator[State]:
    opened = State.open(place, ID)
    yield opened
    opened.close()


def finished(place: Place) -> list[Any]:
    """Return when each order was placed and finished, and its result."""
    query = "SELECT placed_at, done_at, result FROM orders ORDER BY id"
    with open_read_only(place).reading() as connection:
        return connection.execute(query).fetchall()


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


def test_a_pause_persists_across_a_restart(place: Place, command: State) -> None:
    command.orders.place("sink", "pause")
    command.close()

    again = State.open(place, ID)

    assert again.paused() == {"sink"}
    again.close()


def test_reading_the_paused_sinks_does_not_wait_for_a_writer(place: Place, delivery: State) -> None:
    delivery.orders.place("sink", "pause")
    with open_database(place, ID).writing("sink") as connection:
        connection.execute("DELETE FROM paused")

        assert delivery.paused() == {"sink"}


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


def test_an_order_supersedes_a_pending_one(place: Place, delivery: State) -> None:
    first = delivery.orders.place("a", "pause")
    other = delivery.orders.place("b", "pause")
    second = delivery.orders.place("a", "resume")
    delivery.orders.finish(first, "done")  # after it was finished

    assert pending(delivery, "a", "b") == [(other, "b", "pause"), (second, "a", "resume")]
    assert [result for _, _, result in finished(place)] == ["superseded", None, None]


def test_a_finished_order_keeps_its_time_and_result(place: Place, delivery: State) -> None:
    delivery.orders.finish(delivery.orders.place("a", "pause"), "done")
    delivery.orders.place("a", "resume")

    [(placed, done, result), (again, *rest)] = finished(place)
    assert 1_700_000_000_000 < placed <= done <= again
    assert (result, rest) == ("done", [None, None])


def test_orders_and_progress_are_written_concurrently(delivery: State, command: State) -> None:
    delivery.record("sink", "0", Position(3), Tally())
    command.orders.place("sink", "pause")
    delivery.record("sink", "0", Position(4), Tally())

    assert delivery.paused() == {"sink"}
    assert command.position("sink", "0") == Position(4)
