"""`gateway journal stats`."""

from pathlib import Path

import click

from gateway.cli import tables
from gateway.cli.journal.common import (
    config_option,
    exit_codes,
    identity,
    json_option,
    locate,
    name,
    path_argument,
    print_json,
)
from gateway.journal.segments import files
from gateway.journal.segments.examine.inventory import Inventory, Member
from gateway.journal.segments.examine.stats import Stats, count, total
from gateway.raw import timestamps

_HOUR = 3_600_000  # milliseconds
_SIZES = ("partition", "files", "size", "prepared", "events", "chunks")
_TIMES = ("partition", "oldest", "stored at", "newest", "stored at")
_RATES = ("partition", "events/chunk", "largest", "last day", "events/hour", "newest epoch")


@click.command("stats")
@path_argument
@json_option
@config_option
def show(path: Path | None, as_json: bool, file: Path | None) -> None:
    """Count files, bytes and events, and say from when they are.

    PATH is a journal's folder, the folder of one of its partitions, or one of its files; without it, the
    configured journal is counted.

    A chunk holds what was stored together; prepared bytes are free space for what comes. The last day is the
    24 hours up to the newest event. Times are UTC.

    Only the beginnings of files are read, which is fast. All figures are exact, but for those marked "~": of
    a file with many chunks only the first 2,000 are counted, and the others estimated. Damaged events count
    like others; `gateway journal verify` finds them.

    Exit code 0, or 1 if a file is damaged at its beginning or is of another journal, or 2 if it could not be
    done.

    \b
    Examples:
      gateway journal stats
      gateway journal stats --json | jq -r .newest
    """
    damaged: list[Member] = []
    with exit_codes():
        inventory = locate(path, file)
        partitions = count(inventory)
        everything = total(partitions)
        hours = _hours(everything)
        if as_json:
            for each in partitions:
                print_json({"partition": each.partition, **_to_json(each, hours)})
            sums = {"partitions": len(partitions), **_to_json(everything, hours)}
            print_json({**identity(inventory), **sums})
        else:
            _print_table(inventory, partitions, everything, hours)
        damaged = [member for each in partitions for member in each.damaged]
        for member in damaged:
            click.echo(f"gateway: {member.path}: {member.flaw or 'its first page is damaged'}", err=True)
    if damaged:
        raise click.exceptions.Exit(1)


def _hours(everything: Stats) -> float | None:
    """The hours of the last day that the journal has; None below one, from which nothing follows."""
    if everything.oldest_at is None or everything.newest_at is None:
        return None
    hours = (everything.newest_at - everything.oldest_at) / _HOUR
    return min(24.0, hours) if hours >= 1 else None


def _to_json(counted: Stats, hours: float | None) -> dict[str, object]:
    found = {
        "files": counted.files,
        "bytes": counted.bytes,
        "prepared_bytes": counted.prepared,
        "events": counted.events,
        "chunks": counted.chunks,
        "largest_chunk": counted.largest,
        "chunks_exact": counted.exact,
        "last_day": counted.last_day,
        "events_an_hour": round(counted.last_day / hours) if hours else None,
        "events_a_chunk": round(counted.events / counted.chunks, 1) if counted.chunks else None,
        "oldest": _position(counted, counted.oldest),
        "oldest_received_at": _time(counted.oldest_at),
        "newest": _position(counted, counted.newest),
        "newest_received_at": _time(counted.newest_at),
        # As text, since many a program reads no more than 53 bits of a number.
        "epochs": [str(epoch) for epoch in counted.epochs] or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _print_table(
    inventory: Inventory, partitions: list[Stats], everything: Stats, hours: float | None
) -> None:
    shown = [*partitions, everything] if len(partitions) > 1 else partitions
    click.echo(f"{inventory.path}: {name(inventory)}, format {files.FORMAT}")
    for header, rows in (
        (_SIZES, map(_sizes, shown)),
        (_TIMES, map(_times, partitions)),
        (_RATES, (_rates(each, hours) for each in shown)),
    ):
        click.echo()
        for line in tables.lines(header, list(rows)):
            click.echo(line)
    if not everything.exact:
        click.echo("\n~ Estimated from the first 2,000 chunks of each file; all else is exact.")


def _sizes(counted: Stats) -> list[str]:
    return [
        counted.partition or "all",
        f"{counted.files:,}",
        _size(counted.bytes),
        _size(counted.prepared),
        f"{counted.events:,}",
        f"{_mark(counted)}{counted.chunks:,}",
    ]


def _times(counted: Stats) -> list[str]:
    return [
        counted.partition,
        _position(counted, counted.oldest) or "",
        _short_time(counted.oldest_at),
        _position(counted, counted.newest) or "",
        _short_time(counted.newest_at),
    ]


def _rates(counted: Stats, hours: float | None) -> list[str]:
    return [
        counted.partition or "all",
        f"{_mark(counted)}{counted.events / counted.chunks:,.1f}" if counted.chunks else "",
        f"{_mark(counted)}{counted.largest:,}",
        f"{counted.last_day:,}",
        f"{counted.last_day / hours:,.0f}" if hours else "",
        str(counted.epochs[-1]) if counted.epochs else "",
    ]


def _mark(counted: Stats) -> str:
    return "" if counted.exact else "~"


def _position(counted: Stats, number: int | None) -> str | None:
    return None if number is None else f"{counted.partition}/{number}"


def _time(at: int | None) -> str | None:
    return None if at is None else timestamps.write(at)


def _short_time(at: int | None) -> str:
    return (_time(at) or "").replace("T", " ")[:19]


def _size(number: int) -> str:
    """Bytes in the largest unit of which there is one."""
    amount, units = float(number), ["B", "KB", "MB", "GB", "TB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:,.0f} {units[0]}" if units[0] == "B" or amount >= 100 else f"{amount:,.1f} {units[0]}"
