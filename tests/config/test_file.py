"""gateway.toml: what is right is understood, and every mistake is one line with file, table and key."""

import re
from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.config.tables import Config
from gateway.errors import ConfigError
from gateway.sinks import KINDS
from gateway.sinks.json_lines import JsonLines
from gateway.sources import Source

VALID = {
    "sources.website": 'write_keys = ["KEY"]',
    "sinks.archive": 'kind = "json_lines"\npath = "data/events.jsonl"',
}


# Table, its text, where the mistake is said to be, and a part of what is said.
MISTAKES = [
    ("sever", "", "[sever]", "unknown table; did you mean server?"),
    ("zzz", "", "[zzz]", "unknown table"),
    ("server", "prot = 1", "[server] prot", "unknown key; did you mean port?"),
    ("server", "zzz = 1", "[server] zzz", "unknown key"),
    ("server", "port = 65536", "[server] port", "Expected `int` <= 65535"),
    ("server", "port = -1", "[server] port", "Expected `int` >= 0"),
    ("server", 'port = "8080"', "[server] port", "Expected `int`, got `str`"),
    ("server", "workers = 0", "[server] workers", "Expected `int` >= 1"),
    ("server", 'trusted_proxies = ["x"]', "[server] trusted_proxies", "'x' does not appear to be"),
    *(
        ("server", f'public_url = "{url}"', "[server] public_url", "expected a URL such as")
        for url in (
            "events.example.com",
            "ftp://events.example.com",
            "https://[bad",
            "https://user:secret@events.example.com",
            "https://events.example.com:port",
            "https://events.example.com/#a",
            "https://events.example.com/a b",
            "HTTPS://events.example.com",
            "https://",
        )
    ),
    ("server", 'analytics_js = "none.js"', "[server] analytics_js", "none.js: No such file or directory"),
    ("server", 'analytics_js = "gateway.toml"', "[server] analytics_js", "has no place for a key"),
    ("sources.website", 'write_keys = ["K"]\nidentity = {cookie = "a b"}', "[sources.website] identity", ""),
    (
        "sources.website",
        'write_keys = ["K"]\nidentity = {cokie = "a"}',
        "[sources.website] identity",
        "cokie",
    ),
    ("sources.website", 'write_keys = ["K"]\nidentity = {domain = "é"}', "[sources.website] identity", ""),
    ("server", "host = 1", "[server] host", "Expected `str`, got `int`"),
    ("inspector", 'host = "0.0.0.0"', "[inspector] token", "required"),
    ("inspector", 'host = "example.org"', "[inspector] token", "required"),
    ("delivery", "processes = -1", "[delivery] processes", "Expected `int` >= 0"),
    ("journal", 'keep = "7 days"', "[journal] keep", "expected a duration such as"),
    ("journal", "keep = 7", "[journal] keep", "expected a duration such as"),
    ("journal", 'keep = "-1d"', "[journal] keep", "expected a duration such as"),
    ("journal", 'keep = "20GB"', "[journal] keep", "expected a duration such as"),
    ("journal", 'max_size = "20gb"', "[journal] max_size", "expected a size such as"),
    ("journal", "max_size = 1000000000", "[journal] max_size", "expected a size such as"),
    ("journal", 'max_size = "1023KB"', "[journal] max_size", "must be at least 1MB"),
    ("journal", f'max_size = "{"9" * 400}GB"', "[journal] max_size", ""),
    ("journal", 'path = ""', "[journal] path", "expected a path"),
    ("journal", "path = 1", "[journal] path", "expected a path"),
    ("journal", 'path = "~nobody-of-this-name/x"', "[journal] path", ""),
    ("sources.website", "", "[sources.website] write_keys", "missing"),
    ("sources.website", "write_keys = []", "[sources.website] write_keys", "there must be at least one"),
    ("sources.website", 'write_keys = [""]', "[sources.website] write_keys", "none may be empty"),
    ("sources.website", 'write_keys = "K"', "[sources.website] write_keys", "Expected `array`"),
    ("sources.website", 'write_keys = ["K"]\nname = "x"', "[sources.website] name", "unknown key"),
    ("sources.website", 'write_keys = ["K"]\nmulti_status = "no"', "[sources.website] multi_status", ""),
    ("sources.website", 'write_keys = ["K"]\nmax_event = "0B"', "[sources.website] max_event", "nothing"),
    ("sources.website", 'write_keys = ["K"]\nmax_events = 0', "[sources.website] max_events", ""),
    ("sources.website", 'write_keys = ["K"]\nenabled = "yes"', "[sources.website] enabled", ""),
    ("sources.app", 'write_keys = ["KEY"]', "[sources.website] write_keys", "another source has the same"),
    ("sinks.archive", "", "[sinks.archive] kind", "expected one of"),
    ("sinks.archive", 'kind = "json_line"', "[sinks.archive] kind", "did you mean json_lines?"),
    ("sinks.archive", "kind = 1", "[sinks.archive] kind", "expected one of"),
    ("sinks.archive", 'kind = ["null"]', "[sinks.archive] kind", "expected one of"),
    ("sinks.archive", 'kind = "json_lines"', "[sinks.archive] path", "missing"),
    ("sinks.archive", 'kind = "null"\npath = "x"', "[sinks.archive] path", "unknown key"),
    ("sinks.archive", 'kind = "null"\nsource = ["x"]', "[sinks.archive] source", "did you mean sources?"),
    ("sinks.archive", 'kind = "null"\nsources = ["websit"]', "[sinks.archive] sources", "did you mean web"),
    ("sinks.archive", 'kind = "null"\ntypes = ["click"]', "[sinks.archive] types", "Invalid enum value"),
    ("sinks.again", VALID["sinks.archive"], "[sinks.archive] path", "another sink has the same file"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def write(file: Path, **tables: str) -> Path:
    """A valid configuration with the given tables besides or instead; "__" stands for a dot."""
    named = VALID | {name.replace("__", "."): text for name, text in tables.items()}
    file.write_text("".join(f"[{name}]\n{text}\n" for name, text in named.items()), "utf-8")
    return file


def read(file: Path, environment: dict[str, str] | None = None) -> Config:
    return load(file, None, environment or {})


def mistakes(file: Path, environment: dict[str, str] | None = None) -> list[str]:
    """What is said of a file, without its name, which every line begins with."""
    with pytest.raises(ConfigError) as caught:
        read(file, environment)
    found = caught.value.mistakes
    assert all(mistake.startswith(f"{file}: ") and "\n" not in mistake for mistake in found)
    return [mistake.removeprefix(f"{file}: ") for mistake in found]


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


def test_what_the_environment_says_is_put_in_anywhere_in_a_text(file: Path) -> None:
    write(
        file,
        sources__website='write_keys = ["${KEY}", "a${KEY}b", "$KEY"]\nmax_event = "${LIMIT}KB"',
        journal='path = "${ROOT}/journal"',
    )

    config = read(file, {"KEY": "k${X}", "LIMIT": "3", "ROOT": "/data"})

    assert config.sources["website"].write_keys == ("k${X}", "ak${X}b", "$KEY")
    assert config.sources["website"].max_event == 3 * 1024
    assert config.journal.path == Path("/data/journal")


def test_even_the_kind_of_a_sink_may_come_from_the_environment(file: Path) -> None:
    write(file, sinks__archive='kind = "${KIND}"')

    assert read(file, {"KIND": "null"}).sinks == {"archive": KINDS["null"]()}


def test_what_the_environment_lacks_is_a_mistake(file: Path) -> None:
    write(file, sources__website='write_keys = ["${KEY}"]')

    assert mistakes(file) == ["[sources.website] write_keys: ${KEY} is not set in the environment"]


@pytest.mark.parametrize(
    ("table", "text", "where", "what"),
    MISTAKES,
    ids=[f"{table} {text[-30:]}".replace("\n", " ") for table, text, _, _ in MISTAKES],
)
def test_a_mistake_names_table_and_key(file: Path, table: str, text: str, where: str, what: str) -> None:
    write(file, **{table.replace(".", "__"): text})

    first = mistakes(file)[0]

    assert first.startswith(f"{where}: ")
    assert what in first


@pytest.mark.parametrize("table", ["server", "sources", "sinks", "journal"])
def test_a_table_that_is_none_is_a_mistake(file: Path, table: str) -> None:
    rest = "".join(f"[{name}]\n{text}\n" for name, text in VALID.items() if not name.startswith(table))
    file.write_text(f"{table} = 3\n{rest}")

    [mistake] = mistakes(file)

    assert mistake.startswith(f"[{table}]: ")


def test_where_the_data_lie_does_not_hide_a_mistake(file: Path, tmp_path: Path) -> None:
    file.write_text("journal = 3\n" + write(file).read_text())

    with pytest.raises(ConfigError, match=r"\[journal\]: expected a table"):
        load(file, tmp_path, {})


def test_a_source_that_is_no_table_is_a_mistake(file: Path) -> None:
    file.write_text('[sources]\nwebsite = "KEY"\n[sinks]\narchive = "null"\n')

    assert mistakes(file) == [
        "[sources.website]: expected a table",
        f"[sinks.archive] kind: expected one of {', '.join(KINDS)}",
    ]


def test_nothing_at_all_lacks_a_source_and_a_sink(file: Path) -> None:
    file.write_text("")

    assert mistakes(file) == [
        "[sources]: there must be at least one table [sources.NAME]",
        "[sinks]: there must be at least one table [sinks.NAME]",
    ]


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    write(file, server="port = 70000\nhots = 1", journal='keep = "x"', sinks__archive='kind = "x"')

    found = mistakes(file)

    assert [re.match(r"\[\S+ \w+", each) is not None for each in found] == [True] * 4


def test_a_write_key_is_in_no_message(file: Path) -> None:
    write(file, sources__app='write_keys = ["KEY"]', sources__third='write_keys = "SECRET"')

    assert not [mistake for mistake in mistakes(file) if "SECRET" in mistake or "KEY" in mistake]


@pytest.mark.parametrize("text", [b"[server", b"port = 1\nport = 2", b"\xff\xfe[server]"])
def test_what_is_no_toml_is_one_line_too(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    assert len(mistakes(file)) == 1


def test_a_file_that_is_not_there_is_one_line_too(file: Path) -> None:
    assert mistakes(file) == ["No such file or directory"]


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
