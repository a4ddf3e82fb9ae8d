"""Paths in gateway.toml: a sink's file is a file and its own, a journal's folder is a folder."""

import os
import socket
from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one of everything that a path may lead to."""
    (tmp_path / "data").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
    return tmp_path


def mistakes(folder: Path, *paths: str, journal: str = "data/journal") -> list[str]:
    """The mistakes of a configuration with a sink for each path, without the name of its file."""
    file = folder / "gateway.toml"
    sinks = (f'[sinks.s{n}]\nkind = "json_lines"\npath = "{path}"\n' for n, path in enumerate(paths))
    file.write_text(
        f'[journal]\npath = "{journal}"\n[sources.website]\nwrite_keys = ["KEY"]\n' + "".join(sinks)
    )
    try:
        load(file, None, {})
    except ConfigError as error:
        return [
            mistake.removeprefix(f"{file}: ").replace(str(folder), "FOLDER") for mistake in error.mistakes
        ]
    return []


@pytest.mark.parametrize("other", ["link/a.jsonl", "other/../data/a.jsonl", "./data//a.jsonl"])
def test_two_spellings_of_a_path_are_one_file(folder: Path, other: str) -> None:
    assert mistakes(folder, "data/a.jsonl", other, "data/b.jsonl") == [
        "[sinks.s0] path: another sink has the same file",
        "[sinks.s1] path: another sink has the same file",
    ]


def test_a_link_to_a_file_is_that_file(folder: Path) -> None:
    (folder / "b.jsonl").symlink_to("data/a.jsonl")

    assert len(mistakes(folder, "data/a.jsonl", "b.jsonl")) == 2


@pytest.mark.parametrize(
    ("path", "mistake"),
    [
        (".", "is a folder; expected a file"),
        ("data", "is a folder; expected a file"),
        ("link", "is a folder; expected a file"),
        ("/dev/null", "is a device; expected a file"),
        ("/dev/tty", "is a device; expected a file"),
        ("/dev/stdout", 'is a device; expected a file (kind = "stdout" prints events)'),
        ("/dev/stderr", 'is a device; expected a file (kind = "stdout" prints events)'),
        ("/dev/fd/1", 'is a device; expected a file (kind = "stdout" prints events)'),
        ("/proc/self/fd/1", 'is a device; expected a file (kind = "stdout" prints events)'),
        ("pipe", "is a pipe; expected a file"),
        ("s", "is a socket; expected a file"),
        ("file/events.jsonl", "FOLDER/file is a file; expected a folder"),
        ("file/a/b.jsonl", "FOLDER/file is a file; expected a folder"),
    ],
)
def test_a_sink_writes_to_a_file_alone(folder: Path, path: str, mistake: str) -> None:
    assert mistakes(folder, path) == [f"[sinks.s0] path: {mistake}"]


@pytest.mark.parametrize(
    ("path", "mistake"),
    [
        ("file", "is a file; expected a folder"),
        ("pipe", "is a pipe; expected a folder"),
        ("/dev/null", "is a device; expected a folder"),
        ("file/journal", "FOLDER/file is a file; expected a folder"),
    ],
)
def test_a_journal_is_a_folder(folder: Path, path: str, mistake: str) -> None:
    assert mistakes(folder, "events.jsonl", journal=path) == [f"[journal] path: {mistake}"]


@pytest.mark.parametrize("journal", ["data", "link", "new", "new/below", "file.d"])
def test_a_folder_that_is_there_or_can_be_made_is_no_mistake(folder: Path, journal: str) -> None:
    assert mistakes(folder, "file", "data/new.jsonl", "new/er.jsonl", journal=journal) == []


def test_links_that_lead_in_a_circle_are_for_the_sink_to_find(folder: Path) -> None:
    assert mistakes(folder, "circle/a.jsonl", "circle/b.jsonl") == []
