"""
`python -m tests.bench`: the figures that count, as ratios to ceilings measured in the same run.

The intake runs alone on one core, with load and delivery on the others. Wall times are medians of the rounds,
CPU times minima: whatever else goes on in the machine can only add to them.
"""

import os
import shutil
import tempfile
from pathlib import Path
from types import ModuleType

import click

from tests.bench import (
    analysis,
    backlog,
    batch,
    brokers,
    commit,
    databases,
    delta,
    drain,
    duplicates,
    enrichment,
    idle,
    inspector,
    jetstream_journal,
    kafka_journal,
    latency,
    machine,
    mapping,
    overload,
    parquet,
    pinned,
    postgres,
    requests,
    restarts,
    search,
    single,
    soak,
    table,
)
from tests.bench.options import Options
from tests.bench.table import Row

_MEASUREMENTS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        single,
        batch,
        latency,
        drain,
        enrichment,
        idle,
        backlog,
        commit,
        restarts,
        duplicates,
        parquet,
        postgres,
        databases,
        requests,
        mapping,
        delta,
        analysis,
        brokers,
    )
}
_ONLY_WHEN_NAMED = {
    "search": search,
    "soak": soak,
    "overload": overload,
    "inspector": inspector,
    "jetstream_journal": jetstream_journal,
    "kafka_journal": kafka_journal,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*_MEASUREMENTS, *_ONLY_WHEN_NAMED]))
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Each measures everything once, in turns.",
)
@click.option(
    "--seconds", type=click.IntRange(1), default=3, show_default=True, help="For each load of a round."
)
@click.option(
    "--drain", type=click.IntRange(1), default=1_000_000, show_default=True, help="Events to drain."
)
@click.option(
    "--backlog",
    type=click.IntRange(1),
    default=5_000_000,
    show_default=True,
    help="Events of the backlog, 1 KB each.",
)
@click.option("--ids", type=click.IntRange(1), default=2_000_000, show_default=True, help="Ids to index.")
@click.option(
    "--minutes", type=click.IntRange(1), default=20, show_default=True, help="Of the soak, if it is named."
)
@click.option(
    "--search",
    "searched",
    type=click.IntRange(1),
    default=10_000_000,
    show_default=True,
    help="Events of the journal to search, 1 KB each.",
)
def main(
    names: tuple[str, ...],
    rounds: int,
    seconds: int,
    drain: int,
    backlog: int,
    ids: int,
    minutes: int,
    searched: int,
) -> None:
    """Measure the gateway, or only what is named, below the current folder."""
    modules = _MEASUREMENTS | _ONLY_WHEN_NAMED
    os.sched_setaffinity(0, pinned.REST)
    for line in machine.lines(Path.cwd()):
        click.echo(line)
    rows: list[Row] = []
    try:
        for name in names or _MEASUREMENTS:
            with tempfile.TemporaryDirectory(dir=".") as folder:
                path = Path(folder).absolute()
                options = Options(path, rounds, seconds, drain, backlog, ids, minutes, searched)
                _measure(name, modules[name], options, rows)
    finally:  # what was found before an error or Ctrl-C counts
        click.echo("\n".join(["", *table.lines(rows)]))


def _measure(name: str, module: ModuleType, options: Options, rows: list[Row]) -> None:
    for program in module.PROGRAMS:
        if not shutil.which(program):
            return click.echo(f"{name}: not measured, since {program} is not installed", err=True)
    click.echo(f"{name} …", err=True)
    rows.extend(module.measure(options))


if __name__ == "__main__":
    main()
