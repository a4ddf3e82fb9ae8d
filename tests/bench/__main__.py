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
    backlog,
    batch,
    commit,
    drain,
    enrichment,
    idle,
    latency,
    machine,
    pinned,
    postgres,
    restarts,
    single,
    table,
)
from tests.bench.options import Options
from tests.bench.table import Row

_MEASUREMENTS = {
    module.__name__.rpartition(".")[2]: module
    for module in (single, batch, latency, drain, enrichment, idle, backlog, commit, restarts, postgres)
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(_MEASUREMENTS)))
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
def main(names: tuple[str, ...], rounds: int, seconds: int, drain: int, backlog: int) -> None:
    """Measure the gateway, or only what is named, below the current folder."""
    os.sched_setaffinity(0, pinned.REST)
    for line in machine.lines(Path.cwd()):
        click.echo(line)
    rows: list[Row] = []
    try:
        for name in names or _MEASUREMENTS:
            with tempfile.TemporaryDirectory(dir=".") as folder:
                options = Options(Path(folder).absolute(), rounds, seconds, drain, backlog)
                _measure(name, _MEASUREMENTS[name], options, rows)
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
