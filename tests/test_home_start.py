"""Checks of the folder at start, and permissions."""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway import sqlite
from gateway.home import Home
from tests.homes import make_database, no_space, refused, start, unprivileged_user
from tests.journey import needs


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


def modes(folder: Path) -> dict[str, int]:
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in paths}


@pytest.mark.parametrize("mask", [0o000, 0o777], ids=oct)
def test_created_files_belong_to_their_user_alone_whatever_the_umask(home: Home, mask: int) -> None:
    before = os.umask(mask)
    try:
        start(home.folder)
    finally:
        os.umask(before)

    assert modes(home.folder) == {".": 0o700, "LOCK": 0o600, "identity.json": 0o600}


def test_permissions_of_own_files_are_restricted_and_others_are_not_changed(home: Home) -> None:
    start(home.folder)
    for folder in (home.partition(0), home.quarantine):
        folder.mkdir(mode=0o755)
        (folder / "file").touch(0o644)
    for file in home.databases:
        make_database(file)
        file.chmod(0o666)
    (home.folder / "state.db.damaged-1").touch(0o644)
    (home.folder / "events.jsonl").touch(0o644)
    (home.quarantine / "link").symlink_to(home.folder / "events.jsonl")
    home.folder.chmod(0o755)
    home.identity.chmod(0o644)

    start(home.folder)

    found = modes(home.folder)
    assert (found.pop("events.jsonl"), found.pop("quarantine/link")) == (0o644, 0o777)
    assert {found.pop(folder) for folder in (".", "0", "quarantine")} == {0o700}
    assert set(found.values()) == {0o600}


def test_files_of_another_user_are_not_changed_and_logged_once() -> None:
    needs.root()
    with unprivileged_user() as folder:
        start(folder)
        (folder / "0").mkdir()
        (folder / "0/file").touch(0o644)
        (folder / "0/file2").touch(0o644)
        os.seteuid(0)
        os.chown(folder / "0/file", 0, 0)
        os.chown(folder / "0/file2", 0, 0)
        os.seteuid(65534)

        with capture_logs() as logs:
            start(folder)

        assert modes(folder)["0/file"] == 0o644
    assert [(line["log_level"], line["files"]) for line in logs] == [("warning", 2)]


@pytest.mark.parametrize("name", ["state.db", "people.db", "products.db"])
def test_a_folder_in_place_of_a_database_is_refused_at_start(home: Home, name: str) -> None:
    (home.folder / name).mkdir(parents=True)

    assert refused(home.folder).startswith(f"{home}/{name}: ")


def test_a_database_of_another_user_is_refused_at_start() -> None:
    with unprivileged_user() as folder:
        start(folder)
        make_database(folder / "state.db")
        (folder / "state.db").chmod(0o400)

        told = refused(folder)

    assert told == f"{folder}/state.db: this user cannot write to it"


def test_a_folder_of_another_user_is_refused_at_start() -> None:
    with unprivileged_user() as folder:
        start(folder)
        folder.chmod(0o500)

        told = refused(folder)

        folder.chmod(0o700)
    assert told == f"{folder}/probe.new: Permission denied"


def test_a_file_in_place_of_the_folder_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert refused(tmp_path / "file/journal") == f"{tmp_path}/file/journal: Not a directory"
    assert refused(tmp_path / "file") == f"{tmp_path}/file/LOCK: Not a directory"


def test_a_full_disk_is_refused_at_start(home: Home) -> None:
    start(home.folder)

    with no_space():
        told = refused(home.folder)

    assert told == f"{home}: File too large"
    assert not list(home.folder.glob("probe*"))


def test_a_path_too_long_for_sqlite_is_refused_at_start(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["x" * 100] * 5)

    assert refused(folder).endswith(" bytes too long for SQLite")
    assert list(tmp_path.iterdir()) == []


def test_a_path_of_the_maximum_length_works(tmp_path: Path) -> None:
    least = len(os.fsencode(Path(os.path.realpath(tmp_path)) / "diagnostics/deliveries.db")) + 1
    folder = tmp_path.joinpath("x" * 200, "y" * (sqlite.MAX_PATH_BYTES - least - 201))

    start(folder)
    make_database(folder / "products.db")
    start(folder)

    assert refused(folder.with_name(f"{folder.name}y")).endswith("is 1 bytes too long for SQLite")


def test_a_path_that_is_not_utf8_is_refused_at_start(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")

    assert refused(folder) == rf"{tmp_path}/\xff is not valid UTF-8, which SQLite requires"


def test_a_damaged_database_does_not_prevent_the_start(home: Home) -> None:
    home.folder.mkdir()
    (home.folder / "state.db").write_bytes(b"no database" * 1000)

    start(home.folder)

    assert (home.folder / "state.db").read_bytes() == b"no database" * 1000


def test_a_database_being_written_does_not_prevent_the_start(home: Home) -> None:
    start(home.folder)
    make_database(home.folder / "people.db")
    with closing(sqlite.open_for_writing(home.folder / "people.db")) as other:
        other.execute("BEGIN IMMEDIATE")

        start(home.folder)
