"""`gateway journal verify`."""

import sys
from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.journal.common import (
    exit_codes,
    identity,
    locate,
    name,
    path_argument,
    print_finding,
    print_json,
)
from gateway.cli.options import config_option
from gateway.cli.printing import json_option
from gateway.journal.segments.examine.verify import Verification


@click.command()
@path_argument
@json_option
@config_option
def verify(path: Path | None, as_json: bool, file: Path | None) -> None:
    """Verify that every event can be read.

    PATH is the folder of a journal, the folder of a partition, or a single journal file; by default the
    configured journal. Every file is read completely. The command checks headers, the checksums, order and
    epochs of chunks, whether each file belongs to this journal, and whether events are missing between files.
    Each fault is printed on one line, with the events lost by it.

    Exit codes: 0 no faults; 1 something is damaged or missing; 2 the command failed.

    \b
    Examples:
      gateway journal verify
      gateway journal verify /backup/journal && echo "The backup is good."
    """
    with exit_codes():
        work = Verification(locate(path, file))
        hidden = not sys.stderr.isatty()
        size = work.inventory.size()
        with click.progressbar(length=size, label="Verifying", file=sys.stderr, hidden=hidden) as bar:
            for finding in work.run():
                if finding:
                    if not hidden:
                        click.echo("\r\x1b[K", nl=False, err=True)  # the bar is redrawn below the line
                    print_json(finding) if as_json else print_finding(finding)
                bar.update(work.bytes - bar.pos)
        _print_sums(work, as_json)
    if work.faults:
        raise click.exceptions.Exit(1)


def _print_sums(work: Verification, as_json: bool) -> None:
    partitions = len(work.inventory.entries)
    if as_json:
        return print_json(
            {
                **identity(work.inventory),
                "partitions": partitions,
                "files": work.files,
                "bytes": work.bytes,
                "events": work.events,
                "lost": work.lost,
                "faults": work.faults,
                "whole": not work.faults,
            }
        )
    counted = f"{printing.count(work.events, 'event')} in {printing.count(work.files, 'file')}"
    text = f"{counted} of {printing.count(partitions, 'partition')}, {name(work.inventory)}"
    if work.faults:
        faults = (
            f"{printing.count(work.faults, 'fault')}, {printing.count(work.lost, 'event')} cannot be read"
        )
        click.secho(f"{text}: {faults}", fg="red")
    else:
        click.secho(f"{text}, no faults", fg="green")
