"""The contract of every sink; the test module of each sink provides an `example`."""

from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from gateway.errors import SinkRefused
from gateway.sinks import KINDS
from gateway.sinks.base import Sink
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, batch_of

every_kind = pytest.mark.parametrize("kind", sorted(KINDS))

COMMON = {field.name for field in msgspec.structs.fields(Sink)}


def common_keys(kind: str) -> set[str]:
    """Return the common keys under the names that the kind gives them."""
    return {field.encode_name for field in msgspec.structs.fields(KINDS[kind]) if field.name in COMMON}


def make(kind: str, folder: Path) -> Sink:
    tests = import_module(f"tests.sinks.test_{module(kind)}")
    assert hasattr(tests, "example"), f"{tests.__name__} needs example(folder): a sink to try"
    sink = tests.example(folder)
    assert isinstance(sink, KINDS[kind])
    return sink


def module(kind: str) -> str:
    return KINDS[kind].__module__.rpartition(".")[2]


@every_kind
def test_a_kind_has_the_name_of_its_file(kind: str) -> None:
    assert module(kind) == kind


@every_kind
def test_a_table_has_its_kind_and_the_common_keys(kind: str, tmp_path: Path) -> None:
    table = msgspec.to_builtins(make(kind, tmp_path), enc_hook=str)

    assert table["kind"] == kind
    assert table.keys() >= common_keys(kind)


@every_kind
def test_common_keys_are_optional(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)

    filters = ("integration", "sources", "types", "events", "consent", "translate", "retry_for")
    assert [key for key in filters if getattr(sink, key)] == []
    assert sink.batch_events >= 1


@every_kind
def test_an_unknown_key_is_refused(kind: str, tmp_path: Path) -> None:
    table = {**msgspec.to_builtins(make(kind, tmp_path), enc_hook=str), "no_such_key": 1}

    with pytest.raises(msgspec.ValidationError, match="no_such_key"):
        msgspec.convert(table, KINDS[kind], dec_hook=lambda wanted, value: wanted(value))


@every_kind
@pytest.mark.anyio
async def test_writing_a_batch_returns_a_receipt(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path).connect("archive", b"") as connection:
        receipts = [connection.receipt, await connection.write(batch(0, 3))]

    assert all(isinstance(receipt, bytes) for receipt in receipts)


@every_kind
@pytest.mark.anyio
async def test_a_connection_continues_from_the_last_receipt(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)
    async with sink.connect("archive", b"") as connection:
        await connection.write(batch(0, 3))
        receipt = await connection.write(batch(3, 5))

    async with sink.connect("archive", receipt) as connection:
        again = await connection.write(batch(5, 6))

    assert isinstance(again, bytes)


@every_kind
@pytest.mark.anyio
async def test_an_unrecorded_batch_can_be_written_again(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)
    async with sink.connect("archive", b"") as connection:
        recorded = await connection.write(batch(0, 3))
        await connection.write(batch(3, 5))

    async with sink.connect("archive", recorded) as connection:
        receipt = await connection.write(batch(3, 5))

    assert isinstance(receipt, bytes)


@every_kind
@pytest.mark.anyio
async def test_batches_of_partitions_can_alternate(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path).connect("archive", b"") as connection:
        receipts = [await connection.write(batch(n, n + 2, partition="01"[n % 2])) for n in range(4)]

    assert all(isinstance(receipt, bytes) for receipt in receipts)


@every_kind
@pytest.mark.anyio
async def test_a_receipt_of_another_kind_of_sink_is_ignored(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path).connect("archive", b'{"offset": 3}') as connection:
        receipt = await connection.write(batch(0, 3))

    assert isinstance(receipt, bytes)


@every_kind
@pytest.mark.anyio
async def test_a_connection_can_be_closed_without_a_write(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)

    for _ in range(2):
        async with sink.connect("archive", b""):
            pass


@every_kind
@pytest.mark.anyio
async def test_an_exception_in_the_block_is_not_swallowed(kind: str, tmp_path: Path) -> None:
    async def fail() -> None:
        async with make(kind, tmp_path).connect("archive", b"") as connection:
            await connection.write(batch(0, 1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()


@every_kind
@pytest.mark.anyio
async def test_large_and_unusual_events_are_written(kind: str, tmp_path: Path) -> None:
    odd = {"event": 'é\u2028"\\\x00', "properties": {"": None, "big": 10**400, "deep": [[[[]]]]}}
    lines = [
        event_line(0, **odd),
        event_line(1, properties={"filler": "x" * 600_000}),
        *event_lines(2, 502),
    ]

    async with make(kind, tmp_path).connect("archive", b"") as connection:
        refused: set[int] = set()
        try:
            receipt = await connection.write(batch_of(lines))
        except SinkRefused as refusal:
            refused.update(refusal.culprits)
            receipt = await connection.write(batch_of([lines[0], *lines[2:]]))

    assert isinstance(receipt, bytes)
    assert refused <= {1}, "only the large event may exceed a limit of the target"


def test_a_batch_id_is_the_same_for_the_same_range() -> None:
    assert batch(3, 5, partition="1").id == "archive/1/3-5"


def test_a_batch_can_be_split_into_lines() -> None:
    lines = [event_line(0, event="\u2028\x85"), event_line(1)]

    assert batch_of(lines).lines == lines
