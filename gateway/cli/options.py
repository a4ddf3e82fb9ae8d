"""Options that several commands have, and how commands report errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gateway import sqlite
from gateway.errors import ConfigError, StateUnavailable
from gateway.inspector.queries.errors import QueryError


class _AtLeastOne(click.ParamType[int]):
    """A number that a database can hold. The help of click.IntRange would spell its limits out."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        return click.IntRange(1, sqlite.MAX_INTEGER).convert(value, param, context)


AtLeastOne = _AtLeastOne()
"""The type of ids and of limits."""

config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file; default: $GATEWAY_CONFIG, else ./gateway.toml, else the built-in one.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help='Folder for all data that the configuration gives no path for; default: "data".',
)
yes_option = click.option(
    "--yes", is_flag=True, help="Do not ask for confirmation; required where there is no terminal."
)


def has_sub_command(context: click.Context) -> bool:
    """Return True for a sub-command. Raises UsageError for options before it, which it would not see."""
    if not context.invoked_subcommand:
        return False
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            name = option.opts[0]
            raise click.UsageError(
                f"{name} belongs behind {context.invoked_subcommand}, which does not see it here"
            )
    return True


@contextmanager
def exiting_on_errors() -> Iterator[None]:
    """Print a ConfigError (one line per mistake), StateUnavailable or QueryError, and exit with 2."""
    try:
        yield
    except ConfigError as error:
        raise click.exceptions.Exit(fail(*error.mistakes)) from error
    except (StateUnavailable, QueryError) as error:
        raise click.exceptions.Exit(fail(str(error))) from error


def fail(*messages: str) -> int:
    """Print messages on standard error, and return the exit code of a command that could not be done."""
    for message in messages:
        click.echo(f"gateway: {message}", err=True)
    return 2
