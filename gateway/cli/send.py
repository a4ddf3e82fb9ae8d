"""`gateway send`: import a file of events."""

from pathlib import Path

import click

from gateway.cli import importing
from gateway.cli.options import fail


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--to",
    "address",
    metavar="URL",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="Where the gateway listens.",
)
@click.option(
    "--write-key",
    metavar="KEY",
    envvar="WRITE_KEY",
    default="",
    help="Write key of the events that do not name one; default: $WRITE_KEY.",
)
def send(file: Path, address: str, write_key: str) -> None:
    """Import events from FILE through a running gateway.

    FILE has one event a line: a JSON object of Segment's spec, with its "type". Each refused line is printed
    with its number and the reason; the others are not affected.

    Run the same command again to resume an import that was interrupted: progress is kept in FILE.sent.
    Events without a messageId get one that stays the same, so that none is imported twice.

    Exit code 0 if all events were accepted, 1 if some were refused, 2 if the import could not be finished.

    \b
    Examples:
      WRITE_KEY=dev gateway send events.jsonl
      gateway send events.jsonl --to https://events.example.com --write-key KEY
    """
    from gateway.cli.import_file import Import, ImportFailed

    try:
        work = Import(file, address, write_key)
        if work.offset and work.offset == file.stat().st_size:
            click.echo(f"{file} was sent before; delete {work.progress_file} to send it again.", err=True)
        elif work.offset:
            click.echo(f"Resuming at line {work.line + 1}.", err=True)
        importing.show(file, work, "accepted")
    except (ImportFailed, OSError) as error:
        raise click.exceptions.Exit(fail(str(error))) from error
