"""state.db: how far each sink is, in step with its notes and with what was counted."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from gateway.journal.positions import Positions, Tally, beside
from tests.journal.breaking import PAGE

DELIVERED = ("delivered", "")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def positions(state: Path) -> Iterator[Positions]:
    opened = Positions.open(state)
    yield opened
    opened.close()


def reopened(state: Path) -> Positions:
    return Positions.open(state)


def test_a_new_sink_begins_with_the_oldest_event_that_is_kept(positions: Positions) -> None:
    assert positions.start("sink", "0", 7) == 7

    assert positions.positions() == {("sink", "0"): 7}
    assert positions.tallies() == {"sink": {("skipped", ""): 7}}


def test_a_sink_goes_on_where_it_was(positions: Positions) -> None:
    positions.record("sink", "0", 5, Tally({DELIVERED: 5}))

    assert positions.start("sink", "0", 7) == 5

    assert positions.tallies() == {"sink": {DELIVERED: 5}}


def test_each_sink_has_its_own_position_in_each_shard(positions: Positions) -> None:
    positions.record("a", "0", 1, Tally())
    positions.record("a", "1", 2, Tally())
    positions.record("b", "0", 3, Tally())

    assert positions.positions() == {("a", "0"): 1, ("a", "1"): 2, ("b", "0"): 3}


def test_what_was_counted_adds_up(positions: Positions) -> None:
    positions.record("sink", "0", 3, Tally({DELIVERED: 2, ("filtered", "type"): 1}))
    positions.record("sink", "1", 4, Tally({DELIVERED: 4, ("filtered", "source"): 0}))

    assert positions.tallies() == {"sink": {DELIVERED: 6, ("filtered", "type"): 1}}


def test_notes_are_kept_until_there_are_new_ones(positions: Positions) -> None:
    assert positions.notes("sink") == b""

    positions.record("sink", "0", 1, Tally(), b"first")
    positions.record("sink", "0", 2, Tally())

    assert (positions.notes("sink"), positions.notes("other")) == (b"first", b"")


def test_notes_are_bytes_of_any_kind(positions: Positions) -> None:
    positions.record("sink", "0", 1, Tally(), bytes(range(256)))

    assert positions.notes("sink") == bytes(range(256))


def test_everything_is_there_after_a_restart(state: Path, positions: Positions) -> None:
    positions.record("sink", "0", 3, Tally({DELIVERED: 3}), b"notes")
    positions.close()

    found = reopened(state)

    assert found.positions() == {("sink", "0"): 3}
    assert (found.notes("sink"), found.tallies()) == (b"notes", {"sink": {DELIVERED: 3}})
    found.close()


def test_of_a_record_that_fails_nothing_has_happened(positions: Positions) -> None:
    positions.record("sink", "0", 3, Tally({DELIVERED: 3}), b"before")

    with pytest.raises(OverflowError):
        positions.record("sink", "0", 9, Tally({DELIVERED: 6, ("dead", ""): 2**70}), b"after")

    assert positions.positions() == {("sink", "0"): 3}
    assert (positions.notes("sink"), positions.tallies()) == (b"before", {"sink": {DELIVERED: 3}})


def test_another_process_may_look_while_one_records(state: Path, positions: Positions) -> None:
    looking = Positions.look(state)
    positions.record("sink", "0", 3, Tally({DELIVERED: 3}))

    assert looking.positions() == {("sink", "0"): 3}

    with pytest.raises(apsw.ReadOnlyError):
        looking.record("sink", "0", 4, Tally())
    looking.close()


def test_to_look_before_there_is_anything_is_an_error(state: Path) -> None:
    with pytest.raises(apsw.Error):
        Positions.look(state)

    assert not state.exists()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"no database at all" * 1000, id="something else"),
        pytest.param(lambda content: bytes(len(content)), id="zeros"),
        pytest.param(lambda content: content[:PAGE] + b"\xff" * (len(content) - PAGE), id="all but the head"),
        pytest.param(lambda content: content[:PAGE], id="cut"),
    ],
)
def test_state_that_cannot_be_read_is_kept_aside_and_begun_anew(state: Path, damage: object) -> None:
    assert callable(damage)
    written = reopened(state)
    written.record("sink", "0", 3, Tally({DELIVERED: 3}))
    written.close()
    damaged = damage(state.read_bytes())
    state.write_bytes(damaged)

    found = reopened(state)

    [aside] = [path for path in state.parent.iterdir() if ".damaged-" in path.name]
    assert aside.read_bytes() == damaged
    assert found.start("sink", "0", 0) == 0
    assert found.positions() == {("sink", "0"): 0}
    found.close()


def test_it_lies_beside_the_journal() -> None:
    assert beside(Path("/data/journal")) == Path("/data/state.db")
