"""`gateway tail`: print events as they are accepted."""

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
@click.option("--source", metavar="NAME", help="Only events of this source.")
@click.option("--type", "kind", metavar="TYPE", help="Only events of this type, such as track or page.")
@click.option("--event", metavar="NAME", help='Only events of this name, such as "Order Completed".')
@click.option("--user", metavar="ID", help="Only events with this userId or anonymousId.")
@click.option(
    "-n",
    "--last",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Start with the last N events (per worker); default: 0, only new ones.",
)
def tail(
    file: Path | None,
    data: Path | None,
    source: str | None,
    kind: str | None,
    event: str | None,
    user: str | None,
    last: int,
) -> None:
    """Print canonical events as they are accepted, one JSON object per line.

    Reads the journal of a gateway on this machine, without effect on the gateway. An event must meet all
    given options. Ctrl-C ends it.

    Exit code 0, or 2 if there is no journal.

    \b
    Examples:
      gateway tail
      gateway tail --last 10 --type track | jq .event
    """
    from gateway.journal import engines
    from gateway.journal.follow import Wanted, follow

    with exiting_on_errors():
        config = load(file, data, os.environ)
        if not config.journal.path.exists():
            raise ConfigError(
                f"[journal] path: {config.journal.path} is not there; has the gateway ever run?"
            )
    try:
        for line in follow(engines.open_log(config.journal), Wanted(source, kind, event, user), last):
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # such as from `head`, which has all that it wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
