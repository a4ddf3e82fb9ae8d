"""How long a connection may stay in each state; the time is given, and nobody waits for it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from gateway.intake.protocol import Protocol
from tests.build import to_json, track
from tests.gateway import PATIENCE, until
from tests.intake.roads import Side, both

BODY = to_json(track())
WHOLE = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
NEVER = WHOLE.replace(b'"Ordered"', b'"never durable"').replace(
    b"Length: %d" % len(BODY), b"Length: %d" % (len(BODY) + 6)
)


@pytest.fixture(scope="module", params=["short road", "long road"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    with both() as sides:
        for each in sides:  # so that unread answers soon fill them
            each.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        short, long = sides
        yield short if request.param == "short road" else long


@pytest.fixture
def client(side: Side) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", side.port), timeout=PATIENCE) as connection:
        yield connection
    side.exchange([WHOLE.replace(b"Host", b"Connection: close\r\nHost")])


def connected(connection: Protocol) -> bool:
    return connection.transport is not None


def begun(connection: Protocol) -> bool:
    """Whether a head has begun that is not the first."""
    return connection.cycle is not None and connection.headers is not connection._heads


def answered(connection: Protocol) -> bool:
    return connection.cycle is not None and connection.cycle.response_complete


def receiving(connection: Protocol) -> bool:
    return connection.cycle is not None and connection.cycle.more_body


def answering(connection: Protocol) -> bool:
    return connection.cycle is not None and not connection.cycle.more_body and not answered(connection)


@pytest.mark.parametrize(
    ("sent", "state", "limit"),
    [
        pytest.param(b"", connected, 10, id="nothing"),
        pytest.param(b"P", lambda each: each._unused == 1, 10, id="a byte of the first head"),
        pytest.param(WHOLE[:50], lambda each: each._unused == 50, 10, id="half the first head"),
        pytest.param(WHOLE + WHOLE[:50], begun, 10, id="half the second head"),
        pytest.param(WHOLE[:-10], receiving, 30, id="a body without its end"),
        pytest.param(WHOLE, answered, 75, id="nothing after an answer"),
    ],
)
def test_a_connection_is_cut_off_at_its_deadline_and_not_before(
    side: Side, client: socket.socket, sent: bytes, state: Callable[[Protocol], bool], limit: int
) -> None:
    client.sendall(sent)

    before = side.cuts_off_after(limit - 0.5, state)
    after = side.cuts_off_after(limit + 0.5, state)

    assert (before, after) == (False, True)


def test_an_answer_takes_as_long_as_the_disk_does(side: Side, client: socket.socket) -> None:
    client.sendall(NEVER)

    assert not side.cuts_off_after(100_000, answering)


def test_a_client_that_reads_no_answers_is_cut_off(side: Side) -> None:
    waiting = bytearray()

    def sends_until_the_answers_pile_up(connection: Protocol) -> bool:
        piled_up = connection.flow.write_paused and answering(connection)
        if not piled_up:
            waiting.extend(b"" if waiting else WHOLE * 10)
            with suppress(BlockingIOError):
                del waiting[: unread.send(waiting)]  # the rest of a request comes before the next one
        return piled_up

    with socket.socket() as unread:
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.connect(("127.0.0.1", side.port))
        unread.setblocking(False)
        before = side.cuts_off_after(29.5, sends_until_the_answers_pile_up)
        after = side.cuts_off_after(30.5, answering)

    assert (before, after) == (False, True)


@pytest.mark.parametrize(
    ("sent", "arrived", "rest", "answers"),
    [
        pytest.param(b"", connected, WHOLE, 1, id="nothing so far"),
        pytest.param(WHOLE[:50], lambda each: each._unused == 50, WHOLE[50:], 1, id="half a head"),
        pytest.param(WHOLE[:-10], receiving, WHOLE[-10:], 1, id="half a body"),
        pytest.param(WHOLE, answered, WHOLE, 2, id="a whole request"),
    ],
)
def test_a_connection_gets_one_more_answer_when_the_process_stops(
    side: Side,
    client: socket.socket,
    sent: bytes,
    arrived: Callable[[Protocol], bool],
    rest: bytes,
    answers: int,
) -> None:
    client.sendall(sent)
    connection = side.connection
    until(lambda: arrived(connection))

    side.shut_down(connection)
    client.sendall(rest)
    received = b"".join(iter(lambda: client.recv(65536), b""))

    assert received.count(b"HTTP/1.1 200 ") == answers
    assert received.count(b"connection: close\r\n") == 1


def test_an_idle_connection_ends_when_the_process_stops(side: Side, client: socket.socket) -> None:
    connection = side.connection

    side.shut_down(connection)

    assert client.recv(1) == b""
