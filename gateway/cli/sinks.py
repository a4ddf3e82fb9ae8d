"""`gateway sinks`: pause and resume sinks."""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors, yes_option
from gateway.cli.sink_views import views
from gateway.config.file import load
from gateway.config.tables import suggest
from gateway.errors import ConfigError
from gateway.state.orders import Verb


@click.group()
def sinks() -> None:
    """Pause and resume sinks, while the gateway is running or stopped."""


sinks.add_command(views)


def _sink_command(function: Callable[..., None]) -> click.Command:
    return sinks.command()(click.argument("name")(yes_option(config_option(data_option(function)))))


@_sink_command
def pause(name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Pause delivery to the sink NAME.

    Takes effect within a second and persists across restarts. Until the sink is resumed, its events are
    retained in the journal, where they count toward max_size.
    """
    _order("pause", name, yes, file, data)
    click.echo(f"Sink {name} is paused. To resume it: gateway sinks resume {name}")


@_sink_command
def resume(name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Resume delivery to the sink NAME, from its position when it was paused."""
    _order("resume", name, yes, file, data)
    click.echo(f"Sink {name} is resumed.")


def _order(verb: Verb, name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Place an order for a sink after the operator has confirmed it. Raises Exit with code 2."""
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
                raise ConfigError("nothing was changed; confirm with --yes")
            state.orders.place(name, verb)
