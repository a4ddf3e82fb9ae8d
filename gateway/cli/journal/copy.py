"""`gateway journal copy`: copy a journal from one engine to another."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from gateway.cli import printing
from gateway.cli.importing import warn
from gateway.cli.journal.copying import Copy
from gateway.cli.options import exiting_on_errors, fail
from gateway.config.file import load
from gateway.config.tables import Config
from gateway.errors import ConfigError, JournalUnavailable
from gateway.home import Home
from gateway.journal import engines
from gateway.journal.base import Appender, Log
from gateway.processes import ownership
from gateway.state.store import State

_START_SECONDS = 15.0
"""How long the target may take before it accepts events."""
_RETRY_SECONDS = 0.05
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


class _Opened(NamedTuple):
    config: Config
    home: Home
    journal: Log
    state: State


@click.command()
@click.option("--from", "source", type=_FILE, required=True, help="Configuration with the journal to copy.")
@click.option(
    "--to", "target", type=_FILE, required=True, help="Configuration with the journal to copy it to."
)
def copy(source: Path, target: Path) -> None:
    """Copy a journal to another engine, with the position of each sink.

    Copies every event that is kept, and the position, the counts, the dead letters and the pauses of each
    sink, so that the gateway continues with the other configuration where it stopped: no event is lost, and
    none is delivered twice. No gateway may run with either configuration in the meantime.

    The target must be empty, or hold what an interrupted copy left: run the command again to resume it.
    Events get new positions, and count as stored at the time of the copy. People, products and unfinished
    jobs are not copied.

    \b
    Example:
      gateway journal copy --from embedded.toml --to cluster.toml
    """
    with exiting_on_errors(), ExitStack() as held:
        before, after = (held.enter_context(_owned(file)) for file in (source, target))
        if before.home.journal == after.home.journal:
            raise ConfigError(f"{source} and {target} have the same journal")
        if running := [job.id for job in before.state.jobs.all() if job.state == "running"]:
            raise ConfigError(
                f"job {running[0]} has not ended: cancel it (gateway replay cancel {running[0]})"
            )
        work = Copy(before.journal, after.journal, before.state, after.state)
        try:
            asyncio.run(_run(work, after))
            work.record()
        except (JournalUnavailable, OSError) as error:
            text = getattr(error, "details", "") or str(error)
            raise click.exceptions.Exit(fail(f"{text}; run the command again to resume")) from error
    click.echo(f"{printing.count(work.total - work.unreadable, 'event')} copied.", err=True)
    if work.unreadable:
        warn(f"{printing.count(work.unreadable, 'event')} damaged, and left out")
        raise click.exceptions.Exit(1)


async def _run(work: Copy, target: _Opened) -> None:
    config = target.config
    label = f"{work.total:,} events"
    with click.progressbar(length=work.total, label=label, show_pos=True, file=sys.stderr) as bar:
        async with engines.appending(config.journal, target.home.journal, 0, 1) as appender:
            try:
                await _answering(appender)
                async for done in work.run(appender):
                    bar.update(done - bar.pos)
            finally:
                await appender.close()


async def _answering(appender: Appender) -> None:
    """Return once the target accepts events. Raises JournalUnavailable if it does not within a while."""
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            return await appender.probe()
        except JournalUnavailable:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(_RETRY_SECONDS)


@contextmanager
def _owned(file: Path) -> Iterator[_Opened]:
    """Own the gateway of a configuration for the duration of the block. Raises ConfigError if it runs."""
    config = load(file, None, os.environ)
    home = Home(config.journal.path, config.state.url)
    with ownership.own(home, config.journal):
        if config.is_shared:
            from gateway.state.nodes import find_nodes  # its driver is an extra

            if alive := [node.name for node in find_nodes(config.state.url) if node.alive]:
                raise ConfigError(f"{file}: gateway {alive[0]} is running")
        with closing(State.open(home.state, home.journal)) as state:
            yield _Opened(config, home, engines.open_log(config.journal), state)
