"""`gateway replay`: send part of the journal to a sink again."""

from pathlib import Path

import click

from gateway.cli import printing
from gateway.cli.jobs import watch
from gateway.cli.options import AtLeastOne, config_option, data_option, yes_option
from gateway.cli.printing import json_option
from gateway.cli.state import confirm, opened
from gateway.cli.times import rate_option, since_option, until_option
from gateway.inspector.queries.replays import count_events, find, find_spans, progress, to_fields
from gateway.journal.follow import Wanted
from gateway.raw import timestamps
from gateway.state.jobs import Selection


class _Replay(click.Group):
    """A group whose own command is called without a name: `gateway replay SINK`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["start", *args]
        return super().parse_args(context, args)


@click.group(cls=_Replay)
def replay() -> None:
    """Send events that the journal still has to a sink again: gateway replay SINK [OPTIONS].

    A replay goes through the sink's filters, alongside live delivery. A target that identifies events by
    their position or id gets no second copy of what it has; others are told that it is a replay.

    \b
    Examples:
      gateway replay warehouse --since 2h --dry-run
      gateway replay warehouse --since 2026-11-25T00:00:00Z --until 2026-11-26T00:00:00Z --yes
      gateway replay start --help
      gateway replay list
      gateway replay cancel 3
    """


@replay.command()
@click.argument("sink")
@since_option
@until_option
@click.option("--source", help="Events of this source.")
@click.option("--type", "kind", help="Events of this type.")
@click.option("--event", help="Events with this name.")
@click.option("--user", help="Events with this userId or anonymousId.")
@click.option("--message-id", help="The event with this messageId.")
@rate_option
@click.option("--dry-run", is_flag=True, help="Only count the events.")
@click.option("--detach", is_flag=True, help="Do not wait for the end.")
@yes_option
@json_option
@config_option
@data_option
def start(
    sink: str,
    since: int | None,
    until: int | None,
    source: str | None,
    kind: str | None,
    event: str | None,
    user: str | None,
    message_id: str | None,
    rate: float | None,
    dry_run: bool,
    detach: bool,
    yes: bool,
    as_json: bool,
    file: Path | None,
    data: Path | None,
) -> None:
    """Replay events to SINK. Exit code 1: an event was refused."""
    selection = Selection(Wanted(source, kind, event, user, message_id), since, until)
    with opened(file, data, writing=True) as gateway:
        gateway.check_sink(sink)
        spans = find_spans(gateway.state, gateway.journal, sink, selection)
        events = count_events(gateway.config, gateway.journal, sink, selection, spans).events
        counted = printing.count(events, "event")
        if dry_run or not events:
            if as_json:
                printing.to_json({"sink": sink, "events": events})
            else:
                click.echo(f"{counted} to replay to sink {sink}.")
            return
        confirm(yes, f"Replay {counted} to sink {sink}?")
        job = gateway.state.jobs.replay(sink, selection, spans, rate or 0.0)
        detach = detach or not gateway.is_running()
        if not detach:
            job = watch(gateway, job, "Replaying")
    if as_json:
        printing.to_json(to_fields(job))
    elif detach:
        click.echo(f"Job {job.id} replays {counted} while the gateway is running.")
    else:
        sent = printing.count(job.sent, "event")
        click.echo(f"Job {job.id} is {job.state}: {sent} sent, {job.refused:,} refused.")
    if job.refused or job.state not in ("done", "running"):
        raise click.exceptions.Exit(1)


@replay.command(name="list")
@json_option
@config_option
@data_option
def list_jobs(as_json: bool, file: Path | None, data: Path | None) -> None:
    """List the replays, the newest first."""
    with opened(file, data) as gateway:
        jobs = gateway.state.jobs.all("replay")
    if as_json:
        for job in jobs:
            printing.to_json(to_fields(job))
        return
    if not jobs:
        click.echo("No replays.")
        return
    rows = [
        (
            job.id,
            job.sink,
            job.state,
            timestamps.write(job.created_at),
            f"{100 * progress(job) / max(1, job.events):.0f}%",
            job.sent,
            job.refused,
        )
        for job in jobs
    ]
    printing.table(("ID", "SINK", "STATE", "STARTED", "DONE", "SENT", "REFUSED"), rows, left=4)


@replay.command()
@click.argument("id", type=AtLeastOne)
@yes_option
@json_option
@config_option
@data_option
def cancel(id: int, yes: bool, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Cancel the replay ID. What it has sent stays sent."""
    with opened(file, data, writing=True) as gateway:
        job = find(gateway.state, id)
        confirm(yes, f"Cancel replay {id} to sink {job.sink}?")
        ended = gateway.state.jobs.finish(id, "cancelled")
        job = find(gateway.state, id)
    if as_json:
        printing.to_json(to_fields(job))
    else:
        click.echo(f"Replay {id} is cancelled." if ended else f"Replay {id} has ended already: {job.state}.")
