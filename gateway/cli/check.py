"""`gateway check`: validate a configuration."""

import os
from pathlib import Path

import click
import msgspec

from gateway.cli.options import config_option, exiting_on_errors
from gateway.config.file import BUILT_IN, load


@click.command()
@config_option
def check(file: Path | None) -> None:
    """Validate a configuration, and print what it means.

    Every mistake is one line with file, table and key. Secrets and write keys are never printed. Nothing is
    changed; a running gateway takes it with "gateway reload".

    Exit code 0 if the configuration is valid, 2 if it is not.

    \b
    Examples:
      gateway check
      gateway check --config /etc/gateway.toml && gateway reload --config /etc/gateway.toml
    """
    from gateway.dialects import DIALECTS
    from gateway.processes.shares import limit

    with exiting_on_errors():
        config = load(file, None, os.environ)
    click.echo("The configuration is valid." if not config.built_in else f"Built in:\n{BUILT_IN}")
    server, journal = config.server, config.journal
    click.echo(f"server     {server.host}:{server.port}, {_count(server.workers, 'worker')}")
    click.echo(f"inspector  {config.inspector.host}:{config.inspector.port}")
    click.echo(f"journal    {journal.path}")
    click.echo(f"delivery   {_count(min(limit(config.delivery.processes), len(config.sinks)), 'process')}")
    for name, source in config.sources.items():
        state = "" if source.enabled else ", disabled"
        click.echo(f"source     {name}: {_count(len(source.write_keys), 'write key')}{state}")
    for name, sink in config.sinks.items():
        settings = msgspec.to_builtins(sink, enc_hook=str)
        set_keys = (f"{key} = {value}" for key, value in settings.items() if value)
        click.echo(f"sink       {name}: {', '.join(set_keys)}")
    for name, dialect in DIALECTS.items():
        click.echo(f"routes     {name}: {'|'.join(dialect.METHODS)} {' '.join(dialect.PATHS)}")


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"
