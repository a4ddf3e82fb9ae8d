"""`gateway tail`: events as they come."""

import os
import sys
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors
from gateway.config.file import load
from gateway.errors import ConfigError


@click.command()
@config_option
@data_option
@click.option("--source", help="Only events of this source.")
@click.option("--type", "kind", help="Only events of this type: track, page, identify …")
@click.option("--event", help="Only events of this name.")
@click.option("--user", help="Only events of this userId or anonymousId.")
@click.option("-n", "--last", default=0, help="Begin with so many that are already there (of each worker).")
def tail(
    file: Path | None,
    data: Path | None,
    source: str | None,
    kind: str | None,
    event: str | None,
    user: str | None,
    last: int,
) -> None:
    """Print canonical events as they come, one JSON object a line.

    It reads the journal of a gateway on this machine, and disturbs nobody. End it with Ctrl-C.
    """
    from gateway.journal.follow import Wanted, follow
    from gateway.journal.segments.log import SegmentLog

    with exiting_on_errors():
        config = load(file, data, os.environ)
        if not config.journal.path.exists():
            raise ConfigError(
                f"[journal] path: {config.journal.path} is not there; has the gateway ever run?"
            )
    try:
        for line in follow(SegmentLog(config.journal.path), Wanted(source, kind, event, user), last):
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # whoever read it has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
