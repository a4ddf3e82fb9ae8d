"""Shared parts of the commands: their argument, locating the journal, output and exit codes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli.options import fail
from gateway.errors import ConfigError
from gateway.journal.base import UnknownPosition
from gateway.journal.segments import files
from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.examine.inventory import Inventory, NotAJournal, find

path_argument = click.argument("path", required=False, type=click.Path(path_type=Path))


def locate(path: Path | None, file: Path | None) -> Inventory:
    """
    List the files at `path`, or those of the journal that the configuration `file` names.

    Raises NotAJournal, ConfigError and OSError.
    """
    if path is None:
        from gateway.config.file import load

        path = load(file, None, os.environ).journal.path
        if not path.exists():
            raise NotAJournal(f"[journal] path: {path} does not exist; has the gateway ever run?")
    return find(path)


@contextmanager
def exit_codes() -> Iterator[None]:
    """
    Turn an error into one line on standard error and exit code 2.

    A closed output pipe ends the command silently.
    """
    try:
        yield
        sys.stdout.flush()
    except ConfigError as error:
        raise click.exceptions.Exit(fail(*error.mistakes)) from error
    except (NotAJournal, UnknownPosition) as error:
        raise click.exceptions.Exit(fail(str(error))) from error
    except BrokenPipeError:
        _discard_output()
    except KeyboardInterrupt as error:
        _discard_output()
        raise click.exceptions.Exit(fail("interrupted")) from error
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:  # the output itself failed, and would fail again at exit
            _discard_output()
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        raise click.exceptions.Exit(fail(str(what))) from error


def _discard_output() -> None:
    """Redirect standard output to /dev/null, so that flushing it at exit neither fails nor blocks."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_finding(finding: Finding, *, err: bool = False) -> None:
    """Print a finding on one line."""
    offset = "" if finding.offset is None else f"offset {finding.offset}: "
    kind = click.style("fault", fg="red") if finding.fault else click.style("note ", fg="yellow")
    click.echo(f"{kind}  {finding.file}: {offset}{finding.message}", err=err)


def print_json(value: Any) -> None:
    """Print an object as JSON on one line."""
    click.echo(msgspec.json.encode(value, enc_hook=str))


def identity(inventory: Inventory) -> dict[str, object]:
    """Return the journal's id and format for --json; without an id if no file has a readable header."""
    known = {"journal": inventory.journal.hex()} if inventory.journal else {}
    return {**known, "format": files.FORMAT}


def name(inventory: Inventory) -> str:
    """Return the journal's id as text."""
    return f"journal {inventory.journal.hex()}" if inventory.journal else "journal of unknown id"
