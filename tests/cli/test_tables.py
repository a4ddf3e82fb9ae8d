"""Tables for terminals."""

import click

from gateway.cli.tables import lines


def test_columns_are_aligned() -> None:
    table = lines(("partition", "events", "newest"), (("0", "1,234", "0/1233"), ("all", "5", "")))

    assert [click.unstyle(line) for line in table] == [
        "partition  events  newest",
        "        0   1,234  0/1233",
        "      all       5",
    ]


def test_a_table_may_have_no_rows() -> None:
    assert [click.unstyle(line) for line in lines(("a", "b"), ())] == ["a  b"]
