"""Names of gateways: required where only one of several can write to a sink, else refused."""

from pathlib import Path

import pytest

from tests.config.texts import mistakes, read, write

SHARED = {
    "journal": 'engine = "jetstream"\nservers = ["nats://127.0.0.1:4222"]',
    "state": 'url = "postgresql://127.0.0.1/gateway"',
}
ALONE = 'with the engine "embedded" there is only one gateway'


@pytest.mark.parametrize(
    "table",
    [
        pytest.param('kind = "json_lines"\npath = "events.jsonl"', id="json_lines"),
        pytest.param('kind = "stdout"', id="stdout"),
        pytest.param('kind = "duckdb"\npath = "events.duckdb"', id="duckdb"),
        pytest.param('kind = "parquet"\npath = "events"', id="parquet in a folder"),
        pytest.param('kind = "delta"\npath = "events"', id="delta in a folder"),
    ],
)
def test_a_sink_of_one_machine_needs_the_name_of_its_gateway(tmp_path: Path, table: str) -> None:
    without = write(tmp_path / "without.toml", **SHARED, sinks__archive=table)
    named = write(tmp_path / "named.toml", **SHARED, sinks__archive=f'{table}\nnode = "one"')

    [mistake] = mistakes(without)

    assert mistake.startswith("[sinks.archive] node: missing")
    assert read(named).sinks["archive"].node == "one"


def test_any_gateway_delivers_to_a_sink_that_is_no_file(tmp_path: Path) -> None:
    free = write(tmp_path / "free.toml", **SHARED, sinks__archive='kind = "null"')
    named = write(tmp_path / "named.toml", **SHARED, sinks__archive='kind = "null"\nnode = "one"')

    [mistake] = mistakes(named)

    assert read(free).sinks["archive"].node == ""
    assert mistake == "[sinks.archive] node: any gateway can deliver to this sink"


def test_a_gateway_alone_has_no_name(tmp_path: Path) -> None:
    file = write(
        tmp_path / "gateway.toml", server='node = "one"', sinks__archive='kind = "stdout"\nnode = "one"'
    )

    assert mistakes(file) == [f"[server] node: {ALONE}", f"[sinks.archive] node: {ALONE}"]


def test_a_gateway_has_the_name_of_its_host_unless_it_is_given_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.config.tables.gethostname", lambda: "host-7")
    sink = 'kind = "null"'

    unnamed = read(write(tmp_path / "unnamed.toml", **SHARED, sinks__archive=sink))
    named = read(write(tmp_path / "named.toml", **SHARED, sinks__archive=sink, server='node = "one"'))
    alone = read(write(tmp_path / "alone.toml"))

    assert (unnamed.node, named.node, alone.node) == ("host-7", "one", "")
