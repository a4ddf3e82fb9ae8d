"""Each batch is in the table once, whatever is inserted again, and a row is the event."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.errors import SinkRefused, SinkUnavailable
from gateway.sinks.base import Origin
from gateway.sinks.clickhouse import ClickHouse
from tests.build import event_line
from tests.sinks.batches import batch, batch_of, deliver
from tests.sinks.clickhouse_example import InTable, ids, rows, sink_in
from tests.sinks.clickhouse_server import DATABASE, clickhouse_server
from tests.sinks.cutting_proxy import Moment, cutting_proxy


def example(folder: Path) -> ClickHouse:
    return sink_in(folder)


EXAMPLES = {"": InTable}


def one(folder: Path, line: bytes, **keys: Any) -> dict[str, Any]:
    """Return the row of an event."""
    sink = sink_in(folder, **keys)
    deliver(sink, batch_of([line], "0", 41))
    [row] = rows(sink)
    return row


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_same_batch_twice_is_inserted_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(3, 5), batch(0, 3))
    deliver(sink, batch(0, 3), batch(3, 5))

    assert ids(sink) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_batch_whose_rows_belong_to_several_months_is_inserted_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    lines = [event_line(n, receivedAt=f"2026-{n + 1:02}-01T00:00:00.000Z") for n in range(12)]

    deliver(sink, batch_of(lines), batch_of(lines))

    assert ids(sink) == [f"m{number}" for number in range(12)]


def test_a_large_batch_is_one_block(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, batch(0, 20_000), batch(0, 20_000))

    parts = f"SELECT rows, level FROM system.parts WHERE database = '{DATABASE}' AND table = '{sink.table}'"
    assert clickhouse_server().run(parts) == [{"rows": 20_000, "level": 0}]


def test_batches_with_the_same_range_and_other_content_are_all_inserted(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    origins: tuple[Origin, ...] = ("live", "retry", "replay")
    others = {"partition": "1"}, {"epoch": 7}, {"suffix": "a"}, {"sink": "other"}, {"end": 4}

    deliver(sink, *(msgspec.structs.replace(batch(0, 1), origin=origin) for origin in origins))
    deliver(sink, *(msgspec.structs.replace(batch(0, 1), **each) for each in others))

    assert len(ids(sink)) == 8


def test_a_batch_in_doubt_that_is_sent_again_after_a_crash_of_the_server_is_there_once(
    tmp_path: Path,
) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 3))

    clickhouse_server().stop()
    with pytest.raises(SinkUnavailable, match="Connection refused"):
        deliver(sink, batch(0, 3))
    clickhouse_server().start()
    deliver(sink, batch(0, 3), batch(3, 4))

    assert ids(sink) == ["m0", "m1", "m2", "m3"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connection_cut_during_an_insert_loses_and_doubles_nothing(tmp_path: Path, moment: Moment) -> None:
    example = InTable(tmp_path)

    cut = cutting_proxy(clickhouse_server().port, b"insert_deduplication_token", moment)
    with cut as port, pytest.raises(SinkUnavailable):
        deliver(example.impatient(port), batch(0, 2))
    written = len(example.arrived())
    deliver(example.sink, batch(0, 2), batch(2, 3))

    assert written == {"before": 0, "after": 2}[moment]
    assert example.arrived() == ["m0", "m1", "m2"]


def test_a_row_is_the_event(tmp_path: Path) -> None:
    row = one(
        tmp_path,
        event_line(0, name=None, sentAt="2026-11-26T01:00:00.002Z", event='é\u2028"\\'),
    )

    assert (row["id"], row["event"], row["name"], row["group_id"]) == ("m0", 'é\u2028"\\', None, None)
    assert (row["source"], row["dialect"], row["position"]) == ("default", "segment", "0/41")
    assert instant(row["sent_at"]) == datetime(2026, 11, 26, 1, 0, 0, 2000, UTC)
    assert instant(row["received_at"]) == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert abs((datetime.now(UTC) - instant(row["loaded_at"])).total_seconds()) < 600


def test_half_of_a_surrogate_pair_is_replaced_for_it_is_no_text(tmp_path: Path) -> None:
    line = event_line(0).replace(b'"properties":{}', rb'"properties":{"a":"\ud800"}')

    assert one(tmp_path, line)["properties"] == r'{"a":"\ufffd"}'


def test_a_time_that_the_table_cannot_hold_is_null_and_stays_in_more(tmp_path: Path) -> None:
    line = event_line(0, sentAt="0001-01-01T00:00:00.000Z", originalTimestamp="9999-12-31T23:59:59.999Z")

    row = one(tmp_path, line, columns={"at": "properties.at: timestamp"})

    assert (row["sent_at"], row["original_timestamp"], row["at"]) == (None, None, None)
    assert msgspec.json.decode(row["more"]) == {
        "sentAt": "0001-01-01T00:00:00Z",
        "originalTimestamp": "9999-12-31T23:59:59.999000Z",
    }


def test_promoted_columns_have_values_of_their_types(tmp_path: Path) -> None:
    values = {"text": "a", "integer": "7", "number": 1.5, "boolean": "yes", "timestamp": "2026-01-01"}
    columns = {f"c_{type}": f"properties.{type}: {type}" for type in (*values, "json")}

    row = one(tmp_path, event_line(0, properties={**values, "json": "a text"}), columns=columns)
    empty = one(tmp_path / "other", event_line(0, properties={"number": "none"}), columns=columns)

    assert [row[name] for name in columns] == ["a", 7, 1.5, True, "2026-01-01 00:00:00.000", '"a text"']
    assert {empty[name] for name in columns} == {None}


def test_a_row_that_breaks_a_constraint_is_named_with_the_words_of_the_server(tmp_path: Path) -> None:
    example = InTable(tmp_path)
    lines = [event_line(0), event_line(1), example.spoil(event_line(2))]

    with pytest.raises(SinkRefused) as refused:
        deliver(example.sink, batch_of(lines))

    assert [*refused.value.culprits] == [2]
    assert "VIOLATED_CONSTRAINT" in refused.value.culprits[2].answer
    assert refused.value.culprits[2].code == "constraint"
