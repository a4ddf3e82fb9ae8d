"""`gateway check`: validate a configuration."""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from gateway.cli.options import config_option, exiting_on_errors
from gateway.cli.summary import command, sink_line
from gateway.config import paths
from gateway.config.file import BUILT_IN, find, load
from gateway.config.tables import Config
from gateway.config.units import Duration, Size
from gateway.postgresql.place import Remote
from gateway.sinks.base import Sink


@click.command()
@config_option
@click.option("--connect", is_flag=True, help="Open every sink as delivery does, and print whether it works.")
@click.option("--routes", is_flag=True, help="Print the routes of every dialect too.")
def check(file: Path | None, connect: bool, routes: bool) -> None:
    """Validate a configuration, and print what it means.

    Every mistake is one line with file, table and key. Secrets and write keys are never printed. Nothing is
    changed, except that --connect may create what a sink lacks, such as its file: run it as the user of the
    gateway. "gateway reload" applies the configuration to a running gateway.

    Exit code 0 if the configuration is valid, 1 if it is valid but a path cannot be written or a sink does
    not work, 2 if it is not valid.

    \b
    Examples:
      gateway check
      gateway check --connect
      gateway check --config /etc/gateway.toml && gateway reload --config /etc/gateway.toml
    """
    with exiting_on_errors():
        config = load(file, None, os.environ)
    found = find(file, os.environ)
    click.echo(f"{found} is valid." if found else f"Built in; to have a file: {command()} init\n{BUILT_IN}")
    for line in _summary(config):
        click.echo(line)
    if routes:
        from gateway.dialects import DIALECTS

        for name, dialect in DIALECTS.items():
            click.echo(f"routes     {name}: {'|'.join(dialect.METHODS)} {' '.join(dialect.PATHS)}")
    unwritable = list(_unwritable(config))
    for problem in unwritable:
        click.echo(f"gateway: {problem}", err=True)
    failed = connect and _connect(config)
    if unwritable or failed:
        raise click.exceptions.Exit(1)


def _summary(config: Config) -> Iterator[str]:
    from gateway.processes.shares import limit

    for name, sink in config.sinks.items():
        yield f"sink       {', '.join([sink_line(name, sink), *_settings(sink)])}"
    for name, source in config.sources.items():
        state = "" if source.enabled else ", disabled"
        yield f"source     {name}: {_count(len(source.write_keys), 'write key')}{state}"
    yield f"server     {config.server.host}:{config.server.port}, {_count(config.server.workers, 'worker')}"
    yield f"inspector  {config.inspector.host}:{config.inspector.port}"
    yield f"journal    {config.journal.path}"
    if config.state.url:
        yield f"state      {Remote(config.state.url, 'state')}"
    yield f"delivery   {_count(min(limit(config.delivery.processes), len(config.sinks)), 'process')}"


def _settings(sink: Sink) -> Iterator[str]:
    """Yield the keys of a sink that differ from their defaults, except its target; secrets are masked."""
    shown = msgspec.to_builtins(sink, enc_hook=str)
    for field in msgspec.structs.fields(sink):
        value = getattr(sink, field.name)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if not field.required and value != default and str(value) != sink.target:
            found = value.spell() if isinstance(value, Duration | Size) else shown[field.encode_name]
            yield f"{field.encode_name} = {msgspec.json.encode(found).decode()}"


def _unwritable(config: Config) -> Iterator[str]:
    places = [("journal", config.journal.path)]
    places += [(f"sinks.{name}", path) for name, sink in config.sinks.items() for path in sink.files]
    for table, path in places:
        try:
            paths.check_writable(path)
        except ValueError as error:
            yield f"[{table}] path: {error}"


def _connect(config: Config) -> bool:
    """Print a line for each sink. Return True if one failed."""
    from gateway.inspector.trial import SinkFailed, try_to_connect

    failed = False
    for name, sink in config.sinks.items():
        try:
            found = try_to_connect(name, sink, config.journal.path)
        except SinkFailed as error:
            found, failed = f"error: {error}", True
        click.echo(f"connect    {name}: {found}")
    return failed


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"
