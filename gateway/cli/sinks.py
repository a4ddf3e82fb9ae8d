"""`gateway sinks`: pause and resume them."""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors, yes_option
from gateway.config.file import load
from gateway.config.tables import suggest
from gateway.errors import ConfigError
from gateway.state.orders import Verb


@click.group()
def sinks() -> None:
    """Pause and resume sinks, whether or not the gateway is running."""


def _sink_command(function: Callable[..., None]) -> click.Command:
    return sinks.command()(click.argument("name")(yes_option(config_option(data_option(function)))))


@_sink_command
def pause(name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Deliver nothing more to the sink NAME until it is resumed.

    It takes effect within a second, and outlasts restarts. Events wait in the journal, and take up its room.
    """
    _order("pause", name, yes, file, data)
    click.echo(f"Sink {name} is paused; to continue: gateway sinks resume {name}")


@_sink_command
def resume(name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Deliver to the sink NAME again, from where it was paused."""
    _order("resume", name, yes, file, data)
    click.echo(f"Sink {name} is resumed.")


def _order(verb: Verb, name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Place an order for a sink, once the operator has confirmed it."""
    from gateway.home import Home
    from gateway.state.store import State

    with exiting_on_errors():
        config = load(file, data, os.environ)
        if name not in config.sinks:
            raise ConfigError(f"there is no sink {name!r}{suggest(name, config.sinks)}")
        home = Home(config.journal.path)
        with closing(State.open(home.state, home.journal)) as state:
            if not yes and not (
                sys.stdin.isatty() and click.confirm(f"{verb.capitalize()} sink {name}?", err=True)
            ):
                raise ConfigError("nothing was done; confirm with --yes")
            state.orders.place(name, verb)
