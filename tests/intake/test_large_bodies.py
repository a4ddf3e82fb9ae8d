"""Large bodies: however they arrive they are read whole, and in an overload they are refused unread."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.build import to_json, track
from tests.gateway import PATIENCE, until
from tests.intake.roads import Side, both
from tests.intake.test_backlog import Loop
from tests.intake.test_short_road import LAST, ORDINARY, Sides, request, same

EVENTS = 1000
BATCH = to_json([track(messageId=f"m{place}", properties={"x": "x" * 300}) for place in range(EVENTS)])
LARGE = request(BATCH, "/v1/batch")
SMALL = request(to_json(track(messageId="small")))


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    with both() as found:
        yield found


@pytest.fixture
def overloaded(sides: Sides) -> Iterator[Sides]:
    """The two sides, while bodies wait that are not processed."""
    before = [side.router.backlog for side in sides]
    for side in sides:
        loop = Loop()
        loop.add("a", "b")
        loop.now += 1
        side.router.backlog = loop.backlog
    yield sides
    for side, backlog in zip(sides, before, strict=True):
        side.router.backlog = backlog


@contextmanager
def sending_the_rest(side: Side, begin: bytes) -> Iterator[socket.socket]:
    """Connect, and send the beginning of a body, whose rest is then received past the parser."""
    with socket.create_connection(("127.0.0.1", side.port), timeout=PATIENCE) as connection:
        connection.sendall(begin)
        until(lambda: any(each.receiving for each in side.connections))
        yield connection


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(side: Side, *pieces: bytes) -> list[bytes]:
    """Return the status lines of the answers to pieces of which each is sent once the last is answered."""
    with socket.create_connection(("127.0.0.1", side.port), timeout=PATIENCE) as connection:
        statuses = []
        for piece in pieces:
            connection.sendall(piece)
            statuses.append(connection.recv(65536).partition(b"\r\n")[0])
    return statuses


@pytest.mark.parametrize("size", [997, 4096, 65536, 100_001, len(LARGE) - 1, len(LARGE) + 1, 10**6])
def test_a_body_may_come_in_pieces_of_any_size_with_requests_behind_it(sides: Sides, size: int) -> None:
    before = sides[0].short_requests
    sent = LARGE + SMALL + LARGE + SMALL + LAST

    answers, lines = same(sides, *(sent[place : place + size] for place in range(0, len(sent), size)))

    assert answers.count(b"HTTP/1.1 200 ") == 5
    assert len(lines) == 2 * EVENTS + 2
    assert sides[0].short_requests > before


def test_what_follows_the_last_request_does_not_overtake_the_answers(sides: Sides) -> None:
    last = request(to_json(track()), headers={**ORDINARY, "Connection": "close"})

    with sending_the_rest(sides[0], SMALL[:-1]) as connection:
        connection.sendall(SMALL[-1:] + last + SMALL)
        answers = read_all(connection)

    assert (answers.count(b"HTTP/1.1 200 "), answers.count(b"HTTP/1.1 400 ")) == (2, 0)
    assert len(sides[0].take_lines()) == 2


def test_a_process_that_stops_reads_a_body_to_its_end_though_it_is_refused(overloaded: Sides) -> None:
    side = overloaded[0]

    with sending_the_rest(side, LARGE[:1000]) as connection:
        serving = side.connection
        side.shut_down(serving)
        side.run(serving._close_if_idle)
        connection.sendall(LARGE[1000:])
        until(lambda: not serving.receiving)
        side.run(serving._close_if_idle)
        answers = read_all(connection)

    assert answers.startswith(b"HTTP/1.1 503 ")


def test_nothing_is_stored_that_follows_an_answer_after_which_the_connection_is_closed(sides: Sides) -> None:
    side = sides[0]

    with sending_the_rest(side, request(b"{" * 1000)[:-1]) as connection:
        serving = side.connection
        side.shut_down(serving)
        connection.sendall(b"{" + SMALL)
        answers = read_all(connection)

    assert answers.startswith(b"HTTP/1.1 400 ")
    assert side.take_lines() == []


def test_in_an_overload_a_large_body_is_refused_before_it_is_read(overloaded: Sides) -> None:
    head = LARGE.index(b"\r\n\r\n") + 4

    assert ask(overloaded[0], LARGE[:head], LARGE[head:] + SMALL) == [
        b"HTTP/1.1 503 Service Unavailable",
        b"HTTP/1.1 200 OK",
    ]
    assert len(overloaded[0].take_lines()) == 1


def test_in_an_overload_both_roads_refuse_alike_and_read_on(overloaded: Sides) -> None:
    answers, lines = same(overloaded, LARGE, SMALL, LARGE + SMALL + LAST)

    assert (answers.count(b"HTTP/1.1 503 "), answers.count(b"HTTP/1.1 200 ")) == (2, 3)
    assert answers.count(b"retry-after: 1\r\n") == 2
    assert len(lines) == 2


def test_the_answer_to_the_last_request_of_a_connection_is_not_lost(overloaded: Sides) -> None:
    last = request(BATCH, "/v1/batch", {**ORDINARY, "Connection": "close"})

    answers, _ = same(overloaded, last)

    assert answers.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in answers


def test_in_an_overload_a_compressed_batch_is_refused_without_being_inflated(overloaded: Sides) -> None:
    compressed = {**ORDINARY, "Content-Encoding": "gzip"}
    last = {**compressed, "Connection": "close"}
    broken = b"\x1f\x8b" + bytes(2000)
    small = gzip.compress(to_json(track()))

    answers, lines = same(
        overloaded,
        request(broken, "/v1/batch", compressed) + request(small, headers=compressed) + LAST,
    )
    closed, _ = same(overloaded, request(broken, "/v1/batch", last))

    assert (answers.count(b"HTTP/1.1 503 "), answers.count(b"HTTP/1.1 200 ")) == (1, 2)
    assert len(lines) == 1
    assert closed.startswith(b"HTTP/1.1 503 ")


def test_a_compressed_batch_is_inflated_as_long_as_there_is_no_overload(sides: Sides) -> None:
    compressed = {**ORDINARY, "Content-Encoding": "gzip"}

    answers, lines = same(sides, request(gzip.compress(BATCH), "/v1/batch", compressed) + LAST)

    assert answers.count(b"HTTP/1.1 200 ") == 2
    assert len(lines) == EVENTS
