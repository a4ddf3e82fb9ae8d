"""SQLite databases: permissions, opening, checks and setting aside."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from gateway import sqlite


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the umask for the duration of the block."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def make(path: Path) -> apsw.Connection:
    """A database with a row that is mostly in the write-ahead log."""
    connection = sqlite.open_for_writing(path, create=True)
    connection.execute("CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('first')")
    return connection


def locks(path: Path) -> list[str]:
    """Return the locks of all processes on a file."""
    lines = Path("/proc/locks").read_text().splitlines()
    return [line.split(":", 1)[1] for line in lines if f":{path.stat().st_ino} " in line]


def words(path: Path) -> list[object]:
    with closing(sqlite.open_for_reading(path)) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777], ids=oct)
def test_a_new_file_and_its_logs_are_accessible_to_their_owner_alone(tmp_path: Path, mask: int) -> None:
    with umask(mask), closing(make(tmp_path / "a.db")):
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


def test_a_new_file_has_pages_of_4_kb_by_default(tmp_path: Path) -> None:
    with (
        closing(make(tmp_path / "a.db")) as usual,
        closing(sqlite.open_for_writing(tmp_path / "b.db", create=True, page_size=32768)) as large,
    ):
        assert (usual.pragma("page_size"), large.pragma("page_size")) == (4096, 32768)


def test_a_file_is_created_only_on_request(tmp_path: Path) -> None:
    for opening in (sqlite.open_for_writing, sqlite.open_for_reading):
        with pytest.raises(apsw.CantOpenError):
            opening(tmp_path / "none.db")

    assert list(tmp_path.iterdir()) == []


def test_opening_a_file_again_keeps_the_locks_of_the_first_connection(tmp_path: Path) -> None:
    with closing(make(tmp_path / "a.db")):
        before = locks(tmp_path / "a.db")

        sqlite.open_for_writing(tmp_path / "a.db", create=True).close()

        assert locks(tmp_path / "a.db") == before != []


@pytest.mark.parametrize("name", ["a b", "50%", "what?", "no#1", "100%25", "é", "mode=rw&x"])
def test_a_database_may_have_any_name(tmp_path: Path, name: str) -> None:
    make(tmp_path / name).close()

    assert words(tmp_path / name) == ["first"]


def test_a_reader_cannot_write_and_does_not_checkpoint(tmp_path: Path) -> None:
    with closing(make(tmp_path / "a.db")):
        size = (tmp_path / "a.db-wal").stat().st_size
        with (
            closing(sqlite.open_for_reading(tmp_path / "a.db")) as reading,
            pytest.raises(apsw.ReadOnlyError),
        ):
            reading.execute("DELETE FROM words")

        assert (tmp_path / "a.db-wal").stat().st_size == size > 0


@pytest.mark.parametrize("length", [sqlite.MAX_PATH_BYTES, sqlite.MAX_PATH_BYTES + 1])
def test_the_maximum_path_length_is_that_of_sqlite(tmp_path: Path, length: int) -> None:
    folder = tmp_path.resolve()
    while len(os.fsencode(folder)) < length - 150:
        folder /= "x" * 100
    folder.mkdir(parents=True)
    path = folder / ("y" * (length - len(os.fsencode(folder)) - 1))

    if length <= sqlite.MAX_PATH_BYTES:
        make(path).close()
        assert words(path) == ["first"]
    else:
        with pytest.raises(apsw.CantOpenError):
            make(path)


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    make(tmp_path / "a.db").close()
    content = (tmp_path / "a.db").read_bytes()
    (tmp_path / "a.db").write_bytes(content[:4096] + b"\xff" * 4096)

    with closing(sqlite.open_for_writing(tmp_path / "a.db")) as connection, pytest.raises(sqlite.DAMAGE):
        sqlite.check_pages(connection)


def test_a_database_is_set_aside_with_its_log(tmp_path: Path) -> None:
    with closing(make(tmp_path / "a.db")):
        first = sqlite.set_aside(tmp_path / "a.db", "other")
    make(tmp_path / "a.db").close()
    second = sqlite.set_aside(tmp_path / "a.db", "other")

    assert first.name.startswith("a.db.other-")
    assert words(first) == words(second) == ["first"]
    assert not (tmp_path / "a.db").exists()


def test_a_replacement_file_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    before = sqlite.identity(tmp_path / "a")

    (tmp_path / "b").rename(tmp_path / "a")

    assert sqlite.identity(tmp_path / "a") != before
    with pytest.raises(FileNotFoundError):
        sqlite.identity(tmp_path / "b")


def test_the_sqlite_that_is_installed_is_recent_enough() -> None:
    sqlite.check_sqlite()
