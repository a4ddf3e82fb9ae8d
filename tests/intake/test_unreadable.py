"""What no parser can read is refused after the answers to the requests before it, and costs them nothing."""

import socket
from collections.abc import Iterator

import pytest

from tests.build import to_json, track
from tests.gateway import PATIENCE
from tests.intake.roads import Side, both
from tests.intake.test_short_road import LAST, ORDINARY, SOURCES, request

Sides = tuple[Side, Side]
SHORT = request(to_json(track()))
LONG = request(to_json(track()), "//v1/track")
CHUNKED = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UNREADABLE = {
    "a line that is no request": b"what is this\r\n\r\n",
    "a header without a name": b"POST /v1/track HTTP/1.1\r\n: x\r\n\r\n",
    "a chunk without a size": CHUNKED + b"no number\r\n",
    "two lengths": b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
}


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    with both(*SOURCES) as found:
        yield found


def statuses(answers: bytes) -> list[int]:
    return [int(answer[:3]) for answer in answers.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(
    "before",
    [[SHORT], [LONG], [SHORT, SHORT, SHORT], [SHORT, LONG, SHORT]],
    ids=["on the short road", "on the long one", "three", "on both"],
)
@pytest.mark.parametrize("behind", [b"", SHORT + LAST], ids=["at the end", "with more behind it"])
def test_it_is_refused_after_the_answers_to_what_came_before(
    sides: Sides, before: list[bytes], unreadable: bytes, behind: bytes
) -> None:
    for side in sides:
        answers = side.exchange([b"".join(before) + unreadable + behind])

        *first, last = statuses(answers)
        assert first == [200] * len(before)
        assert last == 400
        assert len(side.take_lines()) == len(before)


def test_a_hundred_requests_ahead_are_answered_and_the_rest_is_refused(sides: Sides) -> None:
    for side in sides:
        answers = side.exchange([SHORT * 200])

        *first, last = statuses(answers)
        assert set(first) == {200}
        assert last == 400
        assert len(side.take_lines()) == len(first)


def test_the_connection_ends_with_the_last_request_that_asks_for_it(sides: Sides) -> None:
    last = request(to_json(track()), headers={**ORDINARY, "Connection": "close"})

    for side in sides:
        assert statuses(side.exchange([last + b"what is this\r\n\r\n"])) == [200]
        assert len(side.take_lines()) == 1


def connected(side: Side) -> socket.socket:
    return socket.create_connection(("127.0.0.1", side.port), timeout=PATIENCE)


def test_an_answer_that_waits_for_the_journal_is_not_cut_off_by_the_deadline_of_a_body(sides: Sides) -> None:
    waits = request(to_json(track(event="never durable")))

    for side in sides:
        with connected(side) as connection:
            connection.sendall(waits + CHUNKED + b"no number\r\n")

            is_cut_off = side.cuts_off_after(31.0, lambda each: each._is_ending)

            side.run(side.connection.transport.abort)  # since it reads no more, and would stay
            assert not is_cut_off


def test_a_request_that_is_answered_before_its_body_is_not_answered_again(sides: Sides) -> None:
    for side in sides:
        with connected(side) as connection:
            connection.sendall(CHUNKED.replace(b"/v1/track", b"/nothing"))
            answer = connection.recv(65536)
            connection.sendall(b"no number\r\n")

            assert (statuses(answer), connection.recv(65536)) == ([404], b"")


def test_a_connection_stays_open_when_the_rest_of_an_answered_body_has_arrived(sides: Sides) -> None:
    for side in sides:
        with connected(side) as connection:
            connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            connection.recv(65536)
            connection.sendall(b"12345")

            assert not side.cuts_off_after(31.0, lambda each: not each.cycle.more_body)
