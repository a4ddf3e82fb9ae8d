"""`gateway export`: write events of the journal to a file."""

import os
import sys
from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.importing import warn
from gateway.cli.options import config_option, data_option, exiting_on_errors, fail
from gateway.cli.times import Time
from gateway.config.file import load
from gateway.home import Home
from gateway.journal import engines
from gateway.journal.base import UnknownPosition
from gateway.journal.follow import Wanted


class _Said(click.ParamType[tuple[str, int]]):
    """A time, with the text that gives it: an age means a different time whenever it is read."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, int]:
        return str(value), Time().convert(value, param, context)


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--since", type=_Said(), help='Events stored at or after this time: ISO-8601, or an age such as "2h".'
)
@click.option("--until", type=_Said(), help="Events stored before this time; by default, those up to now.")
@click.option("--source", metavar="NAME", help="Only events of this source.")
@click.option("--type", "kind", metavar="TYPE", help="Only events of this type, such as track or page.")
@click.option("--event", metavar="NAME", help='Only events of this name, such as "Order Completed".')
@click.option("--user", metavar="ID", help="Only events with this userId or anonymousId.")
@config_option
@data_option
def export(
    path: Path,
    since: tuple[str, int] | None,
    until: tuple[str, int] | None,
    source: str | None,
    kind: str | None,
    event: str | None,
    user: str | None,
    file: Path | None,
    data: Path | None,
) -> None:
    """Write events of the journal to FILE, whose name ends with .jsonl, .jsonl.gz or .parquet.

    Lines are canonical events, exactly as they are stored; Parquet has the rows of the sink "parquet". The
    journal is read without effect on a running gateway, partition by partition, in order.

    An existing FILE is not replaced. Run an interrupted export again to resume it: until FILE is complete,
    the parts are kept in FILE.partial.

    Exit code 0; 1 if damaged or unreadable events were reported and left out; 2 if FILE could not
    be written.

    \b
    Examples:
      gateway export events.parquet
      gateway export orders.jsonl.gz --since 30d --event "Order Completed"
    """
    from gateway.analysis.export import Choice, Export

    choice = Choice(
        Wanted(source, kind, event, user), since[0] if since else None, until[0] if until else None
    )
    try:
        with exiting_on_errors():
            journal = load(file, data, os.environ).journal
            work = Export(path, engines.open_log(journal), Home(journal.path).journal.hex(), warn)
            with work.begun(choice, since[1] if since else None, until[1] if until else None) as resumed:
                if resumed:
                    warn(f"resuming after {printing.count(work.progress.done, 'event')}")
                with click.progressbar(
                    length=work.progress.total, label=path.name, show_pos=True, file=sys.stderr
                ) as bar:
                    for done in work.run():
                        bar.update(done - bar.pos)
    except (OSError, UnknownPosition) as error:
        where = str(error)
        if isinstance(error, OSError):
            where = f"{error.filename or path}: {error.strerror or error}"
        raise click.exceptions.Exit(fail(f"{where}; run the command again to resume")) from error
    click.echo(f"{printing.count(work.progress.events, 'event')} in {path}.", err=True)
    if work.progress.faults:
        raise click.exceptions.Exit(1)
