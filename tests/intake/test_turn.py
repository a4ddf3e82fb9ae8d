"""How long requests wait for each other before some are refused."""

import pytest

from gateway.errors import Overloaded
from gateway.intake.turn import Turn

LARGE, SMALL = 100_000, 1_000


class Loop:
    """An event loop whose turns end when a test says so, with a clock that it moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.due: list[object] = []
        self.turn = Turn(self.due.append, lambda: self.now)

    def end_turn(self) -> None:
        [end] = self.due
        self.due.clear()
        assert callable(end)
        end()


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_large_bodies_are_refused_once_a_turn_has_lasted_too_long(loop: Loop) -> None:
    loop.turn.check(LARGE)
    loop.now += 0.1
    loop.turn.check(LARGE)
    loop.now += 0.1

    with pytest.raises(Overloaded):
        loop.turn.check(LARGE)


def test_small_ones_are_not(loop: Loop) -> None:
    loop.turn.check(LARGE)
    loop.now += 1

    loop.turn.check(SMALL)


def test_the_next_turn_begins_anew(loop: Loop) -> None:
    loop.turn.check(LARGE)
    loop.now += 1
    loop.end_turn()

    loop.turn.check(LARGE)
    loop.turn.check(LARGE)


def test_a_pause_between_two_requests_is_no_load(loop: Loop) -> None:
    loop.turn.check(LARGE)
    loop.end_turn()
    loop.now += 60

    loop.turn.check(LARGE)
