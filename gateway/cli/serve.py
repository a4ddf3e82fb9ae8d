"""`gateway serve`: run everything."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from gateway.cli.options import config_option, data_option, exiting_on_errors
from gateway.cli.summary import start_lines, trial_key, trial_line
from gateway.config.contradictions import listeners
from gateway.config.file import find, load
from gateway.config.tables import Config
from gateway.errors import ConfigError

Table = TypeVar("Table", bound=msgspec.Struct)


@click.command()
@config_option
@data_option
@click.option("--host", metavar="ADDRESS", help="Address to listen on, instead of [server] host.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Port to listen on, instead of [server] port; 0: any.",
)
@click.option(
    "--inspector-port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Port of the inspector, instead of [inspector] port; 0: any.",
)
@click.option(
    "--workers", metavar="N", type=click.IntRange(1), help="Intake processes, instead of [server] workers."
)
def serve(
    file: Path | None,
    data: Path | None,
    host: str | None,
    port: int | None,
    inspector_port: int | None,
    workers: int | None,
) -> None:
    """Run the gateway: intake, delivery and inspector.

    Without a configuration it accepts events for the write key "dev" on 127.0.0.1:8080, and appends them to
    data/events.jsonl. `gateway init` writes a configuration to start from.

    SIGTERM or Ctrl-C stops it: requests in flight are answered, and accepted events delivered, within 8
    seconds. SIGHUP makes it reload configuration and code, as "gateway reload" does.

    Exit code 0 after a stop, 1 if the system does not let it run, 2 if it could not start; standard error
    says why, one line per mistake.

    \b
    Examples:
      gateway serve
      gateway serve --config /etc/gateway.toml
      gateway serve --port 9080 --inspector-port 9081
      gateway serve --host 0.0.0.0 --port 80 --data /var/lib/gateway --workers 2
    """
    # SIGHUP waits until the supervisor handles it; otherwise it would end the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP,))

    from gateway import logs
    from gateway.processes.supervisor import Supervisor
    from gateway.sqlite import check_sqlite

    def read() -> Config:
        config = load(file, data, os.environ)
        logs.hide(config.inspector.mask)
        server = _replace(config.server, host=host, port=port, workers=workers)
        config = _replace(config, server=server, inspector=_replace(config.inspector, port=inspector_port))
        mistakes = [*((f"[server] {key}", text) for key, text in server.check()), *listeners(config)]
        if mistakes:
            raise ConfigError(*(f"{where}: {text}" for where, text in mistakes))
        return config

    def announce(public: socket.socket, private: socket.socket) -> None:
        # A sink that prints events has standard output to itself.
        err = any(sink.uses_stdout for sink in config.sinks.values())
        terminal = (sys.stderr if err else sys.stdout).isatty()
        lines = [
            f"gateway listens on {_url(public)}, its inspector on {_url(private)}/",
            *start_lines(config, file),
        ]
        if key := trial_key(config):
            # Anywhere else it would end up in a log.
            shown = key if terminal or config.built_in else "$WRITE_KEY"
            lines.append(f"try: {trial_line(_url(public), shown)}")
        click.echo("\n".join(lines), err=err)

    logs.configure()
    # Found once: if the file is missing at a reload, that must not load another one.
    file = find(file, os.environ)
    with exiting_on_errors():
        check_sqlite()
        config = read()
        Supervisor(config, read).run(announce)


def _replace(table: Table, **given: Any) -> Table:
    """Return a table in which the values that are not None replace its own."""
    return msgspec.structs.replace(table, **{key: value for key, value in given.items() if value is not None})


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
