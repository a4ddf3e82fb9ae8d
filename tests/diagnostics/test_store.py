"""Databases of diagnostics: bounded, shared by processes, and begun anew whatever happens to them."""

from pathlib import Path
from threading import Thread

import apsw
import pytest
from structlog.testing import capture_logs

from gateway.diagnostics.store import Shape, Store, fetch
from tests.journey.faults import Ballast, small_disk

NOW = 1_800_000_000_000
SHAPE = Shape(
    "things.db",
    "CREATE TABLE things (id INTEGER PRIMARY KEY, expires_at INTEGER NOT NULL, body BLOB NOT NULL)",
    "things",
    1_000_000,
)


def write(store: Store, *bodies: bytes, now: int = NOW, expires_at: int = NOW + 1000) -> bool:
    """Store one row a body."""

    def insert(database: apsw.Connection) -> None:
        rows = [(expires_at, body) for body in bodies]
        database.executemany("INSERT INTO things (expires_at, body) VALUES (?, ?)", rows)

    return store.write(insert, now)


def stored(folder: Path) -> list[bytes]:
    return [row[0] for row in fetch(folder, SHAPE, "SELECT body FROM things ORDER BY id")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "diagnostics", SHAPE)


def test_what_was_written_is_read_by_others(store: Store, tmp_path: Path) -> None:
    assert write(store, b"one", b"two")

    assert stored(tmp_path / "diagnostics") == [b"one", b"two"]


def test_there_is_nothing_before_the_first_write(tmp_path: Path) -> None:
    assert stored(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it(store: Store, tmp_path: Path) -> None:
    write(store, b"one")

    assert (tmp_path / "diagnostics").stat().st_mode & 0o077 == 0
    assert (tmp_path / "diagnostics/things.db").stat().st_mode & 0o077 == 0


def test_the_oldest_rows_go_when_it_is_full(store: Store, tmp_path: Path) -> None:
    for number in range(200):
        write(store, *[b"%d" % number * 1000] * 10)

    found = stored(tmp_path / "diagnostics")
    files = (tmp_path / "diagnostics").iterdir()
    assert found[-1] == b"199" * 1000
    assert 100 < len(found) < 400
    assert sum(file.stat().st_size for file in files) < 8_000_000  # of which 4 MB are the write-ahead log


def test_a_row_goes_when_its_time_is_over(store: Store, tmp_path: Path) -> None:
    write(store, b"short", expires_at=NOW + 10)
    write(store, b"long", expires_at=NOW + 1000)
    write(store, now=NOW + 11)

    assert stored(tmp_path / "diagnostics") == [b"long"]


def test_an_error_leaves_nothing_of_its_transaction(store: Store, tmp_path: Path) -> None:
    def fail(database: apsw.Connection) -> None:
        database.execute("INSERT INTO things (expires_at, body) VALUES (9e18, x'00')")
        database.execute("INSERT INTO nowhere VALUES (1)")

    with capture_logs() as logs:
        assert not store.write(fail, NOW)

    assert write(store, b"next")
    assert stored(tmp_path / "diagnostics") == [b"next"]
    assert [line["event"] for line in logs] == ["diagnostics not written"]


@pytest.mark.parametrize("content", [b"no database" * 1000, b""], ids=["damaged", "empty"])
def test_a_damaged_database_is_begun_anew(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "diagnostics").mkdir()
    (tmp_path / "diagnostics/things.db").write_bytes(content)

    assert stored(tmp_path / "diagnostics") == []
    assert write(store, b"one")
    assert stored(tmp_path / "diagnostics") == [b"one"]


def test_a_page_that_is_damaged_later_is_noticed(store: Store, tmp_path: Path) -> None:
    write(store, *[b"x" * 3000] * 50)
    store.close()
    path = tmp_path / "diagnostics/things.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)

    write(store, b"one")
    write(store, b"two")

    assert stored(tmp_path / "diagnostics")[-1] == b"two"


def test_a_database_of_another_version_is_begun_anew(store: Store, tmp_path: Path) -> None:
    (tmp_path / "diagnostics").mkdir()
    other = apsw.Connection(str(tmp_path / "diagnostics/things.db"))
    other.execute("CREATE TABLE others (id); PRAGMA user_version = 99")
    other.close()

    write(store, b"one")

    assert stored(tmp_path / "diagnostics") == [b"one"]


def test_a_database_that_was_deleted_is_begun_anew(store: Store, tmp_path: Path) -> None:
    write(store, b"one")
    (tmp_path / "diagnostics/things.db").unlink()

    assert write(store, b"two")
    assert stored(tmp_path / "diagnostics") == [b"two"]


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "diagnostics").write_bytes(b"a file")
    store = Store(tmp_path / "diagnostics", SHAPE)

    with capture_logs() as logs:
        assert [write(store, b"one"), write(store, b"two")] == [False, False]

    assert len(logs) == 1


def test_what_is_left_of_a_nearly_full_disk_is_for_events(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "16M") as disk:
        store = Store(disk / "diagnostics", SHAPE)
        before = write(store, b"one")
        ballast = Ballast(disk, 14 * 1024**2)
        meanwhile = write(store, b"two")
        ballast.remove()
        after = write(store, b"three")

        assert (before, meanwhile, after) == (True, False, True)
        assert stored(disk / "diagnostics") == [b"one", b"three"]
        store.close()


def test_several_writers_begin_it_together(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "diagnostics", SHAPE) for _ in range(8)]
    threads = [Thread(target=write, args=(store, b"one")) for store in stores]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert stored(tmp_path / "diagnostics") == [b"one"] * 8


def test_trimming_ends_when_no_row_is_left(tmp_path: Path) -> None:
    store = Store(tmp_path, SHAPE._replace(max_bytes=1))

    assert write(store, b"one")

    assert stored(tmp_path) == []
