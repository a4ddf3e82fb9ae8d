"""`gateway ledger`: whether every event is accounted for."""

from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.options import config_option, data_option
from gateway.cli.printing import json_option
from gateway.cli.state import opened
from gateway.inspector.queries.ledger import balance


@click.command()
@json_option
@config_option
@data_option
def ledger(as_json: bool, file: Path | None, data: Path | None) -> None:
    """Show what became of every event at every sink.

    For each sink, the events of the journal are delivered, filtered, duplicates, dead, skipped or pending.
    Exit code 1: the sums do not balance. Works whether or not the gateway is running; what the intake has
    received and refused is known only while it is running.
    """
    with opened(file, data) as gateway:
        found = balance(gateway.config, gateway.state, gateway.journal)
    if as_json:
        printing.to_json(found)
    else:
        if found.refused is not None:
            refused = sum(found.refused.values())
            node = f" by node {gateway.config.node}" if gateway.config.node else ""
            click.echo(
                f"Received{node} {found.received:,}: {found.accepted:,} accepted, {refused:,} refused"
                " since the counters began."
            )
        click.echo(f"The journal has had {printing.count(found.journal, 'event')}.\n")
        rows = [
            (
                name,
                each.events,
                each.delivered,
                sum(each.filtered.values()),
                each.duplicate,
                sum(each.dead.values()),
                sum(each.skipped.values()),
                each.pending,
            )
            for name, each in found.sinks.items()
        ]
        header = ("SINK", "EVENTS", "DELIVERED", "FILTERED", "DUPLICATE", "DEAD", "SKIPPED", "PENDING")
        printing.table(header, rows)
        for line in found.differences:
            click.secho(line, fg="red")
        if found.balanced:
            click.secho("balanced", fg="green")
    if not found.balanced:
        raise click.exceptions.Exit(1)
