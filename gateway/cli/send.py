"""`gateway send`: import a file of events."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import importing
from gateway.cli.options import fail

if TYPE_CHECKING:
    from gateway.cli.import_file import Import


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
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
    """Import events from FILE, or from standard input if FILE is -, through a running gateway.

    FILE has one event per line, or is one JSON array of events; it may be compressed with gzip. An event is a
    JSON object of Segment's spec, with its "type". Each refused event is printed with its line, or with its
    number in the array, and the reason; the others are not affected.

    Run the same command again to resume an import that was interrupted: progress is kept in FILE.sent, and
    belongs to the content; different content starts over. Events without a messageId get one that stays the
    same, so that none is imported twice. Standard input and pipes cannot be resumed.

    Exit code 0 if all events were accepted, 1 if some were refused, 2 if the import could not be finished,
    130 after Ctrl-C. If nothing answers at URL, it ends within seconds; it waits for a gateway that has
    answered before, for up to five minutes.

    \b
    Examples:
      WRITE_KEY=dev gateway send events.jsonl
      gateway send events.json.gz --to https://events.example.com --write-key KEY
      gateway send - --write-key dev < events.jsonl
    """
    from gateway.cli.import_file import Import
    from gateway.cli.posting import Poster

    try:
        poster = Poster(address, write_key, importing.warn)
        poster.greet()
        with click.open_file(str(file), "rb") as stream:
            _import(Import(file, stream, poster), file)
    except importing.ImportFailed as error:
        raise click.exceptions.Exit(fail(str(error))) from error
    except OSError as error:
        raise click.exceptions.Exit(fail(f"{error.filename or file}: {error.strerror or error}")) from error


def _import(work: "Import", file: Path) -> None:
    if work.is_other_content:
        importing.warn(f"{work.progress_file} belongs to other content of {file}; starting over")
    elif work.progress.offset and work.is_done:
        importing.warn(f"{file} was sent before; delete {work.progress_file} to send it again")
    elif work.progress.offset:
        importing.warn(f"resuming at {work.next}")
    importing.show(file, work, "accepted")
