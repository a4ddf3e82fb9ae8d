"""`gateway sinks views`: views on a sink's table that look like Segment's warehouse."""

import os
from pathlib import Path

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors, fail
from gateway.cli.state import check_sink
from gateway.config.file import load
from gateway.errors import ConfigError, SinkError


@click.command()
@click.argument("name")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=30,
    show_default=True,
    help="How many days of events to look at.",
)
@config_option
@data_option
def views(name: str, days: int, file: Path | None, data: Path | None) -> None:
    """Print views on the table of the sink NAME, for its database to run.

    The views have the names and columns of Segment's warehouse: tracks, identifies, users, pages, screens,
    groups, aliases, and one for each event name. Their columns are the keys that events have had in the last
    days. Run it again when there are new ones; printing changes nothing.

    Exit code 0 if the views were printed, 2 if they could not be.

    For sinks of the kinds postgres, clickhouse, duckdb and bigquery.

    \b
    Examples:
      gateway sinks views warehouse | psql "$DSN"
      gateway sinks views notebook | duckdb data/events.duckdb
      gateway sinks views warehouse --days 7 > views.sql
    """
    import anyio

    from gateway.sinks.rows.views import Viewable

    with exiting_on_errors():
        config = load(file, data, os.environ)
        check_sink(config, name)
        sink = config.sinks[name]
        if not isinstance(sink, Viewable):
            raise ConfigError(f"sink {name} has no table in a database that could have views")
    try:
        statements = anyio.run(sink.view_statements, days)
    except SinkError as error:
        raise click.exceptions.Exit(fail(f"sink {name}: {error}")) from error
    for statement in statements:
        click.echo(f"{statement};")
