"""Health: nothing is well while the intake cannot store events."""

from pathlib import Path

import msgspec

from gateway.config.tables import Journal
from gateway.config.units import Size
from gateway.inspector.queries.health import health
from gateway.inspector.queries.inspection import Inspection
from tests.build import event_lines
from tests.delivery.work import open_state
from tests.inspector.inspecting import fill, inspection


def gateway(folder: Path, room: float = 9.0) -> Inspection:
    """Return a gateway with 1,000 events, whose journal may grow by `room` times its size."""
    fill(folder, event_lines(0, 1000))
    open_state(folder).close()
    found = inspection(folder)
    most = Size(found.journal.size() * (1 + room))
    config = msgspec.structs.replace(found.config(), journal=Journal(max_size=most))
    return msgspec.structs.replace(found, config=lambda: config)


def test_a_journal_with_room_is_well(tmp_path: Path) -> None:
    assert health(gateway(tmp_path)).problems == []


def test_a_journal_that_is_almost_full_is_a_problem(tmp_path: Path) -> None:
    found = health(gateway(tmp_path, room=0.05))

    assert found.status == "degraded"
    assert [each.subject for each in found.problems] == ["journal"]
    assert found.problems[0].message.startswith("almost full")


def test_an_intake_that_cannot_store_events_is_a_problem(tmp_path: Path) -> None:
    unready = msgspec.structs.replace(gateway(tmp_path), unready=lambda: "the disk is full")

    [problem] = health(unready).problems

    assert (problem.subject, problem.message) == ("intake", "events cannot be stored: the disk is full")
