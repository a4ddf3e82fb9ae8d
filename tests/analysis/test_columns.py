"""The columns of events are the same whether they are decoded at once or one by one."""

from functools import cache

import pytest

from gateway.analysis.blocks import Block
from gateway.analysis.columns import COLUMNS, Columns, read_each
from gateway.sinks.rows.envelope import ENVELOPE
from tests.build import event_line
from tests.sinks.nasty import nasty_lines

NAMES = [column.name for column in ENVELOPE]


def block_of(*lines: bytes) -> Block:
    data = b"".join(line + b"\n" for line in lines)
    return Block("0", len(lines), range(len(lines)), data)


def unreported(text: str) -> None:
    raise AssertionError(text)


@cache
def nasty_sample() -> list[bytes]:
    """Return the events with one nasty value, and some with several."""
    return nasty_lines()[:700]


@pytest.mark.parametrize(
    "names", [NAMES, *([name] for name in NAMES)], ids=lambda names: "+".join(names)[:20]
)
def test_a_nasty_event_is_the_row_that_sinks_write(names: list[str]) -> None:
    columns = Columns(names)
    for line in nasty_sample():
        block = block_of(line)

        [found] = columns.convert(block, unreported).to_pylist()

        _, [row] = read_each(block, unreported)
        expected = dict(zip(NAMES, row, strict=True))
        assert found == {
            name: bytes(expected[name]).decode() if type == "json" else expected[name]
            for name, type in ENVELOPE
            if name in names
        }


def test_a_nasty_event_does_not_change_those_beside_it() -> None:
    names = [column.name for column in COLUMNS]
    good = event_line(0, extras={"a": [1]}, sentAt="2026-01-01T12:00:00.000Z")
    [expected] = Columns(names).convert(block_of(good), unreported).to_pylist()

    for nasty in nasty_sample()[::20]:
        first, _ = Columns(names).convert(block_of(good, nasty), unreported).to_pylist()

        assert first == expected
