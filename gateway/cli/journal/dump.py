"""`gateway journal dump`."""

import sys
from pathlib import Path

import click

from gateway.cli.arguments import Position, Time
from gateway.cli.journal.common import (
    config_option,
    exit_codes,
    json_option,
    locate,
    path_argument,
    print_finding,
)
from gateway.journal.segments.examine.extract import Extract, Wanted, extract
from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.examine.inventory import Inventory, NotAJournal
from gateway.raw import timestamps


@click.command()
@path_argument
@click.option("--partition", help="Only events of this partition.")
@click.option("--from", "start", type=Position(), help="Begin with this event, and print only its partition.")
@click.option(
    "--since", type=Time(), help="Only events stored then or later: ISO-8601, or an age such as 2h."
)
@click.option("--until", type=Time(), help="Only events stored before then.")
@click.option("--limit", type=click.IntRange(1), help="At most so many events.")
@click.option(
    "--positions", is_flag=True, help='Put its position before each event, such as "0/12345", and a tab.'
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
    """Print canonical events, one JSON object a line.

    PATH is a journal's folder, the folder of one of its partitions, or one of its files; without it, the
    configured journal is printed. Events come in the order of their partition, one partition after the other.
    A position is written PARTITION/NUMBER. What cannot be read is passed over, and said on standard error.

    With --json each line has position, partition, received_at, and the event as canonical.

    Exit code 0 if all could be read, 1 if anything is damaged or missing, 2 if it could not be done.

    \b
    Examples:
      gateway journal dump --since 2h | jq -r .event | sort | uniq -c
      gateway journal dump /backup/journal --from 0/12345 --limit 10 --positions
    """
    if positions and as_json:
        raise click.UsageError("--json has positions already; leave --positions out")
    faults = 0
    with exit_codes():
        inventory = locate(path, file)
        left = limit or sys.maxsize
        for found in extract(inventory, _wanted(inventory, partition, start, since, until)):
            if isinstance(found, Finding):
                sys.stdout.buffer.flush()
                print_finding(found, err=True)
                faults += found.fault
                continue
            sys.stdout.buffer.write(_lines(found, left, positions, as_json))
            left -= found.chunk.count
            if left <= 0:
                break
        sys.stdout.buffer.flush()
    if faults:
        raise click.exceptions.Exit(1)


def _wanted(
    inventory: Inventory,
    partition: str | None,
    start: tuple[str | None, int] | None,
    since: int | None,
    until: int | None,
) -> Wanted:
    """Tell what the options ask for. Raises UsageError and NotAJournal."""
    known = list(inventory.members)
    if start:
        said = {each for each in (start[0], partition) if each is not None} or set(known)
        if len(said) > 1:
            raise click.UsageError(f"--from: say in which partition, one of {', '.join(sorted(said))}")
        partition = said.pop()
    if partition is not None and partition not in known:
        raise NotAJournal(f"{inventory.path} has no partition {partition}, only {', '.join(known)}")
    return Wanted(partition, start[1] if start else None, since, until)


def _lines(found: Extract, limit: int, positions: bool, as_json: bool) -> bytes:
    """The events of one chunk as they are printed."""
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
