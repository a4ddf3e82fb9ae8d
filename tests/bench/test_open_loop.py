"""The generator of the open loop: what it sends arrives, and what it says is so."""

from pathlib import Path

from tests.bench import events, open_loop
from tests.gateway import Gateway
from tests.journey import needs


def test_every_request_arrives_and_no_two_events_have_the_same_id(tmp_path: Path) -> None:
    needs.program(open_loop.COMPILER)
    program = open_loop.build(tmp_path)
    with Gateway(tmp_path) as running:
        found = open_loop.run(program, running.port, "/v1/batch", events.batch(3), rate=200, seconds=0.5)
        ids = {event["messageId"] for event in running.delivered(300)}

    assert (found.due, found.accepted, found.refused) == (100, 100, 0)
    assert len(ids) == 300


def test_answers_other_than_200_are_counted(tmp_path: Path) -> None:
    needs.program(open_loop.COMPILER)
    program = open_loop.build(tmp_path)
    with Gateway(tmp_path) as running:
        found = open_loop.run(program, running.port, "/v1/track", b"{}", rate=200, seconds=0.5)

    assert (found.accepted, found.refused, found.failed) == (0, 100, 100)
    assert (found.p99, found.refused_p99 > 0) == (0, True)
