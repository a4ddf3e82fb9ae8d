"""What each source has sent, by name and code."""

from pathlib import Path

import pytest

from gateway.diagnostics.shapes import SOURCES
from gateway.diagnostics.store import Store
from gateway.inspector.census import Census
from gateway.inspector.queries.errors import NotFound
from gateway.inspector.queries.sources import source, sources
from gateway.sources import Source
from tests.build import event_line, event_lines, keep, open_log
from tests.inspector.keeping import RecordedDoor, inspect

SHOP = {"source": {"name": "shop", "dialect": "segment"}}


def count(folder: Path) -> None:
    """Count everything in the journal, as the inspector's process does."""
    census = Census(folder / "diagnostics", open_log(folder))
    while census.count():
        pass
    census.close()


def sent(folder: Path, name: str = "default") -> dict[tuple[str, str], int]:
    _, found = source(inspect(folder), name)
    return {(each.type, each.event): each.events for each in found}


def test_events_are_counted_by_source_and_name(tmp_path: Path) -> None:
    page = event_line(7, type="page", event=None).replace(b'"event":null,', b"")
    keep(tmp_path / "0", event_lines(0, 3), [page, event_line(4, **SHOP)])
    keep(tmp_path / "1", [event_line(5, event="Viewed")])

    count(tmp_path)

    assert sent(tmp_path) == {("track", "Ordered"): 3, ("page", ""): 1, ("track", "Viewed"): 1}
    assert sent(tmp_path, "shop") == {("track", "Ordered"): 1}
    assert [(row.name, row.events, row.names) for row in sources(inspect(tmp_path))] == [
        ("default", 5, 3),
        ("shop", 1, 1),
    ]


def test_what_is_no_event_keeps_no_other_from_being_counted(tmp_path: Path) -> None:
    keep(tmp_path / "0", [event_line(0), b"no event", b'{"type":7}', event_line(1, event="Viewed")])

    count(tmp_path)

    assert sent(tmp_path) == {("track", "Ordered"): 1, ("track", "Viewed"): 1}


def test_no_event_is_counted_twice(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    count(tmp_path)
    keep(tmp_path / "0", event_lines(3, 5))

    count(tmp_path)
    count(tmp_path)

    assert sent(tmp_path) == {("track", "Ordered"): 5}


def test_repairs_are_counted_by_code(tmp_path: Path) -> None:
    repaired = [{"code": "not_a_number", "field": "a", "detail": ""}]
    keep(tmp_path / "0", [event_line(0, warnings=repaired), event_line(1)])

    count(tmp_path)

    _, [found] = source(inspect(tmp_path), "default")
    assert found.warnings == {"not_a_number": 1}


def test_what_was_refused_is_counted_for_its_source(tmp_path: Path) -> None:
    door = RecordedDoor(tmp_path)
    door.post("/v1/track", {"userId": "u1"})
    door.post("/v1/track", {"userId": "u1"})
    door.post("/v1/track", {"userId": "u1"}, X_Write_Key="unknown")
    door.write()

    [row] = sources(inspect(tmp_path))

    assert row.refused == {"missing_event": 2}


def test_a_source_that_has_sent_nothing_is_there_too(tmp_path: Path) -> None:
    [row] = sources(inspect(tmp_path, Source("quiet", ("k",), enabled=False)))

    assert (row.name, row.configured, row.enabled, row.events, row.first_seen) == (
        *("quiet", True, False, 0),
        None,
    )


def test_events_that_are_not_counted_yet_are_said(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    [before] = sources(inspect(tmp_path))

    count(tmp_path)
    [after] = sources(inspect(tmp_path))

    assert before.counted_to == ""
    assert after.counted_to is None


def test_a_name_is_new_for_a_day_if_its_source_is_older(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 1), [event_line(1, event="Viewed")])
    count(tmp_path)
    _, fresh = source(inspect(tmp_path), "default")

    Store(tmp_path / "diagnostics", SOURCES).write(
        lambda database: database.execute("UPDATE names SET first_seen = 1 WHERE event = 'Ordered'"), 0
    )
    _, found = source(inspect(tmp_path), "default")

    assert [each.is_new for each in fresh] == [False, False]
    assert {each.event: each.is_new for each in found} == {"Ordered": False, "Viewed": True}


def test_names_beyond_the_most_that_are_told_apart_count_together(tmp_path: Path) -> None:
    keep(tmp_path / "0", [event_line(number, event=f"name {number}") for number in range(1500)])

    count(tmp_path)

    found = sent(tmp_path)
    assert len(found) == 1001
    assert found["", ""] == 500


def test_a_restored_journal_is_counted_from_its_beginning(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 5))
    count(tmp_path)
    for file in (tmp_path / "0").iterdir():
        file.unlink()
    keep(tmp_path / "0", event_lines(0, 2))

    count(tmp_path)

    assert sent(tmp_path)["track", "Ordered"] >= 5


def test_an_unknown_source_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        source(inspect(tmp_path), "nobody")
