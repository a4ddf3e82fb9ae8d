"""Storage in a folder: a file is there whole or not at all, and is never replaced."""

import fcntl
import os
import resource
from pathlib import Path

import anyio
import pytest

from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.storage.base import MARKER, probe
from gateway.sinks.storage.folder import Folder

NAME = "date=2026-11-26/events.parquet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a/lake"


def create(folder: Path, content: bytes) -> bool:
    return anyio.run(Folder(folder).create, NAME, content)


def test_a_file_is_created_with_its_folders(folder: Path) -> None:
    created = create(folder, b"content")

    assert created
    assert (folder / NAME).read_bytes() == b"content"
    assert [path.stat().st_mode & 0o777 for path in (folder, (folder / NAME))] == [0o700, 0o600]


def test_a_file_is_never_replaced(folder: Path) -> None:
    create(folder, b"first")

    created = create(folder, b"second")

    assert not created
    assert (folder / NAME).read_bytes() == b"first"


def test_nothing_else_is_left_in_the_folder(folder: Path) -> None:
    for content in (b"first", b"second"):
        create(folder, content)

    assert [path.name for path in (folder / NAME).parent.iterdir()] == ["events.parquet"]


def test_what_a_crash_left_is_no_obstacle(folder: Path) -> None:
    (folder / NAME).parent.mkdir(parents=True)
    (folder / NAME).with_name(".events.parquet.tmp").write_bytes(b"half of something longer")

    create(folder, b"content")

    assert (folder / NAME).read_bytes() == b"content"


def test_a_full_disk_makes_it_unavailable_and_leaves_nothing(folder: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(SinkUnavailable, match=r"events\.parquet: File too large"):
            create(folder, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list((folder / NAME).parent.iterdir()) == []


def test_another_process_that_writes_the_file_makes_it_unavailable(folder: Path) -> None:
    (folder / NAME).parent.mkdir(parents=True)
    other = os.open((folder / NAME).with_name(".events.parquet.tmp"), os.O_CREAT | os.O_WRONLY)
    fcntl.flock(other, fcntl.LOCK_EX)

    with pytest.raises(SinkUnavailable, match="another process writes this file"):
        create(folder, b"content")
    os.close(other)

    assert create(folder, b"content")


def test_a_file_in_place_of_the_folder_needs_an_operator(folder: Path) -> None:
    folder.parent.mkdir()
    folder.touch()

    with pytest.raises(SinkMisconfigured, match="Not a directory"):
        create(folder, b"content")


def test_the_probe_finds_that_a_folder_replaces_nothing(folder: Path) -> None:
    for _ in range(2):
        anyio.run(probe, Folder(folder))

    assert [path.name for path in folder.iterdir()] == [MARKER]
