"""What the commands share: their options, and how they say what is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gateway.errors import ConfigError, StateUnavailable

config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration; else $GATEWAY_CONFIG, else ./gateway.toml, else what is built in.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help='The folder for what the configuration does not place, instead of "data".',
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")


@contextmanager
def exiting_on_errors() -> Iterator[None]:
    """Print one line for each thing that is wrong, and exit with 2."""
    try:
        yield
    except (ConfigError, StateUnavailable) as error:
        raise click.exceptions.Exit(fail(*str(error).splitlines())) from error


def fail(*messages: str) -> int:
    """Print messages on standard error, and return the exit code of what could not be done."""
    for message in messages:
        click.echo(f"gateway: {message}", err=True)
    return 2
