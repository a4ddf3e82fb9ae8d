"""`gateway sinks`: how the sinks fare, and orders for them."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.connecting import SinkFailed, try_to_connect
from gateway.cli.options import config_option, data_option, exiting_on_errors, yes_option
from gateway.cli.printing import json_option
from gateway.cli.sink_views import views
from gateway.cli.state import Opened, check_sink, confirm, opened
from gateway.cli.times import Time
from gateway.config.file import load
from gateway.errors import ConfigError
from gateway.state import report
from gateway.state.orders import Verb

_SKIP_SECONDS = 10.0


@click.group(invoke_without_command=True)
@json_option
@config_option
@data_option
@click.pass_context
def sinks(context: click.Context, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Show how each sink fares; pause, resume, skip and test sinks.

    Works while the gateway is running or stopped. Exit code 1: a sink is retrying or misconfigured.

    \b
    Examples:
      gateway sinks
      gateway sinks pause warehouse --yes
      gateway sinks skip warehouse --to 2h --yes
    """
    if context.invoked_subcommand:
        return
    with opened(file, data) as gateway:
        reports = _reports(gateway)
    for each in reports if as_json else ():
        printing.to_json(each)
    if not as_json:
        rows = [
            (
                each.name,
                each.kind,
                each.state,
                each.pending,
                printing.age(each.lag_seconds),
                each.delivered,
                sum(each.dead.values()),
            )
            for each in reports
        ]
        header = ("SINK", "KIND", "STATE", "PENDING", "OLDEST", "DELIVERED", "DEAD")
        printing.table(header, rows, left=3)
        for each in reports:
            if each.error:
                words = printing.clean(each.error.message, 400)
                click.echo(
                    f"\n{each.name}: {words} (since {each.error.since}, {each.retries} retries in all)"
                )
    if any(each.state in ("retrying", "misconfigured") for each in reports):
        raise click.exceptions.Exit(1)


sinks.add_command(views)


def _sink_command(function: Callable[..., None]) -> click.Command:
    return sinks.command()(click.argument("name")(yes_option(config_option(data_option(function)))))


@_sink_command
def pause(name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Pause delivery to the sink NAME.

    Takes effect within a second and persists across restarts. Until the sink is resumed, its events are
    retained in the journal, where they count toward max_size.
    """
    _order("pause", name, yes, file, data)
    click.echo(f"Sink {name} is paused. To resume it: gateway sinks resume {name}")


@_sink_command
def resume(name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Resume delivery to the sink NAME, from its position when it was paused.

    A sink that waits after a failure, or that is held because too many events were refused, is tried at once.
    """
    _order("resume", name, yes, file, data)
    click.echo(f"Sink {name} is resumed.")


@sinks.command()
@click.argument("name")
@click.option(
    "--to",
    "target",
    default="now",
    help='Where to continue: "now" (the default), a position such as "0/12345", a time, or an age ("2h").',
)
@yes_option
@config_option
@data_option
def skip(name: str, target: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Pass pending events of the sink NAME without delivering them.

    They count as skipped. As long as the journal retains them, `gateway replay` can send them all the same.
    """
    with opened(file, data, writing=True) as gateway:
        gateway.check_sink(name)
        positions = _positions(gateway, target)
        events = _pending_before(gateway, name, positions)
        if not events:
            click.echo(f"Sink {name} has no pending event before {target}.")
            return
        confirm(yes, f"Skip {events:,} events of sink {name}?")
        before = _skipped(gateway, name)
        order = gateway.state.orders.place(name, "skip", json.dumps(positions))
        end = time.monotonic() + _SKIP_SECONDS
        while not gateway.state.orders.is_done(order) and time.monotonic() < end and gateway.is_running():
            time.sleep(0.1)
        done = gateway.state.orders.is_done(order)
        skipped = _skipped(gateway, name) - before  # less than asked for if delivery was faster
    if done:
        click.echo(f"Sink {name} has skipped {skipped:,} events.")
    else:
        click.echo(
            f"Sink {name} will skip {events:,} events when the gateway runs and its sink can be stopped."
        )


@sinks.command(name="test")
@click.argument("name")
@config_option
@data_option
def test_sink(name: str, file: Path | None, data: Path | None) -> None:
    """Connect to the sink NAME as delivery does, and send nothing.

    Checks address, credentials, rights and schema, and creates what delivery would create, such as a table.
    Exit code 1: the sink cannot be used.
    """
    with exiting_on_errors():
        config = load(file, data, os.environ)
        check_sink(config, name)
        try:
            found = try_to_connect(name, config.sinks[name], config.journal.path)
        except SinkFailed as error:
            click.echo(f"sink {name}: {error}", err=True)
            raise click.exceptions.Exit(1) from error
    click.echo(f"Sink {name} can be used." if found == "ok" else f"Sink {name} is {found}.")


def _order(verb: Verb, name: str, yes: bool, file: Path | None, data: Path | None) -> None:
    """Place an order for a sink after the operator has confirmed it. Raises Exit with code 2."""
    with opened(file, data, writing=True) as gateway:
        gateway.check_sink(name)
        confirm(yes, f"{verb.capitalize()} sink {name}?")
        gateway.state.orders.place(name, verb)


def _reports(gateway: Opened) -> list[report.SinkReport]:
    with report.readers(gateway.journal) as readers:
        return [
            report.report(name, sink.__struct_config__.tag, gateway.state, readers, time.time())  # type: ignore[arg-type]  # every sink has a text as its tag
            for name, sink in gateway.config.sinks.items()
        ]


def _positions(gateway: Opened, target: str) -> dict[str, int]:
    """Return the position that a target on the command line stands for, in each partition concerned."""
    partition, slash, number = target.partition("/")
    with report.readers(gateway.journal) as readers:
        if slash and number.isdigit() and partition in readers:
            return {partition: min(int(number), readers[partition].newest())}
        if target == "now":
            return {name: reader.newest() for name, reader in readers.items()}
        try:
            seconds = Time().convert(target, None, None) / 1000
        except click.UsageError as error:
            raise ConfigError(
                f'--to: expected "now", a position, a time or an age, got {target!r}'
            ) from error
        return {name: reader.seek(seconds) for name, reader in readers.items()}


def _skipped(gateway: Opened, name: str) -> int:
    return report.total(gateway.state, name)["skipped", "operator"]


def _pending_before(gateway: Opened, name: str, positions: dict[str, int]) -> int:
    progress = gateway.state.progress(name)
    known = {partition: each.position.number for partition, each in progress.items()}
    return sum(max(0, position - known.get(partition, 0)) for partition, position in positions.items())
