"""What every sink promises, whichever there are; each sink's own tests have an `example` of it."""

from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from gateway.sinks import KINDS
from gateway.sinks.base import Sink
from tests.build import event_line, event_lines

pytestmark = pytest.mark.parametrize("kind", sorted(KINDS))

COMMON = {field.name for field in msgspec.structs.fields(Sink)}


def make(kind: str, folder: Path) -> Sink:
    tests = import_module(f"tests.sinks.test_{module(kind)}")
    assert hasattr(tests, "example"), f"{tests.__name__} needs example(folder): a sink to try"
    sink = tests.example(folder)
    assert isinstance(sink, KINDS[kind])
    return sink


def module(kind: str) -> str:
    return KINDS[kind].__module__.rpartition(".")[2]


def test_a_kind_is_called_what_its_file_is_called(kind: str) -> None:
    assert module(kind) == kind


def test_a_table_says_its_kind_and_what_all_tables_may_say(kind: str, tmp_path: Path) -> None:
    table = msgspec.to_builtins(make(kind, tmp_path), enc_hook=str)

    assert table["kind"] == kind
    assert table.keys() >= COMMON


def test_nothing_but_what_is_needed_must_be_said_of_all(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)

    assert [key for key in sorted(COMMON) if getattr(sink, key)] == []


def test_a_table_with_an_unknown_key_is_no_table(kind: str, tmp_path: Path) -> None:
    table = {**msgspec.to_builtins(make(kind, tmp_path), enc_hook=str), "no_such_key": 1}

    with pytest.raises(msgspec.ValidationError, match="no_such_key"):
        msgspec.convert(table, KINDS[kind], dec_hook=lambda wanted, value: wanted(value))


@pytest.mark.anyio
async def test_a_batch_is_taken_and_answered_with_notes(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path).connect(b"") as write:
        notes = await write(event_lines(0, 3))

    assert isinstance(notes, bytes)


@pytest.mark.anyio
async def test_it_goes_on_with_the_notes_of_the_batch_before(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)
    async with sink.connect(b"") as write:
        notes = await write(event_lines(0, 3))
        notes = await write(event_lines(3, 5))

    async with sink.connect(notes) as write:
        again = await write(event_lines(5, 6))

    assert isinstance(again, bytes)


@pytest.mark.anyio
async def test_a_batch_whose_record_was_lost_is_taken_again(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)
    async with sink.connect(b"") as write:
        recorded = await write(event_lines(0, 3))
        await write(event_lines(3, 5))

    async with sink.connect(recorded) as write:
        notes = await write(event_lines(3, 5))

    assert isinstance(notes, bytes)


@pytest.mark.anyio
async def test_it_may_be_left_without_having_been_given_anything(kind: str, tmp_path: Path) -> None:
    sink = make(kind, tmp_path)

    for _ in range(2):
        async with sink.connect(b""):
            pass


@pytest.mark.anyio
async def test_trouble_in_between_is_not_swallowed(kind: str, tmp_path: Path) -> None:
    async def fail() -> None:
        async with make(kind, tmp_path).connect(b"") as write:
            await write(event_lines(0, 1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()


@pytest.mark.anyio
async def test_it_takes_what_is_large_and_what_is_odd(kind: str, tmp_path: Path) -> None:
    odd = {"event": 'é\u2028"\\\x00', "properties": {"": None, "big": 10**400, "deep": [[[[]]]]}}
    lines = [
        event_line(0, **odd),
        event_line(1, properties={"filler": "x" * 600_000}),
        *event_lines(2, 502),
    ]

    async with make(kind, tmp_path).connect(b"") as write:
        notes = await write(lines)

    assert isinstance(notes, bytes)


@pytest.mark.anyio
async def test_the_lines_it_was_given_stay_as_they_are(kind: str, tmp_path: Path) -> None:
    lines = event_lines(0, 3)

    async with make(kind, tmp_path).connect(b"") as write:
        await write(lines)

    assert lines == event_lines(0, 3)
