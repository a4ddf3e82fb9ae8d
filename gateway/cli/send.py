"""`gateway send`: import a file of events."""

import sys
from pathlib import Path

import click

from gateway.cli.options import fail


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", "address", default="http://127.0.0.1:8080", show_default=True, help="The gateway.")
@click.option(
    "--write-key", envvar="WRITE_KEY", default="", help="For events that name none; or in $WRITE_KEY."
)
def send(file: Path, address: str, write_key: str) -> None:
    """Import FILE, which has one event a line, in Segment's shape with its "type".

    Lines that are refused are listed with their number. Called again, it goes on where it ended: that is
    noted in FILE.sent. Exit code 0 if all events were accepted, 1 if some were refused, 2 if it could
    not be finished.
    """
    from gateway.cli.import_file import Broken, Import

    try:
        work = Import(file, address, write_key)
        done = work.progress
        if done.offset and done.offset == file.stat().st_size:
            click.echo(f"{file} was sent before; delete {work.notes} to send it again.", err=True)
        elif done.offset:
            click.echo(f"Going on from line {done.line + 1}.", err=True)
        with click.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar:
            bar.update(done.offset)
            for mistakes in work.run():
                for mistake in mistakes:
                    click.echo(f"{file}:{mistake.line}: {mistake.code}: {mistake.message}")
                bar.update(done.offset - bar.pos)
    except (Broken, OSError) as error:
        raise click.exceptions.Exit(fail(str(error))) from error
    click.echo(f"{done.accepted} accepted, {done.refused} refused.", err=True)
    if done.refused:
        raise click.exceptions.Exit(1)
