"""`gateway destinations`: the mappings that come with the gateway, and what they make of events."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import click
import msgspec

from gateway.cli import printing
from gateway.cli.event_file import EventFile
from gateway.cli.importing import ImportFailed
from gateway.cli.options import config_option, data_option, exiting_on_errors, fail, has_sub_command
from gateway.cli.printing import json_option
from gateway.config.file import load
from gateway.destinations import vendor as vendors
from gateway.destinations.settings import Setting, read_settings
from gateway.destinations.vendor import BadMapping, MappingFile, Vendor
from gateway.errors import ConfigError
from gateway.raw import timestamps

if TYPE_CHECKING:
    from gateway.destinations.packing import Request
    from gateway.destinations.program import Program

_SCHEMA = Path(vendors.__file__).parent / "schema.json"
_MASK = "********"
_MAX_EVENT_BYTES = 16 * 1024**2
_ADDED = {"type": "track", "properties": {}, "traits": {}, "context": {}, "integrations": {}}


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def destinations(context: click.Context, as_json: bool) -> None:
    """List the vendors whose APIs a sink of kind "destination" can send to, with their settings.

    \b
    Examples:
      gateway destinations
      gateway destinations try ga4 events.jsonl
      gateway destinations schema > mapping.schema.json
    """
    if has_sub_command(context):
        return
    for name in vendors.names():
        vendor = vendors.built_in(name)
        settings, _ = read_settings(vendor.table.get("settings", {}))
        if as_json:
            described = {key: _describe(each) for key, each in settings.items()}
            about = {"name": name, "title": vendor.title, "docs": vendor.docs}
            printing.to_json({**about, "settings": described})
            continue
        click.secho(f"{name}  {vendor.title}", bold=True)
        click.echo(f"  {vendor.docs}")
        for key, each in settings.items():
            click.echo(f"  {key}{_default(each)}: {each.about}")


@destinations.command(name="try")
@click.argument("name")
@click.argument("events", metavar="FILE", type=click.File("rb"))
@config_option
@data_option
def try_(name: str, events: IO[bytes], file: Path | None, data: Path | None) -> None:
    """Print the requests that the events of FILE would become at NAME, and the rules that they break.

    NAME is a sink of the configuration, a vendor, or a mapping file. FILE has events as clients send
    them or as the journal has them, one JSON object per line or one JSON array; - is standard input.
    Nothing is sent, secrets are masked, and missing settings are made up. Exit code 1: an event
    would be refused.

    \b
    Examples:
      gateway destinations try ga4 events.jsonl
      gateway destinations try acme.toml events.jsonl
      gateway tail --last 20 | gateway destinations try analytics -
    """
    try:
        from gateway.destinations.planning import plan
        from gateway.destinations.program import Program
    except ModuleNotFoundError as error:
        missing = f"{error.name} is missing: pip install 'event-gateway[destination]'"
        raise click.exceptions.Exit(fail(missing)) from error
    with exiting_on_errors():
        vendor, given = _find(name, file, data)
    try:
        known, _ = read_settings(vendor.table.get("settings", {}))
        # With a mask in place of each secret, none can be printed, however a mapping encodes it.
        given |= {key: _MASK for key, value in given.items() if value and key in known and known[key].secret}
        program = Program(vendor, {key: _made_up(key, each) for key, each in known.items()} | given)
        lines = list(_lines(events))
    except BadMapping as error:
        raise click.exceptions.Exit(fail(*error.mistakes)) from error
    except ImportFailed as error:
        raise click.exceptions.Exit(fail(str(error))) from error
    kept = [(number, line) for number, line in enumerate(lines, 1) if not _excluded(program, number, line)]
    planned = plan(program, [line for _, line in kept], 1, time.time())
    for lane in planned.lanes:
        for request in lane:
            _show(request)
    reasons: dict[int, Exception] = {**planned.refused, **planned.failed}
    for index, reason in sorted(reasons.items()):
        code = getattr(reason, "code", "internal_error")
        click.echo(f"event {kept[index][0]}: {click.style(code, fg='red')}: {reason}")
    if planned.refused or planned.failed:
        raise click.exceptions.Exit(1)


@destinations.command()
def schema() -> None:
    """Print the JSON schema of mappings, which lets editors complete and check them."""
    click.echo(_SCHEMA.read_text("utf-8"), nl=False)


def _find(name: str, file: Path | None, data: Path | None) -> tuple[Vendor, dict[str, str]]:
    """Return the mapping that a name stands for, and the given settings. Raises ConfigError."""
    from gateway.sinks.destination import Destination

    try:
        if name.endswith(".toml"):
            return MappingFile.read(Path(name)).vendor(), {}
        sink = None if name in vendors.names() else load(file, data, os.environ).sinks.get(name)
        if isinstance(sink, Destination):
            return sink.vendor(), {key: each.reveal() for key, each in sink.settings.items()}
        if name in vendors.names():
            return vendors.built_in(name), {}
    except BadMapping as error:
        raise ConfigError(*error.mistakes) from error
    except ValueError as error:
        raise ConfigError(str(error)) from error
    known = f"one of {', '.join(vendors.names())}"
    raise ConfigError(f"{name}: expected a sink of kind destination, the file of a mapping, or {known}")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield events as the journal has them. Raises ImportFailed."""
    now = time.time_ns() // 1_000_000
    for entry in EventFile(file, getattr(file, "name", "-"), _MAX_EVENT_BYTES).entries(0):
        try:
            event = json.loads(entry.data)
        except ValueError as error:
            raise ImportFailed(f"event {entry.number}: {error}") from error
        if not isinstance(event, dict):
            raise ImportFailed(f"event {entry.number}: expected an object")
        added = {"messageId": f"event-{entry.number}", "timestamp": timestamps.write(now)}
        yield json.dumps({**_ADDED, **added, **event}).encode()


def _excluded(program: "Program", number: int, line: bytes) -> bool:
    """Return True for an event that no rule matches, and print that."""
    event = json.loads(line)
    type, name = str(event["type"]), str(event.get("event") or "")
    reason = program.exclusion(type, name, line)
    if reason:
        click.echo(f"event {number}: filtered ({reason}): the mapping has no rule for {name or type}")
    return reason is not None


def _show(request: "Request") -> None:
    """Print a request; a form is printed as the JSON of its fields."""
    call = request.call
    query = "&".join(f"{key}={value}" for key, value in call.query.items())
    head = [f"{call.method} {call.url}{'?' if query else ''}{query}"]
    head += [f"{key}: {value}" for key, value in call.headers.items()]
    body = request.body
    if call.form:
        body = json.dumps(dict(parse_qsl(body.decode()))).encode()
    text = "\n".join([*head, printing.document(body)])
    click.echo(f"{text}\n")


def _made_up(name: str, setting: Setting) -> str:
    """Return a setting for a trial: its default, a mask for a secret, or its name."""
    if setting.default is not None:
        return setting.default
    return _MASK if setting.secret else f"<{name}>"


def _default(setting: Setting) -> str:
    if setting.default is None:
        return " (required, secret)" if setting.secret else " (required)"
    return f" = {setting.default!r}" if setting.default else ""


def _describe(setting: Setting) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(setting)
    return {key: value for key, value in described.items() if value not in (None, "", False)}
