"""The table of results."""

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    work: str
    ceiling: str = ""
    wall: str = ""
    cpu: str = ""
    ratio: str = ""
    goal: str = ""


_TITLES = Row("work", "ceiling", "gateway wall", "CPU", "ratio", "goal")


def lines(rows: Sequence[Row]) -> list[str]:
    """The rows below their titles, in columns: figures to the right, words to the left."""
    all_rows = [_TITLES, *rows]
    widths = Row(*(str(max(map(len, column))) for column in zip(*all_rows, strict=True)))
    layout = "{0.work:<{1.work}}  {0.ceiling:>{1.ceiling}}  {0.wall:>{1.wall}}"
    layout += "  {0.cpu:>{1.cpu}}  {0.ratio:>{1.ratio}}  {0.goal}"
    return [layout.format(row, widths).rstrip() for row in all_rows]
