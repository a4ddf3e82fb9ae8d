"""The command `gateway`."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from gateway.config import Config
from gateway.config_file import BUILT_IN, find, load
from gateway.errors import ConfigError, JournalUnavailable

_FILE = click.Path(path_type=Path, dir_okay=False)
_config = click.option(
    "--config",
    "file",
    type=_FILE,
    help="The configuration; else $GATEWAY_CONFIG, else ./gateway.toml, else what is built in.",
)
_data = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help='The folder for what the configuration does not place, instead of "data".',
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-gateway")
def main() -> None:
    """A gateway for customer events: it takes what SDKs, pixels and webhooks send, has it on disk before it
    answers, and delivers it to every sink."""


@main.command()
@_config
@_data
@click.option("--host", help="Listen here instead of [server] host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here instead of [server] port.")
def serve(file: Path | None, data: Path | None, host: str | None, port: int | None) -> None:
    """Run the gateway: intake, delivery and inspector.

    Without a configuration it takes events for the write key "dev" on 127.0.0.1:8080, and appends them to
    data/events.jsonl. Stop it with Ctrl-C or SIGTERM; SIGHUP makes it read its configuration again.
    """
    from gateway import logs
    from gateway.app.supervisor import Supervisor
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
            # Where events are printed, nothing else is.
            err=any(type(sink).__struct_config__.tag == "stdout" for sink in config.sinks.values()),
        )

    logs.configure()
    # Once for all: when it is read again, it shall not be another one because this one is missing.
    file = find(file, os.environ)
    with _told():
        check_sqlite()
        config = read()
        Supervisor(config, read).run(announce)


@main.command()
@_config
def check(file: Path | None) -> None:
    """Say what a configuration means, or what is wrong with it.

    Exit code 0 if the gateway can run with it, else 2 and one line for each mistake.
    """
    from gateway.app.shares import limit
    from gateway.dialects import DIALECTS

    with _told():
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
    for name, dialect in DIALECTS.items():
        click.echo(f"routes     {name}: {'|'.join(dialect.METHODS)} {' '.join(dialect.PATHS)}")
    for name, sink in config.sinks.items():
        settings = msgspec.to_builtins(sink, enc_hook=str)
        told = (f"{key} = {value}" for key, value in settings.items() if value)
        click.echo(f"sink       {name}: {', '.join(told)}")


@main.command()
@_config
@_data
@click.option("--source", help="Only events of this source.")
@click.option("--type", "kind", help="Only events of this type: track, page, identify …")
@click.option("--event", help="Only events of this name.")
@click.option("--user", help="Only events of this userId or anonymousId.")
@click.option("-n", "--last", default=0, help="Begin with so many that are already there (of each worker).")
def tail(
    file: Path | None,
    data: Path | None,
    source: str | None,
    kind: str | None,
    event: str | None,
    user: str | None,
    last: int,
) -> None:
    """Print canonical events as they come, one JSON object a line.

    It reads the journal of a gateway on this machine, and disturbs nobody. End it with Ctrl-C.
    """
    from gateway.tail import Wanted, follow

    with _told():
        config = load(file, data, os.environ)
        if not config.journal.path.exists():
            raise ConfigError(
                f"[journal] path: {config.journal.path} is not there; has the gateway ever run?"
            )
    try:
        for line in follow(config.journal.path, Wanted(source, kind, event, user), last):
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # whoever read it has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", "address", default="http://127.0.0.1:8080", show_default=True, help="The gateway.")
@click.option(
    "--write-key", envvar="WRITE_KEY", default="", help="For events that name none; or in $WRITE_KEY."
)
def send(file: Path, address: str, write_key: str) -> None:
    """Import FILE, which has one event a line, in Segment's shape with its "type".

    Lines that are refused are listed with their number. Called again, it goes on where it ended: that is
    noted in FILE.sent. Exit code 0 if all events were accepted, 1 if some were refused, 2 if it could
    not be finished.
    """
    from gateway.send import Broken, Import

    try:
        work = Import(file, address, write_key)
        done = work.progress
        if done.offset and done.offset == file.stat().st_size:
            click.echo(f"{file} was sent before; delete {work.notes} to send it again.", err=True)
        elif done.offset:
            click.echo(f"Going on from line {done.line + 1}.", err=True)
        with click.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar:
            bar.update(done.offset)
            for mistakes in work.run():
                for mistake in mistakes:
                    click.echo(f"{file}:{mistake.line}: {mistake.code}: {mistake.message}")
                bar.update(done.offset - bar.pos)
    except (Broken, OSError) as error:
        raise click.exceptions.Exit(_tell(str(error))) from error
    click.echo(f"{done.accepted} accepted, {done.refused} refused.", err=True)
    if done.refused:
        raise click.exceptions.Exit(1)


@main.group()
def products() -> None:
    """The catalogue, from which events get what they do not say of their products."""


@products.command("import")
@click.argument("products_file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--site", help="The site whose catalogue it is; else the only one that is configured.")
@_config
@_data
def import_products(products_file: Path, site: str | None, file: Path | None, data: Path | None) -> None:
    """Merge FILE into the catalogue: one product a line, a JSON object with its "id".

    Lines that are wrong are listed with their number, and cost no other. The gateway may be running: it
    uses the new properties from the next event on. Exit code 0 if all lines were good, 1 if some were
    not, 2 if it could not be finished.
    """
    from gateway.journal.files import make_folder
    from gateway.records.file import Import
    from gateway.records.table import Table
    from gateway.records.table import products as beside

    with _told():
        config = load(file, data, os.environ)
        site = _site(config, site)
    try:
        make_folder(config.journal.path.parent)
        work = Import(products_file, Table(beside(config.journal.path)), site)
        size = products_file.stat().st_size
        with click.progressbar(length=size, label=products_file.name, file=sys.stderr) as bar:
            for faults in work.run():
                for fault in faults:
                    click.echo(f"{products_file}:{fault.line}: {fault.code}: {fault.detail}")
                bar.update(work.offset - bar.pos)
    except (JournalUnavailable, OSError) as error:
        raise click.exceptions.Exit(_tell(str(error))) from error
    click.echo(f"{work.accepted} merged, {work.refused} refused.", err=True)
    if work.refused:
        raise click.exceptions.Exit(1)


def _site(config: Config, wanted: str | None) -> str:
    sites = sorted({source.site_id for source in config.sources.values() if source.site_id})
    if not sites:
        raise ConfigError("a catalogue belongs to a site: give a source its site_id")
    if wanted is None and len(sites) == 1:
        return sites[0]
    if wanted not in sites:
        raise ConfigError(f"--site: say which one it is of {', '.join(sites)}")
    return wanted


@contextmanager
def _told() -> Iterator[None]:
    """Tell of mistakes, one line each, and exit with 2."""
    try:
        yield
    except ConfigError as error:
        raise click.exceptions.Exit(_tell(*error.mistakes)) from error


def _tell(*mistakes: str) -> int:
    for mistake in mistakes:
        click.echo(f"gateway: {mistake}", err=True)
    return 2


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"
