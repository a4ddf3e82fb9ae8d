"""`gateway query`: SQL over the events of the journal."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import config_option, data_option, exiting_on_errors, fail
from gateway.config.file import load
from gateway.errors import ConfigError
from gateway.home import Home
from gateway.journal import engines

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMES = """
SELECT column_name FROM (DESCRIBE events) UNION SELECT 'events'
UNION SELECT upper(keyword_name) FROM duckdb_keywords() WHERE keyword_category = 'reserved'
UNION SELECT function_name FROM duckdb_functions() WHERE function_name ~ '[a-z_]+'
"""
"""What the prompt completes."""


@click.command()
@click.argument("sql", required=False)
@click.option("--json", "form", flag_value="json", default="table", help="Print one JSON object per row.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV with a header.")
@config_option
@data_option
def query(sql: str | None, form: str, file: Path | None, data: Path | None) -> None:
    """Query the events of the journal, the table "events", in DuckDB's SQL.

    Its columns are those of the rows of sinks: id, type, event, name, category, channel, source, dialect,
    user_id, anonymous_id, group_id, previous_id, timestamp, received_at, sent_at, original_timestamp,
    properties, traits, context, more, position; and canonical, the whole event. canonical, properties,
    traits, context and more are JSON: properties->>'revenue' is a text. Times are UTC.

    Without SQL, a terminal shows a prompt; otherwise SQL is read from standard input. A running gateway
    is not affected: a statement can neither read nor write files, nor reach the network; of DuckDB's
    settings it can change only TimeZone. A condition on received_at saves reading the rest of the journal.

    Exit code 0; 1 if damaged or unreadable events were reported and left out; 2 if the statement
    could not be executed.

    \b
    Examples:
      gateway query "SELECT type, count(*) FROM events GROUP BY ALL"
      gateway query --csv "SELECT * FROM events WHERE received_at >= '2026-11-26'"
      gateway query
    """
    reported: set[str] = set()

    def report(text: str) -> None:
        if text not in reported:  # a statement may read the table several times
            reported.add(text)
            fail(text)

    with exiting_on_errors(), _opened(file, data, report) as connection:
        try:
            if sql is None and sys.stdin.isatty():
                _converse(connection, form)
            else:
                _show(connection, sys.stdin.read() if sql is None else sql, form)
            sys.stdout.flush()
        except BrokenPipeError:  # such as from `head`, which has all that it wants
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if reported:
        raise click.exceptions.Exit(1)


@contextmanager
def _opened(
    file: Path | None, data: Path | None, report: Callable[[str], None]
) -> Iterator["DuckDBPyConnection"]:
    """Open the journal as a database. Raises ConfigError, also if DuckDB is missing."""
    journal = load(file, data, os.environ).journal
    Home(journal.path).journal  # noqa: B018  # raises ConfigError if no gateway has ever run
    try:
        from gateway.analysis.database import opened
        from gateway.analysis.table import Events
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is missing: pip install 'event-gateway[query]'") from error
    with opened(Events(engines.open_log(journal), report)) as connection:
        yield connection


def _show(connection: "DuckDBPyConnection", sql: str, form: str) -> None:
    """Print what a statement returns. Raises ConfigError if it cannot be executed."""
    from duckdb import Error

    from gateway.cli import results

    try:
        found = connection.sql(sql)
        if found is not None:  # a statement such as SET returns nothing
            results.FORMS[form](found)
    except Error as error:
        raise ConfigError(str(error)) from error


def _converse(connection: "DuckDBPyConnection", form: str) -> None:
    """Execute what is typed, until the end of the input. Errors and Ctrl-C end only the statement."""
    from gateway.cli import prompt

    names = [name for (name,) in connection.execute(_NAMES).fetchall()]
    for statement in prompt.statements(names):
        try:
            _show(connection, statement, form)
        except ConfigError as error:
            fail(*error.mistakes)
        except KeyboardInterrupt:
            fail("interrupted")
