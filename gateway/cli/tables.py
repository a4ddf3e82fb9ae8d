"""Tables for terminals: text in columns."""

from collections.abc import Sequence

import click

_GAP = "  "


def lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out rows below their header, in columns that are aligned to the right."""
    columns = [[title, *cells] for title, *cells in zip(header, *rows, strict=True)]
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    title, *body = (_GAP.join(cells).rstrip() for cells in zip(*padded, strict=True))
    return [click.style(title, bold=True), *body]
