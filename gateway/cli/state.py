"""How commands open the state and the journal of a gateway, whether or not it is running."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from gateway.cli.options import exiting_on_errors, fail
from gateway.config.file import load
from gateway.config.tables import Config, suggest
from gateway.errors import ConfigError
from gateway.home import Home
from gateway.journal import engines
from gateway.journal.base import Log
from gateway.processes import status
from gateway.state.store import State


class Opened(NamedTuple):
    """A gateway's configuration, state and journal."""

    config: Config
    state: State
    journal: Log
    home: Home

    def is_running(self) -> bool:
        """Return whether the gateway, or one that shares its journal, is running to carry out orders."""
        if self.config.is_shared:
            from gateway.state.nodes import find_nodes  # its driver is an extra

            return any(node.alive for node in find_nodes(self.config.state.url))
        try:
            return status.read(self.home) is not None
        except ConfigError:  # it runs in another container
            return True

    def check_sink(self, name: str) -> None:
        """Raise ConfigError if there is no such sink."""
        check_sink(self.config, name)


def check_sink(config: Config, name: str) -> None:
    """Raise ConfigError if there is no such sink."""
    if name not in config.sinks:
        raise ConfigError(f"there is no sink {name!r}{suggest(name, config.sinks)}")


@contextmanager
def _exiting_on_io_errors() -> Iterator[None]:
    """Print an OSError, such as that of a broker that cannot be reached, and exit with 2."""
    try:
        yield
    except BrokenPipeError:  # for click, which ends the command
        raise
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise click.exceptions.Exit(fail(what)) from error


@contextmanager
def opened(file: Path | None, data: Path | None, *, writing: bool = False) -> Iterator[Opened]:
    """Open a gateway for the duration of the block. Errors are printed, and end the command with code 2."""
    with exiting_on_errors(), _exiting_on_io_errors():
        config = load(file, data, os.environ)
        home = Home(config.journal.path, config.state.url)
        journal = home.journal  # raises ConfigError if no gateway has ever run
        state = State.open(home.state, journal) if writing else State.open_read_only(home.state)
        with closing(state):
            yield Opened(config, state, engines.open_log(config.journal), home)


def confirm(yes: bool, question: str) -> None:
    """Return if the operator agrees. Raises ConfigError otherwise, and if there is no terminal to ask on."""
    if not yes and not (sys.stdin.isatty() and click.confirm(question, err=True)):
        raise ConfigError("nothing was changed; confirm with --yes")
