"""The files of sinks in gateway.toml: each sink has its own, by whatever spelling."""

from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "circle").symlink_to("circle")
    return tmp_path


def mistakes(folder: Path, *paths: str) -> list[str]:
    """What is said of a configuration with a sink for each path, without the name of its file."""
    file = folder / "gateway.toml"
    sinks = (f'[sinks.s{n}]\nkind = "json_lines"\npath = "{path}"\n' for n, path in enumerate(paths))
    file.write_text('[sources.website]\nwrite_keys = ["KEY"]\n' + "".join(sinks))
    try:
        load(file, None, {})
    except ConfigError as error:
        return [mistake.removeprefix(f"{file}: ") for mistake in error.mistakes]
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


@pytest.mark.parametrize("path", [".", "data", "link"])
def test_a_folder_is_no_file(folder: Path, path: str) -> None:
    assert mistakes(folder, path) == ["[sinks.s0] path: is a folder; expected a file"]


def test_links_that_lead_in_a_circle_are_for_the_sink_to_find(folder: Path) -> None:
    assert mistakes(folder, "circle/a.jsonl", "circle/b.jsonl") == []
