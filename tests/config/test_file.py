"""gateway.toml: which file is read, and what its values mean."""

from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.errors import ConfigError
from gateway.sinks.json_lines import JsonLines
from gateway.sources import Source
from tests.config.texts import read, write


def test_a_small_configuration_is_enough(file: Path) -> None:
    config = read(write(file))

    assert config.sources == {"website": Source("website", ("KEY",))}
    assert config.sinks == {"archive": JsonLines(path=file.parent / "data/events.jsonl")}
    assert (config.server.host, config.server.port, config.inspector.port) == ("127.0.0.1", 8080, 8081)
    assert not config.built_in


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(file: Path) -> None:
    config = read(write(file, journal='path = "/elsewhere/journal"'))

    assert config.journal.path == Path("/elsewhere/journal")
    assert read(write(file)).journal.path == file.parent / "data/journal"


def test_a_path_may_begin_at_home(file: Path) -> None:
    assert read(write(file, journal='path = "~/journal"')).journal.path == Path.home() / "journal"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("24h", 86400), ("7d", 604800), ("1.5h", 5400)]
)
def test_durations_have_units(file: Path, text: str, seconds: float) -> None:
    assert read(write(file, journal=f'keep = "{text}"')).journal.keep == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("2097152B", 2**21), ("2048KB", 2**21), ("1.5GB", 3 * 2**29), ("1 TB", 2**40)]
)
def test_sizes_have_units(file: Path, text: str, size: int) -> None:
    assert read(write(file, journal=f'max_size = "{text}"')).journal.max_size == size


def test_where_the_data_lie_does_not_hide_a_mistake(file: Path, tmp_path: Path) -> None:
    file.write_text("journal = 3\n" + write(file).read_text())

    with pytest.raises(ConfigError, match=r"\[journal\]: expected a table"):
        load(file, tmp_path, {})


def test_the_file_may_be_named_by_the_environment(file: Path) -> None:
    config = load(None, None, {"GATEWAY_CONFIG": str(write(file))})

    assert list(config.sources) == ["website"]


def test_the_file_may_lie_where_we_are(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(file).parent)

    assert list(load(None, None, {}).sources) == ["website"]


def test_what_is_asked_for_comes_before_what_is_found(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(file, sources__here='write_keys = ["H"]').parent)
    named = write(tmp_path / "named.toml", sources__named='write_keys = ["N"]')
    given = write(tmp_path / "given.toml", sources__given='write_keys = ["G"]')
    environment = {"GATEWAY_CONFIG": str(named)}

    found = [load(given, None, environment), load(None, None, environment), load(None, None, {})]

    assert [list(config.sources)[1] for config in found] == ["given", "named", "here"]


def test_without_a_file_there_is_something_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = load(None, None, {})

    assert config.built_in
    assert config.sources["default"].write_keys == ("dev",)
    assert config.sinks == {"events": JsonLines(path=tmp_path / "data/events.jsonl")}
    assert config.journal.path == tmp_path / "data/journal"


def test_another_data_folder_takes_only_what_the_file_does_not_place(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"

    assert load(None, other, {}).sinks == {"events": JsonLines(path=other / "events.jsonl")}
    assert load(None, Path("other"), {}).journal.path == other / "journal"
    assert load(write(file), other, {}).journal.path == other / "journal"
    assert load(write(file), other, {}).sinks == {"archive": JsonLines(path=tmp_path / "data/events.jsonl")}
    placed = write(file, journal='path = "placed"')
    assert load(placed, other, {}).journal.path == tmp_path / "placed"
