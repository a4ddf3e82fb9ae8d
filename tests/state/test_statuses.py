"""How each sink fares, in the words of its target."""

from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import SinkUnavailable
from gateway.state.store import State

ID = bytes(range(16))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param("", "target answered 503", id="no answer"),
        pytest.param("be patient\n", "target answered 503: be patient", id="an answer that says more"),
        pytest.param("answered\n503", "target answered 503", id="an answer that the message repeats"),
    ],
)
def test_what_the_target_answers_is_said_once(tmp_path: Path, answer: str, said: str) -> None:
    State.prepare(tmp_path / "state.db", ID)
    with closing(State.open(tmp_path / "state.db", ID)) as state:
        status = state.statuses.failed(
            "sink", "retrying", SinkUnavailable("target answered 503", answer=answer)
        )

    assert status.message == said
