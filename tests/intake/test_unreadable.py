"""What no parser can read is refused after the answers to the requests before it, and costs them nothing."""

from collections.abc import Iterator

import pytest

from tests.build import to_json, track
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
