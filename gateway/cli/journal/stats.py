"""`gateway journal stats`."""

from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.journal.common import (
    exit_codes,
    identity,
    locate,
    name,
    path_argument,
    print_json,
)
from gateway.cli.options import config_option
from gateway.cli.printing import json_option
from gateway.journal.segments import files
from gateway.journal.segments.examine.inventory import FileEntry, Inventory
from gateway.journal.segments.examine.stats import Stats, count, total
from gateway.raw import timestamps

_HOUR_MS = 3_600_000
_SIZES = ("partition", "files", "size", "prepared", "events", "chunks")
_TIMES = ("partition", "oldest", "stored at", "newest", "stored at")
_RATES = ("partition", "events/chunk", "largest", "last day", "events/hour", "newest epoch")


@click.command("stats")
@path_argument
@json_option
@config_option
def show(path: Path | None, as_json: bool, file: Path | None) -> None:
    """Show the number of files, bytes and events, and the oldest and newest event.

    PATH is the folder of a journal, the folder of a partition, or a single journal file; by default the
    configured journal.

    A chunk holds the events of one commit. Prepared space is preallocated for future events. The last day is
    the 24 hours up to the newest event. Times are UTC.

    This is fast, because events are not read. All figures are exact except those marked "~": in a file with
    more than 2,000 chunks, the number of the remaining chunks is estimated. Damaged events are included; run
    `gateway journal verify` to find them.

    Exit codes: 0 success; 1 the first page of a file is damaged, or a file belongs to another journal; 2 the
    command failed.

    \b
    Examples:
      gateway journal stats
      gateway journal stats --json | jq -r .newest
    """
    damaged: list[FileEntry] = []
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
        damaged = [entry for each in partitions for entry in each.damaged]
        for entry in damaged:
            click.echo(f"gateway: {entry.path}: {entry.mismatch or 'its first page is damaged'}", err=True)
    if damaged:
        raise click.exceptions.Exit(1)


def _hours(everything: Stats) -> float | None:
    """Return how many hours of the last day the journal covers, or None below one hour."""
    if everything.oldest_at is None or everything.newest_at is None:
        return None
    hours = (everything.newest_at - everything.oldest_at) / _HOUR_MS
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
        # As text, because many JSON readers keep only 53 bits of a number.
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
        printing.table(header, list(rows), left=0)
    if not everything.exact:
        click.echo("\n~ estimated from the first 2,000 chunks of each file; all other figures are exact")


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
    """Return a number of bytes in the largest unit that gives at least 1."""
    amount, units = float(number), ["B", "KB", "MB", "GB", "TB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:,.0f} {units[0]}" if units[0] == "B" or amount >= 100 else f"{amount:,.1f} {units[0]}"
