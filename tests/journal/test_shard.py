"""A shard and its files: what is written is there, in order, whatever ends the writer."""

from pathlib import Path
from typing import Any

import pytest

from gateway.journal import files
from gateway.journal.reader import Reader
from gateway.journal.room import Room
from gateway.journal.shard import Shard
from tests.build import Read, event_line, event_lines, keep, open_shard, read_all
from tests.journal.breaking import crashed


def rows(file: files.File, query: str) -> list[Any]:
    connection = files.open_for_reading(file.path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_can_be_read_at_once(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")

    shard.write(event_lines(0, 3))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 3), 0, 3)


def test_a_commit_is_one_row_with_its_checksum(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 3), event_lines(3, 5))

    found = rows(file, "SELECT id, count, crc, lines FROM chunks")

    first, second = b"\n".join(event_lines(0, 3)), b"\n".join(event_lines(3, 5))
    assert found == [(0, 3, files.checksum(0, first), first), (3, 2, files.checksum(3, second), second)]


def test_sql_sees_one_row_an_event(tmp_path: Path) -> None:
    tricky = event_line(1, event='a\n"b", é', anonymousId="a1", userId="u2", source={"name": "shop"})
    file = keep(tmp_path / "0", [event_line(0), tricky], [event_line(2, type="page")])

    found = rows(
        file, "SELECT seq, type, event, message_id, user_id, anonymous_id, source FROM events ORDER BY seq"
    )

    assert found == [
        (0, "track", "Ordered", "m0", "u1", None, "default"),
        (1, "track", 'a\n"b", é', "m1", "u2", "a1", "shop"),
        (2, "page", "Ordered", "m2", "u1", None, "default"),
    ]


def test_a_commit_is_synced_before_it_returns(tmp_path: Path) -> None:
    connection = files.open_for_writing(keep(tmp_path / "0", event_lines(0, 1)).path)

    settings = [connection.pragma(name) for name in ("journal_mode", "synchronous", "wal_autocheckpoint")]
    connection.close()

    assert settings == ["wal", 2, 0]  # 2 is FULL


@pytest.mark.parametrize(
    ("limits", "finished"),
    [
        pytest.param({}, False, id="neither large nor old"),
        pytest.param({"seal_at": len(event_line())}, True, id="large"),
        pytest.param({"seal_after": -1.0}, True, id="old"),
    ],
)
def test_a_file_is_finished_when_it_is_large_or_old(
    tmp_path: Path, limits: dict[str, float], finished: bool
) -> None:
    shard = open_shard(tmp_path / "0", **limits)  # type: ignore[arg-type]  # each has its type

    shard.write([event_line(0)])
    shard.tidy()
    shard.write([event_line(1)])

    assert len(files.files(tmp_path / "0")) == (2 if finished else 1)
    assert read_all(tmp_path / "0").lines == event_lines(0, 2)


def test_a_file_is_named_after_its_first_event(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))

    keep(tmp_path / "0", event_lines(3, 4))

    found = [file.path.name for file in files.files(tmp_path / "0")]
    assert found == ["00000000000000000000.db", "00000000000000000003.db"]


def test_a_file_without_events_is_used_again(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write([])
    shard.finish()

    successor = open_shard(tmp_path / "0")
    successor.write(event_lines(0, 1))

    assert len(files.files(tmp_path / "0")) == 1
    assert read_all(tmp_path / "0") == Read(event_lines(0, 1), 0, 1)


def test_a_shard_that_has_lost_its_older_files_counts_on(tmp_path: Path) -> None:
    old = keep(tmp_path / "0", event_lines(0, 3))
    shard = open_shard(tmp_path / "0")
    shard.write([])
    old.delete()  # as trimming does, now that it has a successor
    shard.finish()

    successor = open_shard(tmp_path / "0")
    successor.write(event_lines(3, 4))

    assert read_all(tmp_path / "0", 3) == Read(event_lines(3, 4), 0, 4)
    assert Reader(tmp_path / "0").taken() == 4


def test_the_last_file_of_a_retired_shard_can_go(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))

    for _ in range(2):
        Shard(tmp_path / "0", Room(tmp_path, 2**40), 0, 0).retire()

    assert [file.first for file in files.files(tmp_path / "0")] == [0, 3]


def test_positions_go_on_after_a_clean_end(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))

    keep(tmp_path / "0", event_lines(3, 6))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 6), 0, 6)


def test_a_successor_finds_all_that_was_acknowledged_before_a_crash(tmp_path: Path) -> None:
    live = open_shard(tmp_path / "0")
    live.write(event_lines(0, 3))
    live.write(event_lines(3, 4))
    found = crashed(tmp_path / "0", tmp_path / "copy")

    successor = open_shard(found)
    successor.write(event_lines(4, 6))

    assert read_all(found) == Read(event_lines(0, 6), 0, 6)


def test_what_a_crash_left_in_the_log_is_moved_into_the_file(tmp_path: Path) -> None:
    live = open_shard(tmp_path / "0")
    live.write(event_lines(0, 3))
    found = crashed(tmp_path / "0", tmp_path / "copy")
    before = files.files(found)[0].log_size()

    open_shard(found)

    assert before > 0
    assert files.files(found)[0].log_size() == 0
    assert read_all(found).lines == event_lines(0, 3)


def test_after_a_crash_nothing_is_added_to_an_old_file(tmp_path: Path) -> None:
    live = open_shard(tmp_path / "0")
    live.write(event_lines(0, 3))
    found = crashed(tmp_path / "0", tmp_path / "copy")

    keep(found, event_lines(3, 4))

    assert [file.first for file in files.files(found)] == [0, 3]


def test_a_crash_of_a_file_without_events_costs_no_number(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    live = open_shard(tmp_path / "0")
    live.write([])
    found = crashed(tmp_path / "0", tmp_path / "copy")

    keep(found, event_lines(3, 4))

    assert read_all(found) == Read(event_lines(0, 4), 0, 4)


def test_many_crashes_in_a_row_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "0"
    live = []
    for number in range(5):
        live.append(open_shard(folder))
        live[-1].write([event_line(number)])
        folder = crashed(folder, tmp_path / f"copy-{number}")

    assert read_all(folder) == Read(event_lines(0, 5), 0, 5)


@pytest.mark.parametrize("content", [pytest.param(b"", id="empty"), pytest.param(b"\0" * 40000, id="zeros")])
def test_a_crash_while_a_file_is_made_loses_nothing(tmp_path: Path, content: bytes) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    (tmp_path / "0" / f"{3:020d}.db").write_bytes(content)

    keep(tmp_path / "0", event_lines(3, 5))

    read = read_all(tmp_path / "0")
    assert (read.lines, read.lost) == (event_lines(0, 5), 0)


def test_a_checkpoint_empties_what_is_unchecked(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 3))
    before = shard.unchecked

    shard.checkpoint()

    assert (before > 0, shard.unchecked) == (True, 0)
    assert read_all(tmp_path / "0").lines == event_lines(0, 3)


def test_an_idle_shard_has_nothing_to_tidy(tmp_path: Path) -> None:
    shard: Shard = open_shard(tmp_path / "0", seal_at=0, seal_after=-1.0)

    shard.tidy()
    shard.checkpoint()
    shard.finish()

    assert names(tmp_path / "0") == []
