"""`gateway serve`: run everything."""

import os
import signal
import socket
from pathlib import Path

import click
import msgspec

from gateway.cli.options import config_option, data_option, exiting_on_errors
from gateway.config.file import find, load
from gateway.config.tables import Config


@click.command()
@config_option
@data_option
@click.option("--host", help="Address to listen on, instead of [server] host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of [server] port; 0: any."
)
def serve(file: Path | None, data: Path | None, host: str | None, port: int | None) -> None:
    """Run the gateway: intake, delivery and inspector.

    Without a configuration it accepts events for the write key "dev" on 127.0.0.1:8080, and appends them to
    data/events.jsonl.

    SIGTERM or Ctrl-C stops it: requests in flight are answered, and accepted events delivered, in 8 seconds
    at most. SIGHUP makes it take configuration and code anew, as "gateway reload" does.

    Exit code 0 after a stop, 1 if the system does not let it run, 2 if it could not start; standard error
    says why, one line a mistake.

    \b
    Examples:
      gateway serve
      gateway serve --config /etc/gateway.toml
      gateway serve --host 0.0.0.0 --port 80 --data /var/lib/gateway
    """
    # It waits until the supervisor handles it, and would end the process otherwise.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP,))

    from gateway import logs
    from gateway.processes.supervisor import Supervisor
    from gateway.sqlite import check_sqlite

    def read() -> Config:
        config = load(file, data, os.environ)
        given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
        return msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, **given))

    def announce(public: socket.socket, private: socket.socket) -> None:
        key = "dev" if config.built_in else "$WRITE_KEY"
        click.echo(
            f"gateway listens on {_url(public)}, its inspector on {_url(private)}/metrics\n"
            f"""try: curl {_url(public)}/v1/track -u {key}: -d '{{"userId": "u1", "event": "Hello"}}'""",
            # A sink that prints events has standard output to itself.
            err=any(sink.uses_stdout for sink in config.sinks.values()),
        )

    logs.configure()
    # Found once: if the file is missing at a reload, that must not load another one.
    file = find(file, os.environ)
    with exiting_on_errors():
        check_sqlite()
        config = read()
        Supervisor(config, read).run(announce)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
