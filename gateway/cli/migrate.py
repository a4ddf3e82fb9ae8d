"""`gateway state`: the tables of the state, if it is in PostgreSQL."""

import os
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors
from gateway.config.file import load
from gateway.errors import ConfigError
from gateway.postgresql.place import Remote


@click.group()
def state() -> None:
    """Prepare the database that [state] url names."""


@state.command()
@config_option
@data_option
def migrate(file: Path | None, data: Path | None) -> None:
    """Create the tables, or bring them up to this version.

    A gateway does this itself when it starts, in one transaction that others wait for. This command is for a
    role that may create tables, if the gateway's own role may not.

    \b
    Examples:
      gateway state migrate
      STATE_URL=postgresql://admin@db/gateway gateway state migrate --config /etc/gateway.toml
    """
    with exiting_on_errors():
        url = load(file, data, os.environ).state.url
        if not url:
            raise ConfigError("[state] url is empty: the state lies in a file, which needs no migration")
        from gateway.state.remote import migrate as migrate_tables  # the driver is there if a url is

        click.echo(migrate_tables(Remote(url, "state")))
