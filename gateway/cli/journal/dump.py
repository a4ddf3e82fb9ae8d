"""`gateway journal dump`."""

import sys
from pathlib import Path

import click

from gateway.cli.arguments import Position
from gateway.cli.journal.common import (
    exit_codes,
    locate,
    path_argument,
    print_finding,
)
from gateway.cli.options import AtLeastOne, config_option
from gateway.cli.printing import json_option
from gateway.cli.times import Time
from gateway.journal.segments.examine.extract import Extract, Selection, extract
from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.examine.inventory import Inventory, NotAJournal
from gateway.raw import timestamps


@click.command()
@path_argument
@click.option("--partition", help="Print only events of this partition.")
@click.option("--from", "start", type=Position(), help="Start at this position; print only its partition.")
@click.option(
    "--since",
    type=Time(),
    help="Print only events stored at or after this time: ISO-8601, or an age such as 2h.",
)
@click.option("--until", type=Time(), help="Print only events stored before this time.")
@click.option("--limit", type=AtLeastOne, help="Print at most this many events.")
@click.option(
    "--positions", is_flag=True, help='Prefix each event with its position, such as "0/12345", and a tab.'
)
@json_option
@config_option
def dump(
    path: Path | None,
    partition: str | None,
    start: tuple[str | None, int] | None,
    since: int | None,
    until: int | None,
    limit: int | None,
    positions: bool,
    as_json: bool,
    file: Path | None,
) -> None:
    """Print canonical events, one JSON object per line.

    PATH is the folder of a journal, the folder of a partition, or a single journal file; by default the
    configured journal. Events are printed in order within a partition, one partition after another. A
    position is written PARTITION/NUMBER. Events that cannot be read are skipped and reported on standard
    error.

    With --json, each line has the fields position, partition, received_at and canonical (the event).

    Exit codes: 0 all events could be read; 1 something is damaged or missing; 2 the command failed.

    \b
    Examples:
      gateway journal dump --since 2h | jq -r .event | sort | uniq -c
      gateway journal dump /backup/journal --from 0/12345 --limit 10 --positions
    """
    if positions and as_json:
        raise click.UsageError("--json includes positions; omit --positions")
    faults = 0
    with exit_codes():
        inventory = locate(path, file)
        remaining = limit or sys.maxsize
        for found in extract(inventory, _selection(inventory, partition, start, since, until)):
            if isinstance(found, Finding):
                sys.stdout.buffer.flush()
                print_finding(found, err=True)
                faults += found.fault
                continue
            sys.stdout.buffer.write(_lines(found, remaining, positions, as_json))
            remaining -= found.chunk.count
            if remaining <= 0:
                break
        sys.stdout.buffer.flush()
    if faults:
        raise click.exceptions.Exit(1)


def _selection(
    inventory: Inventory,
    partition: str | None,
    start: tuple[str | None, int] | None,
    since: int | None,
    until: int | None,
) -> Selection:
    """Return the selection that the options describe. Raises UsageError and NotAJournal."""
    known = list(inventory.entries)
    if start:
        candidates = {each for each in (start[0], partition) if each is not None} or set(known)
        if len(candidates) > 1:
            names = ", ".join(sorted(candidates))
            raise click.UsageError(f"--from: the partition is ambiguous; choose one of {names}")
        partition = candidates.pop()
    if partition is not None and partition not in known:
        raise NotAJournal(f"{inventory.path} has no partition {partition}, only {', '.join(known)}")
    return Selection(partition, start[1] if start else None, since, until)


def _lines(found: Extract, limit: int, positions: bool, as_json: bool) -> bytes:
    """Return the first `limit` events of a chunk as lines of output."""
    partition, chunk = found.partition.encode(), found.chunk
    if chunk.count <= limit and not (positions or as_json):
        return bytes(chunk.data)
    lines = enumerate(chunk.lines()[:limit], chunk.first)
    if positions:
        return b"".join(b"%s/%d\t%s\n" % (partition, number, line) for number, line in lines)
    if as_json:
        time = timestamps.write(chunk.received_at).encode()
        form = b'{"position":"%s/%d","partition":"%s","received_at":"%s","canonical":%s}\n'
        return b"".join(form % (partition, number, partition, time, line) for number, line in lines)
    return b"".join(b"%s\n" % line for _, line in lines)
