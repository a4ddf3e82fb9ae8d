"""What the commands share: their arguments, how they find the journal, and how they report and end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.errors import ConfigError
from gateway.journal.base import UnknownPosition
from gateway.journal.segments import files
from gateway.journal.segments.examine.findings import Finding
from gateway.journal.segments.examine.inventory import Inventory, NotAJournal, find

path_argument = click.argument("path", required=False, type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration that names the journal; else $GATEWAY_CONFIG, else ./gateway.toml, else what"
    " is built in.",
)


def locate(path: Path | None, file: Path | None) -> Inventory:
    """
    List what there is at `path`, or in the configured journal without it.

    Raises NotAJournal, ConfigError and OSError.
    """
    if path is None:
        from gateway.config.file import load

        path = load(file, None, os.environ).journal.path
        if not path.exists():
            raise NotAJournal(f"[journal] path: {path} is not there; has the gateway ever run?")
    return find(path)


@contextmanager
def exit_codes() -> Iterator[None]:
    """
    Say in one line why a command cannot be done, and exit with 2.

    It ends without a word if whoever read its output has had enough.
    """
    try:
        yield
        sys.stdout.flush()
    except ConfigError as error:
        raise click.exceptions.Exit(_fail(*error.mistakes)) from error
    except (NotAJournal, UnknownPosition) as error:
        raise click.exceptions.Exit(_fail(str(error))) from error
    except BrokenPipeError:
        _discard_output()
    except KeyboardInterrupt as error:
        _discard_output()
        raise click.exceptions.Exit(_fail("interrupted")) from error
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:  # it was the output that failed, and would fail again at the end
            _discard_output()
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        raise click.exceptions.Exit(_fail(str(what))) from error


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that it can neither fail nor be waited for at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(*messages: str) -> int:
    for message in messages:
        click.echo(f"gateway: {message}", err=True)
    return 2


def print_finding(finding: Finding, *, err: bool = False) -> None:
    """Print a finding in one line."""
    offset = "" if finding.offset is None else f"offset {finding.offset}: "
    kind = click.style("fault", fg="red") if finding.fault else click.style("note ", fg="yellow")
    click.echo(f"{kind}  {finding.file}: {offset}{finding.message}", err=err)


def print_json(value: Any) -> None:
    """Print an object in one line."""
    click.echo(msgspec.json.encode(value, enc_hook=str))


def identity(inventory: Inventory) -> dict[str, object]:
    """Which journal it is, for --json; without an id where no file has a readable head."""
    known = {"journal": inventory.journal.hex()} if inventory.journal else {}
    return {**known, "format": files.FORMAT}


def name(inventory: Inventory) -> str:
    """Which journal it is."""
    return f"journal {inventory.journal.hex()}" if inventory.journal else "journal of unknown id"


def quantity(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
