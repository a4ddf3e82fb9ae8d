"""How each sink fares, in the words of its target."""

import pytest

from gateway.errors import SinkUnavailable
from gateway.state.store import State


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param("", "target answered 503", id="no answer"),
        pytest.param("be patient\n", "target answered 503: be patient", id="an answer that says more"),
        pytest.param("answered\n503", "target answered 503", id="an answer that the message repeats"),
    ],
)
def test_what_the_target_answers_is_said_once(state: State, answer: str, said: str) -> None:
    failure = SinkUnavailable("target answered 503", answer=answer)

    status = state.statuses.failed("sink", "retrying", failure)

    assert (status.message, state.statuses.read("sink")) == (said, status)


def test_a_sink_is_held_until_it_is_released(state: State) -> None:
    held = state.statuses.failed("sink", "misconfigured", SinkUnavailable("full"), held=True)

    released = state.statuses.release("sink")

    assert (held.held, released.held, state.statuses.read("sink").held) == (True, False, False)


def test_what_other_processes_experience_does_not_release_a_sink(state: State) -> None:
    state.statuses.failed("sink", "misconfigured", SinkUnavailable("full"), held=True)

    state.statuses.failed("sink", "retrying", SinkUnavailable("down"))
    status = state.statuses.succeeded("sink")

    assert (status.state, status.held, state.statuses.read("sink").held) == ("up", True, True)
