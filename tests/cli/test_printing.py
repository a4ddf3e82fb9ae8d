"""Tables for terminals."""

import pytest

from gateway.cli import printing


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table(("partition", "events", "newest"), (("0", "1,234", "0/1233"), ("all", "5", "")), left=0)

    assert capsys.readouterr().out.splitlines() == [
        "partition  events  newest",
        "        0   1,234  0/1233",
        "      all       5",
    ]


def test_a_table_may_have_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table(("a", "b"), ())

    assert capsys.readouterr().out == "a  b\n"
