"""`gateway init`: write a configuration to start from."""

import os
import secrets
import shlex
from pathlib import Path

import click

from gateway.cli.options import fail
from gateway.cli.summary import command, trial_line

_CONFIGURATION = """\
# Configuration of an event gateway. Relative paths are relative to this file; "${{NAME}}" in a string is the
# environment variable NAME. `gateway check` reports mistakes; `gateway reload` makes a running gateway
# read it again.
# Every other key, with its default, is in config/full.toml of the gateway's repository.

[server]                         # the public address, for events
host = "127.0.0.1"               # "0.0.0.0" accepts events from other machines
port = 8080

[inspector]                      # the operators' address: pages, APIs and metrics
host = "127.0.0.1"               # any other address requires a token
port = 8081

[journal]                        # keeps every event until all sinks have it, and then for some time
path = "data/journal"
keep = "7d"
max_size = "20GB"

[sources.website]                # a sender of events; add a table for each
write_keys = ["{key}"]
# allowed_origins = ["https://shop.example"] # only pages of these sites; without it, all

[sinks.archive]                  # a destination of events; add a table for each
kind = "json_lines"              # a file, one JSON object a line
path = "data/events.jsonl"
# rotate_daily = true            # start a new file every day
"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("gateway.toml"))
def init(file: Path) -> None:
    """Write a commented configuration with a new write key to FILE, by default gateway.toml.

    Only you can read the file. An existing file is never changed.

    Exit code 0, or 2 if the file exists or cannot be written.

    \b
    Examples:
      gateway init
      gateway init /etc/gateway.toml
    """
    # Hexadecimal, because a key that begins with "-" or holds "$" is a nuisance in a shell.
    key = secrets.token_hex(16)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(_CONFIGURATION.format(key=key))
        except BaseException:
            file.unlink()
            raise
    except FileExistsError as error:
        remedy = f"edit it, or choose another FILE: {command()} init FILE"
        raise click.exceptions.Exit(fail(f"{file} exists, and was not changed; {remedy}")) from error
    except OSError as error:
        raise click.exceptions.Exit(fail(f"{file}: {error.strerror}")) from error
    name = click.format_filename(file)
    option = "" if file.absolute() == Path("gateway.toml").absolute() else f" --config {shlex.quote(name)}"
    click.echo(
        f"{name} is written, with a new write key. Next:\n"
        f"  {command()} check{option}    # shows what it means\n"
        f"  {command()} serve{option}    # starts the gateway; then, in another terminal:\n"
        f"  {trial_line('http://127.0.0.1:8080', key)}\n"
        "See it arrive at http://127.0.0.1:8081.\n"
        f"Events are appended to {file.absolute().parent / 'data/events.jsonl'}."
    )
