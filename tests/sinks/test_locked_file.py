"""The locked file of a sink."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.locked_file import LockedFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a/b/events.jsonl"


@pytest.fixture(params=[0o000, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_created_files_are_accessible_to_their_owner_alone_whatever_the_umask(
    path: Path, umask: None
) -> None:
    LockedFile(path).close()

    modes = [each.stat().st_mode & 0o777 for each in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_the_mode_of_an_existing_file_is_not_changed(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    path.chmod(0o640)

    LockedFile(path).close()

    assert path.stat().st_mode & 0o777 == 0o640


def test_a_dangling_link_is_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "elsewhere/file")

    LockedFile(path).close()

    assert (tmp_path / "elsewhere/file").is_file()


def test_another_process_cannot_open_a_locked_file(path: Path) -> None:
    program = f"""
from pathlib import Path
from gateway.sinks.locked_file import LockedFile

LockedFile(Path({str(path)!r}))
"""
    file = LockedFile(path)

    refused = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    file.close()
    taken = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert b"SinkUnavailable" in refused.stderr
    assert taken.returncode == 0


def test_a_closed_file_can_be_opened_again(path: Path) -> None:
    first = LockedFile(path)
    with pytest.raises(SinkUnavailable):
        LockedFile(path)
    first.close()

    LockedFile(path).close()


def test_data_is_appended_at_the_end(path: Path) -> None:
    file = LockedFile(path)
    file.append(b"one\n")
    file.append(memoryview(b"two\n"))
    file.sync()
    file.close()

    assert path.read_bytes() == b"one\ntwo\n"


def test_an_overwrite_keeps_its_offset(path: Path) -> None:
    file = LockedFile(path)
    file.append(b"one\ntwo\n")

    file.overwrite(0, b"one\n")
    with path.open("ab") as theirs:
        theirs.write(b"theirs\n")
    file.append(b"three\n")
    file.close()

    assert path.read_bytes() == b"one\ntwo\ntheirs\nthree\n"


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_a_partial_line_of_any_length_is_found(path: Path, size: int) -> None:
    file = LockedFile(path)
    file.append(b"one\n" + b"x" * size)

    half = file.partial_line()
    file.close()

    assert half == b"x" * size


def test_a_file_without_line_ends_is_a_partial_line(path: Path) -> None:
    file = LockedFile(path)
    file.append(b"x" * 100_000)

    half = file.partial_line()
    file.close()

    assert half == b"x" * 100_000


def test_a_renamed_or_replaced_file_is_not_in_place(path: Path) -> None:
    file = LockedFile(path)
    named = file.is_in_place()
    path.rename(path.with_name("moved"))
    nameless = file.is_in_place()
    path.touch()
    taken = file.is_in_place()
    file.close()

    assert (named, nameless, taken) == (True, False, False)


def test_only_a_file_without_a_name_is_deleted(path: Path) -> None:
    file = LockedFile(path)
    moved = path.rename(path.with_name("moved"))
    before = file.is_deleted()
    moved.unlink()
    after = file.is_deleted()
    file.close()

    assert (before, after) == (False, True)
