"""`gateway sinks`: how the sinks are doing, and orders for them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from gateway.cli import printing
from gateway.cli.options import config_option, data_option, exiting_on_errors, has_sub_command, yes_option
from gateway.cli.printing import json_option
from gateway.cli.sink_views import views
from gateway.cli.state import confirm, opened
from gateway.config.file import load
from gateway.inspector.queries.sinks import (
    Ordered,
    Skipped,
    order,
    pending_before,
    place_skip,
    targets,
    try_out,
)
from gateway.inspector.queries.sinks import reports as find_reports


@click.group(invoke_without_command=True)
@json_option
@config_option
@data_option
@click.pass_context
def sinks(context: click.Context, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Show how each sink is doing; pause, resume, skip and test sinks.

    Works whether or not the gateway is running. Exit code 1: a sink is retrying or misconfigured.

    \b
    Examples:
      gateway sinks
      gateway sinks pause warehouse --yes
      gateway sinks skip warehouse --to 2h --yes
    """
    if has_sub_command(context):
        return
    with opened(file, data) as gateway:
        reports = find_reports(gateway.config, gateway.state, gateway.journal)
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
                tries = f"{each.retries:,} {'retry' if each.retries == 1 else 'retries'} in all"
                click.echo(f"\n{each.name}: {words} (since {each.error.since}, {tries})")
    if any(each.state in ("retrying", "misconfigured") for each in reports):
        raise click.exceptions.Exit(1)


sinks.add_command(views)


def _sink_command(function: Callable[..., None]) -> click.Command:
    return sinks.command()(
        click.argument("name")(yes_option(json_option(config_option(data_option(function)))))
    )


@_sink_command
def pause(name: str, yes: bool, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Pause delivery to the sink NAME.

    Takes effect within a second and persists across restarts. Until the sink is resumed, its events are
    retained in the journal, where they count toward max_size.
    """
    ordered = _order("pause", name, yes, file, data)
    printing.tell(ordered, as_json, f"Sink {name} is paused. To resume it: gateway sinks resume {name}")


@_sink_command
def resume(name: str, yes: bool, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Resume delivery to the sink NAME, from the position at which it was paused.

    A sink that is waiting after a failure, or held because too many events were refused, is tried at once.
    """
    ordered = _order("resume", name, yes, file, data)
    printing.tell(ordered, as_json, f"Sink {name} is resumed.")


@sinks.command()
@click.argument("name")
@click.option(
    "--to",
    "target",
    default="now",
    help='Where to continue: "now" (the default), a position such as "0/12345", a time, or an age ("2h").',
)
@yes_option
@json_option
@config_option
@data_option
def skip(name: str, target: str, yes: bool, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Skip pending events of the sink NAME: they are not delivered.

    They count as skipped. As long as the journal retains them, `gateway replay` can still send them.
    """
    with opened(file, data, writing=True) as gateway:
        gateway.check_sink(name)
        positions = targets(gateway.journal, target)
        events = pending_before(gateway.state, name, positions)
        if events:
            confirm(yes, f"Skip {printing.count(events, 'event')} of sink {name}?")
            skipped = place_skip(gateway.state, name, positions, gateway.is_running)
        else:
            skipped = Skipped(name, 0, done=True)
    if not events:
        text = f"Sink {name} has no pending event before {target}."
    elif skipped.done:
        text = f"Sink {name} has skipped {printing.count(skipped.events, 'event')}."
    else:
        counted = printing.count(events, "event")
        text = f"Sink {name} will skip {counted} when the gateway runs and its sink can be stopped."
    printing.tell(skipped, as_json, text)


@sinks.command(name="test")
@click.argument("name")
@json_option
@config_option
@data_option
def test_sink(name: str, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Connect to the sink NAME as delivery does, without sending anything.

    Checks address, credentials, rights and schema, and creates what delivery would create, such as a table.
    Exit code 1: the sink cannot be used.
    """
    with exiting_on_errors():
        tested = try_out(load(file, data, os.environ), name)
    if tested.usable:
        words = "can be used" if tested.message == "ok" else f"is {tested.message}"
        printing.tell(tested, as_json, f"Sink {name} {words}.")
        return
    printing.tell(tested, as_json, f"sink {name}: {tested.message}", err=True)
    raise click.exceptions.Exit(1)


def _order(
    verb: Literal["pause", "resume"], name: str, yes: bool, file: Path | None, data: Path | None
) -> Ordered:
    """Place an order for a sink after the operator has confirmed it. Raises Exit with code 2."""
    with opened(file, data, writing=True) as gateway:
        gateway.check_sink(name)
        confirm(yes, f"{verb.capitalize()} sink {name}?")
        return order(gateway.state, name, verb)
