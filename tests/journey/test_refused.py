"""
A folder that the gateway cannot use: exit code 2 and one line with the path.

Everything that it creates is accessible to its user alone.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway import sqlite
from tests.gateway import DEFAULTS, Gateway
from tests.journey import needs
from tests.journey.books import await_arrival, refused, send
from tests.journey.faults import Ballast, small_disk

JOURNAL = "data/journal"

EARLIER = (
    "[journal] path: {} holds the journal of an earlier version, 0/1.db:"
    " move the folder away, or choose another path"
)
LATER_JOURNAL = (
    "[journal] path: {} has format 2, written by a later version of the gateway; this version reads format 1:"
    " move the folder away, or choose another path"
)
LATER_FOLDER = (
    "[journal] path: {} has format 2; this version reads format 1:"
    " move the folder away, or choose another path"
)
LATER_STATE = (
    "{}/state.db has version 3; this gateway requires version 2:"
    " move it away, and sinks start with the oldest retained event"
)
NO_DATABASE = "[journal] path: {}/%s.db: unable to open database file"
SOMEBODY = 65534


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gateway that has run."""
    folder = tmp_path_factory.mktemp("used")
    with Gateway(folder) as running:
        await_arrival(running, send(running, "before", 10))
        assert running.stop() == 0
    return folder


@pytest.fixture
def journal(used: Path, tmp_path: Path) -> Path:
    """A copy of the folder's journal."""
    shutil.copytree(used / "data", tmp_path / "data")
    return tmp_path / JOURNAL


@pytest.fixture
def restricted() -> tuple[str, ...]:
    """The command prefix that drops the privileges of root, so that permissions apply."""
    if os.geteuid() != 0:
        return ()
    return (needs.program("setpriv"), "--inh-caps=-all", "--bounding-set=-all")


def state_is_a_folder(journal: Path) -> None:
    (journal / "state.db").unlink()
    (journal / "state.db").mkdir()


def people_are_a_folder(journal: Path) -> None:
    (journal / "people.db").mkdir()


def lock_is_a_folder(journal: Path) -> None:
    (journal / "LOCK").unlink()
    (journal / "LOCK").mkdir()


def earlier_journal(journal: Path) -> None:
    (journal / "0/1.db").touch()


def later_journal(journal: Path) -> None:
    file = max((journal / "0").glob("*.log"))
    file.write_bytes(struct.pack("<6sH", b"GWLOG\n", 2) + bytes(4096))


def later_folder(journal: Path) -> None:
    (journal / "identity.json").write_bytes(b'{"format": 2}')


def later_state(journal: Path) -> None:
    with closing(sqlite.open_for_writing(journal / "state.db")) as state:
        state.execute("UPDATE meta SET version = 3")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(state_is_a_folder, NO_DATABASE % "state", id="state is a folder"),
        pytest.param(people_are_a_folder, NO_DATABASE % "people", id="people are a folder"),
        pytest.param(lock_is_a_folder, "[journal] path: {}/LOCK: Is a directory", id="lock is a folder"),
        pytest.param(earlier_journal, EARLIER, id="earlier journal"),
        pytest.param(later_journal, LATER_JOURNAL, id="later journal"),
        pytest.param(later_folder, LATER_FOLDER, id="later folder"),
        pytest.param(later_state, LATER_STATE, id="later state"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_in_one_line(
    journal: Path, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(journal)
    before = contents(journal)

    lines = refused(tmp_path, DEFAULTS)

    assert lines == [told.format(journal)]
    assert contents(journal) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [
        pytest.param("data/journal", 0o700, "data/journal/LOCK: Permission denied", id="folder"),
        pytest.param("data", 0o700, "data/journal: Permission denied", id="parent"),
        pytest.param("data/journal/0", 0o700, "data/journal/0: Permission denied", id="partition"),
        pytest.param("data/journal/state.db", 0o600, "data/journal/state.db: ", id="state"),
    ],
)
def test_files_of_another_user_are_refused_in_one_line(
    journal: Path, tmp_path: Path, restricted: tuple[str, ...], path: str, mode: int, told: str
) -> None:
    needs.root()
    (tmp_path / path).chmod(mode)
    os.chown(tmp_path / path, SOMEBODY, SOMEBODY)

    [line] = refused(tmp_path, DEFAULTS, *restricted)

    assert line.startswith(f"[journal] path: {tmp_path}/{told}")


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(
    journal: Path, tmp_path: Path, restricted: tuple[str, ...]
) -> None:
    journal.chmod(0o500)

    [line] = refused(tmp_path, DEFAULTS, *restricted)

    assert line == f"[journal] path: {journal}/probe.new: Permission denied"


def test_a_read_only_or_full_disk_is_refused_in_one_line(tmp_path: Path) -> None:
    config = DEFAULTS + '[journal]\npath = "disk/journal"\n'

    with small_disk(tmp_path / "disk", "1M") as disk:
        Ballast(disk).fill()
        full = refused(tmp_path, config)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        read_only = refused(tmp_path, config)

    assert full == [f"[journal] path: {disk}/journal: No space left on device"]
    assert read_only == [f"[journal] path: {disk}/journal/LOCK: Read-only file system"]


def test_an_impossible_path_is_refused_in_one_line(tmp_path: Path) -> None:
    longest = tmp_path / "/".join(["x" * 100] * 5)
    foreign = tmp_path / os.fsdecode(b"\xff")
    foreign.mkdir()

    [too_long] = refused(tmp_path, f'{DEFAULTS}[journal]\npath = "{longest}"\n')
    [not_utf8] = refused(foreign, DEFAULTS)
    [nul] = refused(tmp_path, f'{DEFAULTS}[journal]\npath = "a\\u0000b"\n')

    assert too_long.startswith(f"[journal] path: {longest} is ")
    assert too_long.endswith(" bytes too long for SQLite")
    assert (
        not_utf8 == rf"[journal] path: {tmp_path}/\xff/data/journal is not valid UTF-8, which SQLite requires"
    )
    assert nul.endswith(r"[journal] path: expected a path, got 'a\x00b'")
    assert not longest.exists()


def test_created_files_are_accessible_to_no_other_user_whatever_the_umask(
    gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    config = DEFAULTS.replace(
        "[sources.default]", '[sources.default]\nsite_id = "29"\napi_tokens = ["secret"]'
    )
    running = gateway(config, prefix=("sh", "-c", 'umask 0; exec "$@"', "sh"))

    await_arrival(running, send(running, "event", 10))
    running.request("PUT", "/engage/user/?site=29&user_id=7&token=secret", '{"person": {"email": "a@b.c"}}')
    open_to_others = subprocess.run(
        # Nobody reaches the files that RocksDB creates in a folder of mode 0700.
        ["find", tmp_path / "data", "-path", "*/duplicates/*", "-prune", "-o", "-perm", "/077", "-print"],
        capture_output=True,
        check=True,
        text=True,
    )

    made = {path.name for path in (tmp_path / JOURNAL).iterdir()}
    assert open_to_others.stdout == ""
    assert made >= {"LOCK", "identity.json", "state.db", "people.db", "products.db", "0"}
