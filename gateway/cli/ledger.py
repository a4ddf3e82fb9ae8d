"""`gateway ledger`: whether every event is accounted for."""

from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.options import config_option, data_option
from gateway.cli.printing import json_option
from gateway.cli.state import opened
from gateway.inspector.counters import intake_counts
from gateway.state import report


@click.command()
@json_option
@config_option
@data_option
def ledger(as_json: bool, file: Path | None, data: Path | None) -> None:
    """Show what became of every event at every sink.

    For each sink, the events of the journal are delivered, filtered, duplicates, dead, skipped or pending.
    Exit code 1: the sums do not balance. Works while the gateway is running or stopped; what the intake has
    received and refused is known only while it is running.
    """
    with opened(file, data) as gateway:
        with report.readers(gateway.journal) as readers:
            journal = sum(reader.newest() for reader in readers.values())
            inspector = gateway.config.inspector
            sinks = {name: report.account(name, gateway.state, readers) for name in gateway.config.sinks}
        intake = intake_counts(inspector.host, inspector.port, inspector.token.reveal())
    differences = [
        f"sink {name}: {account.difference:+,} events not accounted for"
        for name, account in sinks.items()
        if account.difference
    ]
    if intake and intake["received"] < intake["accepted"] + sum(intake["refused"].values()):
        differences.append("intake: fewer events received than accepted and refused")
    if as_json:
        printing.to_json(
            {
                **(intake or {}),
                "journal": journal,
                "sinks": sinks,
                "balanced": not differences,
                "differences": differences,
            }
        )
    else:
        if intake:
            refused = sum(intake["refused"].values())
            click.echo(
                f"Received {intake['received']:,}: {intake['accepted']:,} accepted, {refused:,} refused"
                " since the counters began."
            )
        click.echo(f"The journal has had {journal:,} events.\n")
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
            for name, each in sinks.items()
        ]
        header = ("SINK", "EVENTS", "DELIVERED", "FILTERED", "DUPLICATE", "DEAD", "SKIPPED", "PENDING")
        printing.table(header, rows)
        for line in differences:
            click.secho(line, fg="red")
        if not differences:
            click.secho("balanced", fg="green")
    if differences:
        raise click.exceptions.Exit(1)
