"""The file state.db: created once, set aside if damaged, never written after it was removed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway import sqlite
from gateway.errors import ConfigError, StateLost, StateUnavailable
from gateway.journal.base import Position
from gateway.state.store import State
from gateway.state.tally import Tally

ID, OTHER = bytes(range(16)), bytes(16)
AT = Position(3, 1)
DELIVERED = ("delivered", "")
PAGE = 4096 + 24
"""A page in the write-ahead log with its header."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def keep(path: Path, journal: bytes = ID) -> None:
    """Create a state with some content."""
    State.prepare(path, journal)
    state = State.open(path, journal)
    state.record("sink", "0", AT, Tally({("delivered", ""): 3}))
    state.close()


def kept(path: Path, journal: bytes = ID) -> Position | None:
    """Open a state, and return its content."""
    state = State.open(path, journal)
    try:
        return state.position("sink", "0")
    finally:
        state.close()


def log_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("state.db.*"))


def test_preparing_keeps_an_existing_state(path: Path) -> None:
    keep(path)

    with capture_logs() as logs:
        State.prepare(path, ID)

    assert (kept(path), set_aside(path), logs) == (AT, [], [])


def test_the_state_can_be_prepared_while_others_use_it(path: Path) -> None:
    keep(path)
    state = State.open(path, ID)

    State.prepare(path, ID)
    state.record("sink", "0", Position(4), Tally())

    assert kept(path) == Position(4)
    state.close()


def test_the_state_of_another_journal_is_set_aside_and_recreated(path: Path) -> None:
    keep(path, OTHER)

    with capture_logs() as logs:
        State.prepare(path, ID)

    [aside] = set_aside(path)
    assert aside.name.startswith("state.db.other-")
    assert (kept(path), kept(aside, OTHER)) == (None, AT)
    assert [(line["log_level"], line["kept"]) for line in logs] == [("warning", str(aside))]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"no database at all" * 1000, id="another file"),
        pytest.param(lambda content: bytes(len(content)), id="zeros"),
        pytest.param(
            lambda content: content[:4096] + b"\xff" * (len(content) - 4096), id="all but the header"
        ),
        pytest.param(lambda content: content[:8192] + bytes(4096) + content[12288:], id="one page"),
        pytest.param(lambda content: content[:4096], id="cut"),
        pytest.param(lambda content: content[:100], id="cut in its header"),
    ],
)
def test_an_unreadable_state_is_set_aside_and_recreated(path: Path, damage: Callable[[bytes], bytes]) -> None:
    keep(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)

    with capture_logs() as logs:
        State.prepare(path, ID)

    [aside] = set_aside(path)
    assert aside.name.startswith("state.db.damaged-")
    assert (kept(path), aside.read_bytes()) == (None, damaged)
    assert [line["log_level"] for line in logs] == ["warning"]


def test_a_state_is_set_aside_with_its_write_ahead_log(path: Path, tmp_path: Path) -> None:
    State.prepare(path, OTHER)
    crashed = State.open(path, OTHER)
    crashed.record("sink", "0", AT, Tally())
    shutil.copytree(tmp_path, tmp_path / "copy")
    crashed.close()
    copy = tmp_path / "copy/state.db"

    State.prepare(copy, ID)

    aside = next(file for file in set_aside(copy) if not file.name.endswith(sqlite.LOGS))
    assert (kept(copy), kept(aside, OTHER)) == (None, AT)


def test_a_write_ahead_log_without_its_database_is_ignored(path: Path, tmp_path: Path) -> None:
    State.prepare(path, ID)
    crashed = State.open(path, ID)
    crashed.record("sink", "0", AT, Tally())
    path.unlink()

    State.prepare(path, ID)

    assert kept(path) is None
    crashed.close()


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param("UPDATE meta SET version = 3", id="a later version"),
        pytest.param("DROP TABLE meta", id="no version"),
        pytest.param("DELETE FROM meta", id="an empty version"),
    ],
)
def test_a_state_of_another_version_is_refused_and_not_changed(path: Path, schema: str) -> None:
    keep(path)
    connection = sqlite.open_for_writing(path)
    connection.execute(schema)
    connection.close()
    before = path.read_bytes()

    with pytest.raises(ConfigError) as error:
        State.prepare(path, ID)

    [line] = error.value.mistakes
    assert line.startswith(f"{path} has version ")
    assert "this gateway requires version 2: move it away" in line
    assert (path.read_bytes(), set_aside(path)) == (before, [])
    with pytest.raises(StateUnavailable, match="has version"):
        State.open(path, ID)


def test_a_state_that_cannot_be_created_is_a_config_error(path: Path, tmp_path: Path) -> None:
    path.mkdir()

    for wrong in (path, tmp_path / "none/state.db"):
        with pytest.raises(ConfigError, match=r"state\.db: "):
            State.prepare(wrong, ID)


def test_only_prepare_creates_or_sets_aside_a_state(path: Path) -> None:
    with pytest.raises(StateUnavailable):
        State.open(path, ID)
    keep(path, OTHER)

    with pytest.raises(StateUnavailable, match="another journal"):
        State.open(path, ID)

    assert (kept(path, OTHER), set_aside(path)) == (AT, [])


@pytest.mark.parametrize("how", ["removed", "replaced", "moved with its folder"])
def test_a_removed_state_is_not_written(path: Path, tmp_path: Path, how: str) -> None:
    keep(path)
    state = State.open(path, ID)
    if how == "removed":
        path.unlink()
    elif how == "replaced":
        keep(tmp_path / "new.db")
        (tmp_path / "new.db").rename(path)
    else:
        path = tmp_path.with_name(f"{tmp_path.name}-moved") / "state.db"
        tmp_path.rename(path.parent)

    with pytest.raises(StateLost):
        state.record("sink", "0", Position(9), Tally())
    with pytest.raises(StateLost):
        state.save_receipt("sink", b"receipt")
    with pytest.raises(StateLost):
        state.paused()

    assert state.position("sink", "0") == AT
    state.close()


def test_the_state_can_be_opened_again_after_it_was_replaced(path: Path) -> None:
    keep(path)
    state = State.open(path, ID)
    path.unlink()
    State.prepare(path, ID)
    new = State.open(path, ID)

    new.record("sink", "0", Position(9), Tally())
    with pytest.raises(StateLost):
        state.record("sink", "0", Position(10), Tally())
    state.close()

    assert new.position("sink", "0") == Position(9)
    new.close()
    assert kept(path) == Position(9)


def test_a_restored_state_is_used_without_the_logs_of_its_predecessor(path: Path, tmp_path: Path) -> None:
    keep(path)
    shutil.copy(path, tmp_path / "backup.db")
    one, other = State.open(path, ID), State.open(path, ID)
    one.record("sink", "0", Position(9), Tally())
    (tmp_path / "backup.db").rename(path)
    with pytest.raises(StateLost):
        one.paused()
    State.prepare(path, ID)
    new = State.open(path, ID)
    new.record("other", "0", Position(5), Tally())
    with pytest.raises(StateLost):
        other.paused()

    assert (new.position("sink", "0"), new.position("other", "0")) == (AT, Position(5))
    for each in (one, other, new):
        each.close()
    assert kept(path) == AT


def test_a_missing_state_that_was_expected_is_logged(path: Path) -> None:
    with capture_logs() as first:
        State.prepare(path, ID)
    path.unlink()

    with capture_logs() as logs:
        State.prepare(path, ID, expected=True)
        State.prepare(path, ID, expected=True)

    assert first == []
    assert [(line["log_level"], line["because"]) for line in logs] == [("warning", "missing")]


def test_a_recorded_batch_costs_two_small_pages(path: Path) -> None:
    State.prepare(path, ID)
    state = State.open(path, ID)
    sinks, partitions = [f"sink-{number}" for number in range(10)], "0123"
    tally = Tally({DELIVERED: 10**9, ("filtered", "type"): 10**9, ("filtered", "consent"): 10**9})
    for sink in sinks:
        for partition in partitions:
            state.record(sink, partition, Position(10**12, 1), tally, b"receipt " * 8)
    before, growth = log_size(path), []

    for sink in sinks:
        state.record(sink, "2", Position(10**12 + 1, 1), tally, b"another " * 8)
        growth.append(log_size(path) - before)
        before += growth[-1]

    state.close()
    assert max(growth) <= 2 * PAGE


def test_the_write_ahead_log_does_not_grow_without_bound(path: Path) -> None:
    State.prepare(path, ID)
    state = State.open(path, ID)

    for number in range(2000):
        state.record("sink", "0", Position(number), Tally({DELIVERED: 1}), b"receipt")

    size = log_size(path)
    state.close()
    assert size < 500 * PAGE
