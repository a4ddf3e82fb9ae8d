"""`gateway dead`: list, show, retry and drop dead letters."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli import printing
from gateway.cli.jobs import watch
from gateway.cli.options import AtLeastOne, config_option, data_option, yes_option
from gateway.cli.printing import json_option
from gateway.cli.state import Opened, confirm, opened
from gateway.cli.times import rate_option, since_option, until_option
from gateway.errors import ConfigError
from gateway.inspector.queries.dead import Dropped, Retried, find, order_retries, to_fields
from gateway.raw import timestamps
from gateway.state.letters import Choice

_SHOWN = 50
_NO_LIMIT = 2**62


@click.group()
def dead() -> None:
    """List, show, retry and drop dead letters: events that a sink will never accept.

    Works whether or not the gateway is running; letters are retried while it is running.

    \b
    Examples:
      gateway dead list warehouse --since 2h
      gateway dead show 17
      gateway dead retry warehouse --code refused --yes
    """


def _filtered(function: Callable[..., None]) -> Callable[..., None]:
    """Add the filters that all commands have."""
    for option in (
        until_option,
        since_option,
        click.option("--source", help="Letters of this source."),
        click.option("--user", help="Letters with this userId or anonymousId."),
        click.option("--event", help="Letters of events with this name."),
        click.option("--code", help='Letters with this code, such as "refused".'),
        click.option("--id", type=AtLeastOne, help="The letter with this id."),
        click.argument("sink", required=False),
    ):
        function = option(function)
    return config_option(data_option(function))


@dead.command(name="list")
@_filtered
@click.option("--limit", type=AtLeastOne, help=f"At most this many; default {_SHOWN}, with --json all.")
@json_option
def list_letters(
    sink: str | None, limit: int | None, as_json: bool, file: Path | None, data: Path | None, **filters: Any
) -> None:
    """List the dead letters of SINK, or of all sinks, the oldest first."""
    with opened(file, data) as gateway:
        choice = _choice(gateway, sink, filters)
        total = sum(gateway.state.dead.count(choice).values())
        if as_json:
            for letter in gateway.state.dead.select(choice, limit):
                printing.to_json(to_fields(letter))
            return
        letters = list(gateway.state.dead.select(choice, limit or _SHOWN))
    if not letters:
        click.echo("No dead letters.")
        return
    rows = [
        (
            letter.id,
            letter.sink,
            f"{letter.partition}/{letter.position}",
            timestamps.write(letter.last_failed_at),
            letter.code,
            printing.clean(letter.event or letter.type, 30),
            printing.clean(letter.message, 80),
        )
        for letter in letters
    ]
    printing.table(("ID", "SINK", "POSITION", "LAST FAILED", "CODE", "EVENT", "MESSAGE"), rows, left=7)
    if total > len(letters):
        click.echo(f"\n{total - len(letters):,} more; choose by filters, or --limit.")


@dead.command()
@click.argument("id", type=AtLeastOne)
@json_option
@config_option
@data_option
def show(id: int, as_json: bool, file: Path | None, data: Path | None) -> None:
    """Show the dead letter ID with its whole event and what the target said."""
    with opened(file, data) as gateway:
        letter = find(gateway.state, id)
    if as_json:
        printing.to_json(to_fields(letter))
        return
    shown = msgspec.structs.asdict(to_fields(letter))
    fields = {key: value for key, value in shown.items() if value is not None and key != "canonical"}
    width = max(map(len, fields))
    for key, value in fields.items():
        click.echo(f"{click.style(key.ljust(width), bold=True)}  {printing.clean(str(value), 4096)}")
    click.echo(printing.document(letter.canonical))


@dead.command()
@_filtered
@click.option("--limit", type=AtLeastOne, help="At most this many, the oldest first.")
@rate_option
@click.option("--dry-run", is_flag=True, help="Only say how many letters would be retried.")
@click.option("--detach", is_flag=True, help="Do not wait for the end.")
@yes_option
@json_option
def retry(
    sink: str | None,
    limit: int | None,
    rate: float | None,
    dry_run: bool,
    detach: bool,
    yes: bool,
    as_json: bool,
    file: Path | None,
    data: Path | None,
    **filters: Any,
) -> None:
    """Send dead letters of SINK, or of all sinks, to their sinks again, in order of position.

    Accepted letters count as delivered. Exit code 1: a letter was refused again.
    """
    with opened(file, data, writing=True) as gateway:
        choice = _choice(gateway, sink, _fixed(filters))
        counts = gateway.state.dead.count(choice)
        letters = min(sum(counts.values()), limit or _NO_LIMIT)
        counted = printing.count(letters, "dead letter")
        if not letters or dry_run:
            printing.tell(Retried(letters, []), as_json, f"{counted} to retry.")
            return
        names = sorted({name for name, _ in counts})
        for name in names:
            gateway.check_sink(name)
        confirm(yes, f"Retry {counted}?")
        detach = detach or not gateway.is_running()
        jobs = [*order_retries(gateway.state, names, choice, rate or 0.0, limit)]
        refused = 0 if detach else sum(watch(gateway, job, "Retrying").refused for job in jobs)
    ordered = Retried(sum(job.events for job in jobs), [job.id for job in jobs], None if detach else refused)
    if detach:
        verb = "is" if letters == 1 else "are"
        printing.tell(ordered, as_json, f"{counted} {verb} retried while the gateway is running.")
    elif refused or as_json:
        verb = "was" if refused == 1 else "were"
        text = f"{printing.count(refused, 'dead letter')} {verb} refused again."
        printing.tell(ordered, as_json, text, err=True)
    if refused:
        raise click.exceptions.Exit(1)


@dead.command()
@_filtered
@click.option("--dry-run", is_flag=True, help="Only say how many letters would be dropped.")
@yes_option
@json_option
def drop(
    sink: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    file: Path | None,
    data: Path | None,
    **filters: Any,
) -> None:
    """Delete dead letters of SINK, or of all sinks. Their events count as skipped from then on."""
    with opened(file, data, writing=True) as gateway:
        choice = _choice(gateway, sink, _fixed(filters))
        letters = sum(gateway.state.dead.count(choice).values())
        if letters and not dry_run:
            confirm(yes, f"Drop {printing.count(letters, 'dead letter')} for good?")
            letters = gateway.state.dead.drop(choice)
    text = f"{printing.count(letters, 'dead letter')} {'to drop' if dry_run else 'dropped'}."
    printing.tell(Dropped(letters), as_json, text)


def _fixed(filters: dict[str, Any]) -> dict[str, Any]:
    """Return filters that match no letters that appear later, such as while the operator confirms."""
    return filters if filters["until"] is not None else {**filters, "until": time.time_ns() // 1_000_000 + 1}


def _choice(gateway: Opened, sink: str | None, filters: dict[str, Any]) -> Choice:
    """
    Return the choice of letters that the command line describes.

    Raises ConfigError for a sink that is neither configured nor has letters, and for an empty filter, as from
    an unset shell variable: it must not choose all letters.
    """
    given = {key: value for key, value in filters.items() if value is not None}
    if sink is not None:
        given["sink"] = sink
    for key, value in given.items():
        if value == "":
            name = "SINK" if key == "sink" else f"--{key}"
            raise ConfigError(f"{name} is empty; without it, all letters are chosen")
    known = {letter_sink for letter_sink, _ in gateway.state.dead.count(Choice())}
    if sink is not None and sink not in known:
        gateway.check_sink(sink)
    if "id" in given:
        given["ids"] = (given.pop("id"),)
    return Choice(**given)
