"""A head that a connection has sent before is not read again, and means the same all the same."""

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import to_json, track
from tests.gateway import PATIENCE, until
from tests.intake.roads import Side, both
from tests.intake.test_short_road import EVENT_BODIES, HEADERS, ORDINARY, PATHS, SOURCES, Sides, request

ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
EVENT = to_json(track(messageId="m"))


class Answer(NamedTuple):
    status: bytes
    headers: dict[bytes, bytes]
    body: bytes


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    with both(*SOURCES) as found:
        yield found


class Client:
    """A connection to a side, on which a request may be sent before the last is answered."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._answers = connection.makefile("rb")

    def ask(self, *pieces: bytes) -> Answer | None:
        """Send something, and return the next answer; None if the connection is closed instead."""
        try:
            self.send(*pieces)
            lines = []
            while line := self._answers.readline().rstrip():
                lines.append(ID.sub(b"(id)", line))
        except ConnectionError:
            return None
        if not lines:
            return None
        headers = dict(line.split(b": ", 1) for line in lines[1:])
        headers.pop(b"date", None)
        body = self._answers.read(int(headers.get(b"content-length", 0)))
        return Answer(lines[0], headers, ID.sub(b"(id)", body))

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._connection.sendall(piece)

    def close(self) -> None:
        self._answers.close()


@contextmanager
def connected(side: Side) -> Iterator[Client]:
    with (
        socket.create_connection(("127.0.0.1", side.port), timeout=PATIENCE) as connection,
        closing(Client(connection)) as client,
    ):
        yield client


def converse(side: Side, requests: Sequence[Sequence[bytes]]) -> tuple[list[Answer | None], list[bytes]]:
    """Return the answers to requests, each of which is sent once the last is answered, and what is stored."""
    answers: list[Answer | None] = []
    with connected(side) as client:
        for pieces in requests:
            answers.append(answer := client.ask(*pieces))
            if answer is None or answer.headers.get(b"connection") == b"close":
                break
    return answers, side.take_lines()


def same(sides: Sides, *requests: Sequence[bytes]) -> list[Answer | None]:
    """Return what both sides answer; both store the same."""
    short, long = (converse(side, requests) for side in sides)
    assert short == long
    return short[0]


def heads_read(side: Side, *requests: bytes) -> int:
    before = side.heads
    converse(side, [(each,) for each in requests])
    return side.heads - before


HEADS = st.tuples(
    st.sampled_from(PATHS),
    HEADERS.map(lambda given: {name: each for name, each in given.items() if name != "Expect"}),
    st.sampled_from([[]] * 6 + [["Cookie: c=d"], ["content-LENGTH: 3"], ["X: a\tb "]]),
)


@settings(max_examples=100)
@given(st.data())
def test_requests_that_share_heads_mean_the_same_on_both_roads(sides: Sides, data: st.DataObject) -> None:
    heads = data.draw(st.lists(HEADS, min_size=1, max_size=2))
    requests = []
    for _ in range(data.draw(st.integers(2, 5))):
        path, headers, more = data.draw(st.sampled_from(heads))
        sent = request(data.draw(EVENT_BODIES), path, {**ORDINARY, **headers}, more=more)
        cut = data.draw(st.integers(0, len(sent)) | st.just(0))
        requests.append((sent[:cut], sent[cut:]))

    same(sides, *requests)


def test_a_head_is_read_once_whatever_the_length_of_the_bodies(sides: Sides) -> None:
    sent = [request(to_json(track(properties={"x": "x" * length}))) for length in (1, 1, 300, 20, 9000)]

    assert heads_read(sides[0], *sent) == 1
    assert same(sides, *((each,) for each in sent)) == same(sides, *((each,) for each in sent[:1])) * 5


def test_another_head_is_read_and_does_not_make_the_first_unknown_unless_it_is_a_request_of_its_kind(
    sides: Sides,
) -> None:
    one, other = request(EVENT), request(EVENT, headers={**ORDINARY, "X-Write-Key": "shop"})
    asking = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    assert heads_read(sides[0], one, asking, one) == 2
    assert heads_read(sides[0], one, other, one) == 3
    same(sides, (one,), (other,), (asking,), (one,))


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: off\r\n", id="another key"),
        pytest.param(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev2\r\n", id="a longer key"),
        pytest.param(b"PUT /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev\r\n", id="another method"),
        pytest.param(b"POST /v1/track HTTP/1.0\r\nHost: x\r\nX-Write-Key: dev\r\n", id="another version"),
    ],
)
def test_a_head_that_differs_is_read(sides: Sides, head: bytes) -> None:
    sent = head + b"Content-Length: %d\r\n\r\n" % len(EVENT) + EVENT

    assert heads_read(sides[0], request(EVENT), sent) == 2
    same(sides, (request(EVENT),), (sent,), (request(EVENT),))


def test_what_stands_behind_the_length_of_the_body_is_read(sides: Sides) -> None:
    dev, off = (
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-Write-Key: %b\r\n\r\n%b"
        % (len(EVENT), key, EVENT)
        for key in (b"dev", b"off")
    )

    assert [heads_read(sides[0], dev, other) for other in (dev, off)] == [1, 2]
    same(sides, (dev,), (off,), (dev,))


@pytest.mark.parametrize(
    "begun", [b"P", b"POST /v1/track HTTP/1.1\r\nX-Part: ", b"\r\nPOST /v1/", b"\r\n", b"\r"]
)
def test_a_head_may_begin_in_the_same_piece_as_the_last_request_ends(sides: Sides, begun: bytes) -> None:
    other = request(EVENT, headers={**ORDINARY, "X-Write-Key": "shop"})

    same(sides, (request(EVENT),), (request(EVENT) + begun,), (request(EVENT),), (other,))
    same(sides, (request(EVENT),), (begun, request(EVENT)), (other,))


def test_a_head_is_not_taken_for_one_of_which_the_beginning_came_before(sides: Sides) -> None:
    without_key = request(EVENT, headers={"Host": "x"})
    begun = b"POST /v1/track?writeKey=shop HTTP/1.1\r\nX-Part: "

    answers = same(sides, (request(EVENT) + begun,), (without_key,), (without_key,))

    statuses = [answer and answer.status.split()[1] for answer in answers]
    assert statuses == [b"200", b"200", b"400"], "the third has no key"


def test_what_looks_like_a_request_may_be_a_part_of_a_head(sides: Sides) -> None:
    side = sides[0]
    with connected(side) as client:
        client.ask(request(EVENT))
        before = side.heads
        serving = side.connection
        client.send(b"POST /v1/track HTTP/1.1\r\nX-Part: ")
        until(lambda: serving._unused)
        answer = client.ask(request(EVENT))

    assert answer
    assert side.heads == before + 1
    side.take_lines()


@pytest.mark.parametrize(
    "length",
    [b"+%d", b"-%d", b"00000%d", b" %d", b"%d ", b"%d,%d", b"%d;", b"0x%d", b"", b"1" * 5000, b"\xd9\xa1"],
)
def test_a_length_that_is_written_otherwise_is_left_to_the_parser(sides: Sides, length: bytes) -> None:
    written = length.replace(b"%d", b"%d" % len(EVENT))
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: dev\r\nContent-Length: "

    assert heads_read(sides[0], request(EVENT)) == 1
    same(sides, (request(EVENT),), (head + written + b"\r\n\r\n" + EVENT,))


@pytest.mark.parametrize("more", [-1, 1, 2000])
def test_a_body_that_is_not_all_that_comes_at_once_is_read_in_turn(sides: Sides, more: int) -> None:
    sent = request(EVENT) + request(to_json(track(messageId="behind")))
    cut = len(request(EVENT)) + more

    answers = same(sides, (request(EVENT),), (sent[:cut], sent[cut:]), ())

    assert [answer and answer.status for answer in answers] == [b"HTTP/1.1 200 OK"] * 3


def test_no_request_is_taken_for_the_body_of_another(sides: Sides) -> None:
    inner = request(to_json(track(messageId="smuggled")))
    outer = request(to_json(track(properties={"x": inner.decode()})))

    for side in sides:
        _, lines = converse(side, [(inner,), (outer,), (inner, outer), ()])
        assert len(lines) == 4


def test_the_last_answer_of_a_connection_that_is_shut_down_says_so(sides: Sides) -> None:
    with connected(sides[0]) as client:
        first = client.ask(request(EVENT))
        serving = sides[0].connection
        sides[0].shut_down(serving)
        last = client.ask(request(EVENT))

    assert first
    assert last
    assert b"connection" not in first.headers
    assert last.headers[b"connection"] == b"close"
    sides[0].take_lines()


def test_a_head_of_a_route_that_a_reload_has_removed_takes_the_long_road(sides: Sides) -> None:
    side = sides[0]
    with connected(side) as client:
        client.ask(request(EVENT))
        before, side.router.short_roads = side.router.short_roads, {}
        answer = client.ask(request(EVENT))
        side.router.short_roads = before

    assert answer
    assert answer.status == b"HTTP/1.1 200 OK"
    assert len(side.take_lines()) == 2
