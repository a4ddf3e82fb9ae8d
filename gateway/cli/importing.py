"""Show an import of a file at work: a progress bar, each refused line, and the totals."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import click

from gateway.errors import GatewayError


class ImportFailed(GatewayError):
    """The import cannot go on; the progress so far is kept."""


class Fault(Protocol):
    """The reason why one line was refused."""

    @property
    def line(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def detail(self) -> str: ...


class Import(Protocol):
    """An import of a file, line by line."""

    @property
    def offset(self) -> int:
        """Bytes of the file that have been processed."""

    @property
    def accepted(self) -> int:
        """Lines that were accepted, including by an earlier run that this one resumes."""

    @property
    def refused(self) -> int:
        """Lines that were refused."""

    def run(self) -> Iterator[Sequence[Fault]]:
        """Import some lines per step, and yield the faults of each step."""


def show(file: Path, work: Import, verb: str) -> None:
    """
    Run an import, and exit with 1 if lines were refused.

    Standard output gets one line per fault; standard error gets the progress bar and the totals, in which
    `verb` describes the accepted lines. Errors of the import pass through, after the totals so far.
    """
    size = file.stat().st_size if file.is_file() else 0
    try:
        with click.progressbar(length=size, label=file.name, file=sys.stderr, hidden=not size) as bar:
            bar.update(work.offset)
            for faults in work.run():
                for fault in faults:
                    _clear_line()
                    click.echo(f"{file}:{fault.line}: {fault.code}: {fault.detail}")
                bar.update(work.offset - bar.pos)
            bar.update(size - bar.pos)
    finally:
        click.echo(f"{work.accepted} {verb}, {work.refused} refused.", err=True)
    if work.refused:
        raise click.exceptions.Exit(1)


def warn(message: str) -> None:
    """Print a message on standard error, in place of a progress bar."""
    _clear_line()
    click.echo(f"gateway: {message}", err=True)


def _clear_line() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
