"""What commands print: tables for people, and one JSON object per line for programs."""

import json
from collections.abc import Sequence
from typing import Any

import click
import msgspec

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")

_COLORS = {"up": "green", "retrying": "yellow", "misconfigured": "red", "paused": "cyan"}
_GAP = "  "


def to_json(value: msgspec.Struct | dict[str, Any]) -> None:
    """Print a value as one line of JSON, without the fields that are None."""
    fields = value if isinstance(value, dict) else msgspec.structs.asdict(value)
    click.echo(msgspec.json.encode({key: each for key, each in fields.items() if each is not None}))


def tell(value: msgspec.Struct, as_json: bool, text: str, *, err: bool = False) -> None:
    """Print what was done: a value for programs, or a text for people."""
    if as_json:
        to_json(value)
    else:
        click.echo(text, err=err)


def table(header: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> None:
    """Print rows in columns; the first `left` columns are aligned to the left."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    for number, row in enumerate([list(header), *texts]):
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        if number == 0:
            click.secho(_GAP.join(cells).rstrip(), bold=True)
        else:
            click.echo(_GAP.join(map(_colored, cells)).rstrip())


def _colored(cell: str) -> str:
    color = _COLORS.get(cell.strip())
    return click.style(cell, fg=color) if color else cell


def clean(text: str, width: int) -> str:
    """Return the start of an untrusted text, on one line and without control characters."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line if len(line) <= width else line[: width - 1] + "…"


def document(text: bytes) -> str:
    """Return JSON with indentation; characters that could control a terminal are written as escapes."""
    lines = msgspec.json.format(text, indent=2).decode()
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in lines)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1: `1 event`, `1,200 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def age(seconds: float | None) -> str:
    """Return a duration for people, such as `3m`."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)}{unit}"
    return f"{seconds:.0f}s"
