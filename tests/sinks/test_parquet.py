"""The parquet sink: content of its files, their names, and each batch once."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pyarrow import dataset, parquet

from gateway.config.file import load
from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.errors import SinkRefused
from gateway.sinks.base import Sink
from gateway.sinks.parquet import Parquet
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.parquet_example import InBucket, InFolder
from tests.sinks.parquet_files import files, ids, read, rows

DAY = "2026-11-26T03:08:58.618Z"


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return Parquet(path=folder / "lake")


EXAMPLES = {"folder": InFolder, "bucket": InBucket}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def expected(first: int, end: int) -> list[str]:
    return [msgspec.json.decode(line)["messageId"] for line in event_lines(first, end)]


def test_a_batch_is_a_file_in_the_folder_of_its_day(lake: Path) -> None:
    lines = [event_line(n, receivedAt=DAY) for n in range(3)]

    write(Parquet(path=lake), b"", batch_of(lines, "1", 7, epoch=255))

    name = "archive-1-00000000000000000007-00000000000000000010-00000000000000ff.parquet"
    assert list(files(lake)) == [f"date=2026-11-26/{name}"]


def test_a_row_is_the_event(lake: Path) -> None:
    line = event_line(
        0,
        userId="u1",
        event="Order",
        properties={},
        timestamp="2026-11-26T01:00:00.001Z",
        receivedAt=DAY,
    ).replace(b'"properties":{}', b'"properties":{"b":1.10,"a":1e2,"a":12345678901234567890123}')

    before = datetime.now(UTC)
    write(Parquet(path=lake), b"", batch_of([line], "0", 41))
    after = datetime.now(UTC)

    [row] = rows(files(lake))
    assert row["properties"] == '{"b":1.10,"a":1e2,"a":12345678901234567890123}'
    assert (row["event"], row["user_id"], row["group_id"], row["position"]) == ("Order", "u1", None, "0/41")
    assert row["timestamp"] == datetime(2026, 11, 26, 1, 0, 0, 1000, UTC)
    assert row["received_at"] == datetime(2026, 11, 26, 3, 8, 58, 618000, UTC)
    assert before.replace(microsecond=before.microsecond // 1000 * 1000) <= row["loaded_at"] <= after


def test_all_files_have_the_same_schema_whatever_is_in_them(lake: Path) -> None:
    sink = Parquet(path=lake, columns={"revenue": "properties.revenue: number", "raw": "properties.x: json"})
    full = event_line(0, name="n", properties={"revenue": "12.5", "x": {"a": 1}})
    bare = event_line(1, properties={})

    write(sink, b"", batch_of([full]), batch_of([bare], first=1))

    one, other = (parquet.read_schema(path) for path in sorted(lake.rglob("*.parquet")))
    assert one == other
    assert [(row["revenue"], row["raw"]) for row in rows(files(lake))] == [(12.5, '{"a":1}'), (None, None)]
    assert one.names[-3:] == ["loaded_at", "revenue", "raw"]


@pytest.mark.parametrize(
    ("description", "value", "found"),
    [
        pytest.param("integer", "12", 12, id="integer"),
        pytest.param("number", 1.5, 1.5, id="number"),
        pytest.param("boolean", True, True, id="boolean"),
        pytest.param("text", "a\x00é", "a\x00é", id="text"),
        pytest.param(
            "timestamp",
            "2026-11-26T01:00:00+01:00",
            datetime(2026, 11, 26, tzinfo=UTC),
            id="timestamp",
        ),
        pytest.param("json", [1, {}], "[1,{}]", id="json"),
        pytest.param("number", "twelve", None, id="not a number"),
        pytest.param("integer", 10**400, None, id="too large"),
    ],
)
def test_a_promoted_column_has_its_type(lake: Path, description: str, value: Any, found: Any) -> None:
    sink = Parquet(path=lake, columns={"x": f"properties.x: {description}"})

    write(sink, b"", batch_of([event_line(0, properties={"x": value})]))

    [row] = rows(files(lake))
    assert row["x"] == found


def test_a_batch_of_several_folders_gives_several_files(lake: Path) -> None:
    times = ["2026-11-25T23:59:59.999Z", "2026-11-26T00:00:00.000Z", "2026-11-25T23:00:00.000Z"]
    lines = [event_line(n, receivedAt=time) for n, time in enumerate(times)]

    write(Parquet(path=lake, partition="date={date}/hour={hour}"), b"", batch_of(lines))

    found = {name.rpartition("/")[0]: ids({name: content}) for name, content in files(lake).items()}
    all_ids = expected(0, 3)
    assert found == {
        "date=2026-11-25/hour=23": [all_ids[0], all_ids[2]],
        "date=2026-11-26/hour=00": [all_ids[1]],
    }


def test_readers_of_data_sets_find_all_columns_once(lake: Path) -> None:
    sink = Parquet(path=lake, partition="source={source}/type={type}/what={event}/date={date}")
    lines = [event_line(0, event="a/b"), event_line(1, event=None, type="page", receivedAt=DAY)]

    write(sink, b"", batch_of([line.replace(b'"event":null,', b"") for line in lines]))

    found = dataset.dataset(lake, partitioning="hive").to_table().sort_by("id").to_pylist()
    assert [(row["source"], row["type"], row["what"]) for row in found] == [
        ("default", "track", "a/b"),
        ("default", "page", None),
    ]
    assert len(parquet.read_table(lake)) == 2


@pytest.mark.parametrize("times", [1, 2], ids=["before it was recorded", "and again"])
def test_a_batch_that_comes_again_changes_nothing(lake: Path, times: int) -> None:
    sink = Parquet(path=lake)
    write(sink, b"", batch(0, 3))
    before = files(lake)

    for _ in range(times):
        write(sink, b"", batch(0, 3))

    assert files(lake) == before


def test_a_crash_between_two_files_of_a_batch_is_made_good(lake: Path) -> None:
    sink = Parquet(path=lake, partition="{event}")
    both = batch_of([event_line(0, event="a"), event_line(1, event="b")])
    write(sink, b"", both)
    before = files(lake)
    first, second = before
    (lake / second).unlink()

    write(sink, b"", both)

    assert files(lake).keys() == before.keys()
    assert files(lake)[first] == before[first]


def test_a_replay_is_a_file_that_says_so(lake: Path) -> None:
    write(Parquet(path=lake), b"", batch(0, 3), batch(0, 3, origin="replay", suffix="/replay-7"))

    names = [Path(name).name for name in files(lake)]
    assert [name.startswith("replay-archive-") for name in names] == [False, True]
    assert ids(files(lake)) == expected(0, 3) * 2


def test_events_of_another_stretch_of_history_are_not_mistaken_for_these(lake: Path) -> None:
    write(Parquet(path=lake), b"", batch(0, 3, epoch=1), batch(0, 3, epoch=2))

    assert len(files(lake)) == 2


def test_a_large_batch_is_one_file_in_order(lake: Path) -> None:
    lines = [event_line(n, receivedAt=DAY) for n in range(5001)]

    write(Parquet(path=lake), b"", batch_of(lines))

    [content] = files(lake).values()
    assert [row["position"] for row in read(content)] == [f"0/{n}" for n in range(5001)]


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param(b'{"a":"\\u0000","b":"\\ud83d\\ude00"}', id="NUL and a surrogate pair"),
        pytest.param(b'{"a":' + b"9" * 400 + b',"b":-1E+400}', id="numbers of 400 digits"),
        pytest.param(b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", id="deep nesting"),
        pytest.param(b'{"a":"' + b"x" * 600_000 + b'"}', id="a long text"),
        pytest.param('{"é\u2028":"\U0001f600","":null,"":1}'.encode(), id="names of all kinds"),
    ],
)
def test_the_nastiest_json_is_kept_verbatim(lake: Path, properties: bytes) -> None:
    sink = Parquet(path=lake, columns={"a": "properties.a: number", "t": "properties.b: text"})
    line = event_line(0, properties={}).replace(b'"properties":{}', b'"properties":' + properties)

    write(sink, b"", batch_of([line]))

    [row] = rows(files(lake))
    assert row["properties"].encode() == properties
    assert (row["a"], row["id"]) == (None, "m0")


def test_half_a_surrogate_pair_is_replaced(lake: Path) -> None:
    lines = [event_line(n, event="E") for n in range(3)]
    lines[1] = lines[1].replace(b'"E"', b'"a\\ud800b"')

    write(Parquet(path=lake), b"", batch_of(lines))

    assert [row["event"] for row in rows(files(lake))] == ["E", "a\ufffdb", "E"]


def test_a_line_that_is_no_event_is_refused_by_its_index(lake: Path) -> None:
    lines = [event_line(0), b'{"type":', event_line(2), b"[]"]

    with pytest.raises(SinkRefused) as raised:
        write(Parquet(path=lake), b"", batch_of(lines))

    assert sorted(raised.value.culprits) == [1, 3]
    assert {culprit.code for culprit in raised.value.culprits.values()} == {"invalid_event"}
    assert files(lake) == {}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        pytest.param({}, "path", id="neither path nor url"),
        pytest.param({"path": "lake", "url": "s3://bucket"}, "url", id="both path and url"),
        pytest.param({"path": "lake", "region": "eu-west-1"}, "region", id="a region of a folder"),
        pytest.param({"path": "/dev/null"}, "path", id="no folder"),
        pytest.param({"url": "ftp://bucket"}, "url", id="unknown store"),
        pytest.param({"path": "lake", "partition": "date={day}"}, "partition", id="unknown field"),
        pytest.param({"path": "lake", "columns": {"id": "properties.a: text"}}, "columns", id="own column"),
        pytest.param({"path": "lake", "columns": {"date": "properties.a: text"}}, "columns", id="own folder"),
        pytest.param({"path": "lake", "columns": {"x": "properties.a: blob"}}, "columns", id="unknown type"),
    ],
)
def test_a_mistake_names_its_key(table: dict[str, Any], key: str) -> None:
    sink = msgspec.convert(table, Parquet, dec_hook=lambda wanted, value: wanted(value))

    assert [found for found, _ in sink.check()] == [key]


def test_the_limits_of_a_file_are_those_of_a_batch(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        """
        [sources.website]
        write_keys = ["KEY"]
        [sinks.lake]
        kind = "parquet"
        url = "az://account/container/events"
        roll_events = 7
        roll_time = "2m"
        """
    )

    sink = load(file, None, {}).sinks["lake"]

    assert (sink.batch_events, sink.batch_time) == (7, Duration(120))
    assert sink.batch_bytes == 64 * 1024**2


def test_keys_are_not_shown() -> None:
    sink = Parquet(url="s3://bucket", access_key=Secret("AKIA"), secret_key=Secret("hush"))

    assert "AKIA" not in repr(sink)
    assert "hush" not in repr(sink)
