"""`gateway reload`: have the running gateway apply its configuration and program as they are now."""

import os
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors
from gateway.config.file import load

_TIMEOUT_SECONDS = 60.0


@click.command()
@config_option
@data_option
def reload(file: Path | None, data: Path | None) -> None:
    """Reload the gateway that is running with this configuration.

    It applies the configuration and the program as they are installed now, without a failed request: sources
    and sinks at once; [server], [inspector], [journal] and new code through new processes that replace the
    old ones one after another. Only a different [journal] path needs a restart. Returns when it is done. If
    there is a mistake, nothing changes. SIGHUP does the same, but its outcome is only in the log.

    Exit code 0 if it has been reloaded, 2 if it has not; standard error says why, one line per mistake.

    \b
    Examples:
      gateway reload
      gateway reload --config /etc/gateway/gateway.toml
    """
    from gateway.home import Home
    from gateway.processes import status

    with exiting_on_errors():
        config = load(file, data, os.environ)
        status.reload(Home(config.journal.path), _TIMEOUT_SECONDS)
    click.echo("The gateway is reloaded.")
