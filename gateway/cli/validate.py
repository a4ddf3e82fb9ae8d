"""`gateway validate`: what the gateway would do with the events of a file."""

import gzip
import io
import os
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlencode

import click
import msgspec

from gateway.cli import printing
from gateway.cli.options import config_option, data_option, exiting_on_errors, fail
from gateway.cli.printing import json_option
from gateway.config.file import load
from gateway.config.tables import Config, suggest
from gateway.errors import ConfigError, Refusal
from gateway.intake import body
from gateway.intake.router import begin
from gateway.raw.places import Place
from gateway.services.validation import Item, UnknownRoute, Validator, refuse
from gateway.sources import Source, Sources

_MAX_BODY_BYTES = 16 * 1024**2
_is_json = msgspec.json.Decoder(msgspec.Raw).decode


@click.command()
@click.argument(
    "events", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
@click.option("--dialect", default="segment", show_default=True, help="The dialect that FILE is in.")
@click.option(
    "--route", default="", help='The route it is for, such as "/v1/track"; default: several events.'
)
@click.option("--source", help="The source of events that name no write key; default: the only source.")
@json_option
@config_option
@data_option
def validate(
    events: Path,
    dialect: str,
    route: str,
    source: str | None,
    as_json: bool,
    file: Path | None,
    data: Path | None,
) -> None:
    """Show what the gateway would do with FILE, or with standard input if FILE is -. Nothing is stored.

    FILE is the body of one request, or has a body on each line; it may be compressed with gzip. The current
    configuration accepts, repairs or refuses each event, shown with its place in FILE and what to change; no
    running gateway is needed. With --json, its canonical event and what each sink would get are printed too.

    Exit code 0 if all events would be accepted, 1 if some would be refused, 2 if FILE cannot be read.

    \b
    Examples:
      gateway validate events.jsonl
      gateway validate order.json --dialect commandersact --route /events
      gateway validate --json - < batch.json
    """
    with exiting_on_errors():
        config = load(file, data, os.environ)
        judge = _Judge(config, dialect, route, _source(config, source))
    counts: Counter[str] = Counter()
    try:
        with click.open_file(str(events), "rb") as stream:
            for line, text in _bodies(stream):
                for item in judge.items(text, line):
                    counts[item.verdict] += 1
                    _show(item, as_json)
    except (OSError, EOFError) as error:
        raise click.exceptions.Exit(fail(f"{events}: {error}")) from error
    if not as_json:
        click.echo(", ".join(f"{number:,} {verdict}" for verdict, number in counts.items()) or "No events.")
    if counts["refused"]:
        raise click.exceptions.Exit(1)


class _Judge:
    """Judges bodies of one route, sent with a key of `source` unless they name their own."""

    def __init__(self, config: Config, dialect: str, route: str, source: Source | None) -> None:
        """Raise ConfigError if there is no such route."""
        self._validator = Validator.of(Sources(config.sources.values()), config.sinks)
        try:
            self._endpoint, self._route = self._validator.endpoint(dialect, route)
        except UnknownRoute as error:
            raise ConfigError(str(error)) from error
        self._query = b""
        if source:
            # Each dialect reads the parameter that it knows.
            key = source.write_keys[0]
            query = {"writeKey": key, "token": key, **({"tc_s": source.site_id} if source.site_id else {})}
            self._query = urlencode(query).encode()
        self._most = self._endpoint.sources.widest(self._endpoint.dialect.LIMITS)

    def items(self, text: bytes, line: int) -> Iterator[Item]:
        """Yield the verdicts on a body that begins on this line."""
        submission = begin("POST", self._route, {b"host": b"localhost"}, self._query, "127.0.0.1")
        try:
            submission.body = body.finish(text, submission.headers, self._most)
            found = self._validator.validate(self._endpoint, submission)
        except Refusal as refusal:
            found = refuse(refusal)
        for item in found.items:
            place = item.place or Place(1, 1, 0, len(text))
            item.place = msgspec.structs.replace(place, line=place.line + line - 1)
            yield item


def _source(config: Config, name: str | None) -> Source | None:
    """Return the source whose key is used: the named or the only one, else None. Raises ConfigError."""
    if name is None:
        return next(iter(config.sources.values())) if len(config.sources) == 1 else None
    if name not in config.sources:
        raise ConfigError(f"there is no source {name!r}{suggest(name, config.sources)}")
    return config.sources[name]


def _bodies(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """
    Yield each body with the line on which it begins: the whole content if it is one body, else each line.

    Content that is not JSON is still one body if its first line is not JSON either.
    """
    head = stream.read(_MAX_BODY_BYTES + 1)
    rest: IO[bytes] | gzip.GzipFile = stream
    if head.startswith(b"\x1f\x8b"):
        rest = gzip.GzipFile(fileobj=cast(IO[bytes], _Joined(head, stream)))
        head = rest.read(_MAX_BODY_BYTES + 1)
    first = head.lstrip().partition(b"\n")[0]
    if len(head) <= _MAX_BODY_BYTES and (_reads(head) or not _reads(first)):
        if head.strip():
            yield 1, head
        return
    lines = io.BytesIO(head + rest.readline(_MAX_BODY_BYTES))
    ends = iter(lambda: rest.readline(_MAX_BODY_BYTES), b"")
    for number, line in enumerate(chain(lines, ends), 1):
        if line.strip():
            yield number, line


def _reads(text: bytes) -> bool:
    """Return whether a text is one JSON value."""
    try:
        _is_json(text)
    except (ValueError, RecursionError):
        return False
    return True


class _Joined:
    """What has already been read from a stream, then the rest of it."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def read(self, size: int) -> bytes:
        return self._head.read(size) or self._rest.read(size)


def _show(item: Item, as_json: bool) -> None:
    """Print a verdict; for people, only if there is something to say about the event."""
    if as_json:
        click.echo(msgspec.json.encode(item))
        return
    assert isinstance(item.place, Place)
    where = f"{item.place.line}:{item.place.column}"
    if item.verdict == "refused":
        details = f" ({printing.clean(item.details, 200)})" if item.details else ""
        click.echo(f"{where}: {click.style(str(item.code), fg='red')}: {item.hint}{details}")
    for warning in item.warnings:
        detail = f" ({printing.clean(warning.detail, 100)})" if warning.detail else ""
        code = click.style(warning.code, fg="yellow")
        click.echo(f"{where}: {code}: {printing.clean(warning.field, 100)}{detail}")
