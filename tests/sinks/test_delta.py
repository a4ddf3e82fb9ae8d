"""The delta sink: rows of its table, each once, and what becomes of other tables."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pytest
from deltalake import DeltaTable, Schema

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.delta import Delta
from gateway.sinks.lake.location import locate
from tests.build import event_line
from tests.deploy.programs import certificate
from tests.sinks import chaos, seaweed
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.delta_example import InBucket, InFolder, rows
from tests.sinks.lake_example import in_bucket
from tests.sinks.seaweed import Server

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return Delta(path=folder / "table")


EXAMPLES = {"folder": InFolder, "bucket": InBucket}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table"


def ids(sink: Delta) -> list[str]:
    return [row["id"] for row in rows(sink)]


def test_a_row_is_the_event(table: Path) -> None:
    line = event_line(0, name="é").replace(b'"properties":{}', b'"properties":{"b":1.10,"a":1e2}')

    write(Delta(path=table), b"", batch_of([line], "0", 41))

    [row] = rows(Delta(path=table))
    assert (row["id"], row["name"], row["position"], row["group_id"]) == ("m0", "é", "0/41", None)
    assert (row["timestamp"], row["properties"]) == (NOON, '{"b":1.10,"a":1e2}')


def test_a_batch_is_a_file_of_a_commit(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 3), batch(3, 5))

    assert DeltaTable(table).version() == 2
    assert len(list(table.glob("*.parquet"))) == 2


@pytest.mark.parametrize(
    ("again", "found"),
    [
        pytest.param(batch(0, 4), 4, id="the same"),
        pytest.param(batch(0, 2), 4, id="shorter"),
        pytest.param(batch(0, 6), 6, id="longer"),
        pytest.param(batch(2, 6), 6, id="overlapping"),
    ],
)
def test_what_a_crash_has_left_unrecorded_is_not_written_again(table: Path, again: Batch, found: int) -> None:
    write(Delta(path=table), b"", batch(0, 4))

    write(Delta(path=table), b"", again)

    assert ids(Delta(path=table)) == [f"m{number}" for number in range(found)]


def test_positions_count_in_their_partition_and_epoch_alone(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 4, epoch=1))

    write(Delta(path=table), b"", batch(0, 2, "1", epoch=1), batch(0, 2, epoch=2))

    assert len(ids(Delta(path=table))) == 8


def test_two_processes_that_write_at_once_write_each_event_once(table: Path) -> None:
    async def attempt(connection: Connection, each: Batch) -> None:
        try:
            await connection.write(each)
        except SinkUnavailable as error:
            assert "Concurrent transaction" in str(error)  # noqa: PT017  # only one of them may be refused

    async def race() -> None:
        sink = Delta(path=table)
        async with sink.connect("archive", b"") as one, sink.connect("archive", b"") as other:
            for first in range(0, 20, 4):
                async with anyio.create_task_group() as both:
                    for connection in (one, other):
                        both.start_soon(attempt, connection, batch(first, first + 4))

    anyio.run(race)

    assert ids(Delta(path=table)) == [f"m{number}" for number in range(20)]


def test_each_job_that_sends_events_again_writes_each_once(table: Path) -> None:
    def replayed(job: int) -> Batch:
        return batch(0, 2, origin="replay", suffix=f"~replay-{job}")

    write(Delta(path=table), b"", batch(0, 2))
    for job in (1, 1, 2):
        write(Delta(path=table), b"", replayed(job))

    assert ids(Delta(path=table)) == ["m0"] * 3 + ["m1"] * 3


def test_culprits_are_named_and_what_was_written_is_said_to_be_delivered(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 2))
    lines = [event_line(0), event_line(1), event_line(2), b'{"not":"an event"}', event_line(4)]

    with pytest.raises(SinkRefused) as refused:
        write(Delta(path=table), b"", batch_of(lines))

    assert list(refused.value.culprits) == [3]
    assert list(refused.value.delivered) == [0, 1]
    assert ids(Delta(path=table)) == ["m0", "m1"]


def test_halves_of_surrogate_pairs_are_replaced(table: Path) -> None:
    line = event_line(0).replace(b'"Ordered"', rb'"a\ud800b"')

    write(Delta(path=table), b"", batch_of([line]))

    assert rows(Delta(path=table))[0]["event"] == "a\ufffdb"


def test_a_promoted_column_is_added_to_a_table_that_has_rows(table: Path) -> None:
    line = event_line(1, properties={"revenue": 12.5})

    write(Delta(path=table), b"", batch(0, 1))
    write(
        Delta(path=table, columns={"revenue": "properties.revenue: number"}), b"", batch_of([line], first=1)
    )
    write(Delta(path=table), b"", batch(2, 3))

    found = rows(Delta(path=table))
    assert [(row["id"], row["revenue"]) for row in found] == [("m0", None), ("m1", 12.5), ("m2", None)]


def test_a_column_of_another_type_has_to_be_mended(table: Path) -> None:
    DeltaTable.create(table, Schema.from_arrow(pa.schema([pa.field("id", pa.int64())])))

    with pytest.raises(SinkMisconfigured, match="the column id has the type"):
        write(Delta(path=table), b"", batch(0, 1))


def test_a_table_of_its_own_partitions_is_filled(table: Path) -> None:
    columns = [pa.field("id", pa.string()), pa.field("source", pa.string()), pa.field("note", pa.string())]
    DeltaTable.create(table, Schema.from_arrow(pa.schema(columns)), partition_by=["source"])

    write(Delta(path=table), b"", batch(0, 2))

    assert [(row["id"], row["source"], row["note"]) for row in rows(Delta(path=table))] == [
        ("m0", "default", None),
        ("m1", "default", None),
    ]
    assert len(list(table.glob("source=default/*.parquet"))) == 1


def test_a_table_that_was_compacted_keeps_its_position(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 2), batch(2, 4))

    DeltaTable(table).optimize.compact()
    write(Delta(path=table), b"", batch(0, 6))

    assert ids(Delta(path=table)) == [f"m{number}" for number in range(6)]


def test_a_position_that_only_a_checkpoint_has_is_found(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 4), batch(4, 5, "1"))
    DeltaTable(table).create_checkpoint()
    for version in (0, 1):  # what a cleaning removes
        (table / f"_delta_log/{version:020}.json").unlink()

    write(Delta(path=table), b"", batch(0, 4))

    assert ids(Delta(path=table)) == [f"m{number}" for number in range(5)]


def test_a_table_in_a_bucket_is_read_as_one_in_a_folder(s3: Server) -> None:
    sink = in_bucket(Delta, s3, "delta")

    write(sink, b"", batch(0, 3))
    write(sink, b"", batch(0, 5))

    assert ids(sink) == [f"m{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"secret_key": Secret("wrong-secret")}, "SignatureDoesNotMatch", id="wrong key"),
        pytest.param(
            {"access_key": Secret(seaweed.READ_ONLY), "secret_key": Secret(seaweed.READ_ONLY_SECRET)},
            "AccessDenied",
            id="read only",
        ),
        pytest.param({"url": "s3://nothing/delta"}, "NoSuchBucket", id="no bucket"),
    ],
)
def test_what_an_operator_must_mend_is_said_without_secrets(
    s3: Server, fields: dict[str, Any], message: str
) -> None:
    sink = in_bucket(Delta, s3, "denied", **fields)

    with pytest.raises(SinkMisconfigured) as raised:
        write(sink, b"", batch(0, 1))

    assert message in raised.value.answer
    assert "\x1b" not in raised.value.answer
    assert "\n" not in str(raised.value)
    assert sink.secret_key
    assert sink.secret_key.reveal() not in f"{raised.value} {raised.value.answer}"


def test_a_certificate_that_nobody_knows_has_to_be_mended(s3: Server, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path, "localhost"))

    with chaos.Target(tls=context) as target, pytest.raises(SinkMisconfigured, match="certificate"):
        write(in_bucket(Delta, s3, "tls", endpoint=target.url), b"", batch(0, 1))


def test_a_store_that_does_not_answer_is_tried_later(s3: Server) -> None:
    with pytest.raises(SinkUnavailable, match="Connection refused"):
        write(in_bucket(Delta, s3, "gone", endpoint="http://127.0.0.1:1"), b"", batch(0, 1))


def test_a_folder_that_is_a_file_has_to_be_mended(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SinkMisconfigured, match="Not a directory"):
        write(Delta(path=tmp_path / "file/table"), b"", batch(0, 1))


@pytest.mark.parametrize(
    ("sink", "options"),
    [
        pytest.param(
            Delta(url="az://account/container/a/b", secret_key=Secret("c2VjcmV0")),
            ("az://container/a/b", {"account_name": "account", "account_key": "c2VjcmV0"}),
            id="Azure",
        ),
        pytest.param(
            Delta(url="gs://bucket/a", secret_key=Secret("{}")),
            ("gs://bucket/a", {"service_account_key": "{}"}),
            id="Google",
        ),
        pytest.param(
            Delta(url="s3://bucket/a", region="eu-west-1"),
            ("s3://bucket/a", {"region": "eu-west-1", "conditional_put": "etag", "allow_http": "false"}),
            id="S3",
        ),
    ],
)
def test_a_cloud_is_addressed_as_its_users_know(sink: Delta, options: tuple[str, dict[str, str]]) -> None:
    location = locate(sink)

    assert (location.uri, location.options) == (options[0], {**location.options, **options[1]})
