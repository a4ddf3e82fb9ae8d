"""What the operator writes: the tables of gateway.toml, and what must hold between them."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from os.path import isdir, realpath
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.config.units import Duration, Size
from gateway.services import script
from gateway.sinks.base import Sink
from gateway.sources import Source
from gateway.webhooks.signature import check_secret

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]

_URL = re.compile(r"https?://([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?(/[\w./~-]*)?", re.ASCII)
_SMALLEST_JOURNAL = 1024 * 1024  # bytes


class Server(msgspec.Struct, frozen=True):
    """The intake's public address."""

    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Positive = 1
    """Processes."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For, -Proto and -Host are believed."""
    public_url: str = ""
    """Where SDKs are told to send; if empty, where they fetched their settings."""
    analytics_js: Path | None = None
    """The operator's own copy of the script that pages with Segment's snippet load."""


class Inspector(msgspec.Struct, frozen=True):
    """The operators' address."""

    host: str = "127.0.0.1"
    port: Port = 8081
    token: str = ""
    """Asked for as Bearer; required as soon as the host is not a loopback address."""


class Journal(msgspec.Struct, frozen=True):
    """Where events are kept until every sink has them, and some time longer."""

    path: Path = Path("data/journal")
    keep: Duration = Duration(7 * 86400)
    """How long delivered events stay."""
    max_size: Size = Size(20 * 1024**3)
    """What was delivered goes early, and then new events are refused, before the journal is larger."""


class Delivery(msgspec.Struct, frozen=True):
    """How events get from the journal to the sinks."""

    processes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """At the most; 0: one a core. There are never more than sinks."""


class Config(msgspec.Struct, frozen=True):
    """All of it, valid; every path is absolute."""

    server: Server
    inspector: Inspector
    journal: Journal
    delivery: Delivery
    sources: dict[str, Source]
    sinks: dict[str, Sink]
    built_in: bool = False
    """Whether nobody has written anything."""


def contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """What no table can say alone: the key, and what is wrong."""
    owners = Counter(key for source in config.sources.values() for key in set(source.write_keys))
    tokens = Counter(token for source in config.sources.values() for token in set(source.api_tokens))
    for name, source in config.sources.items():
        where = f"[sources.{name}]"
        if source.api_tokens and not source.site_id:
            yield f"{where} site_id", "missing; its api_tokens are for a site"
        if "" in source.api_tokens or any(tokens[token] > 1 for token in source.api_tokens):
            yield f"{where} api_tokens", "none may be empty, or belong to another source too"
        if not owners.keys().isdisjoint(source.api_tokens):
            yield f"{where} api_tokens", "a write key is public, and cannot be an API token"
        if not source.write_keys or "" in source.write_keys:
            yield f"{where} write_keys", "there must be at least one, and none may be empty"
        if any(owners[key] > 1 for key in source.write_keys):
            yield f"{where} write_keys", "another source has the same key"
        for limit in ("max_event", "max_body", "max_events"):
            if getattr(source, limit) == 0:
                yield f"{where} {limit}", "nothing would ever be small enough"
        try:
            for secret in source.webhook_secrets:
                check_secret(source.signature, secret)
        except ValueError as error:
            yield f"{where} webhook_secret", str(error)
    # By whatever spelling.
    files = {name: Path(realpath(sink.path)) for name, sink in config.sinks.items() if hasattr(sink, "path")}
    paths = Counter(files.values())
    for name, sink in config.sinks.items():
        for wanted in sink.sources:
            if wanted not in config.sources:
                hint = suggest(wanted, config.sources)
                yield f"[sinks.{name}] sources", f"there is no source {wanted!r}{hint}"
        if name in files and paths[files[name]] > 1:
            yield f"[sinks.{name}] path", "another sink has the same file"
        if name in files and isdir(files[name]):  # noqa: PTH112  # is_dir raises where a folder is closed to us
            yield f"[sinks.{name}] path", "is a folder; expected a file"
    for address in config.server.trusted_proxies:
        try:
            ip_network(address, strict=False)
        except ValueError as error:
            yield "[server] trusted_proxies", str(error)
    if config.server.public_url and not _URL.fullmatch(config.server.public_url):
        yield "[server] public_url", 'expected a URL such as "https://events.example.com"'
    if config.server.analytics_js:
        try:
            script.check(config.server.analytics_js)
        except ValueError as error:
            yield "[server] analytics_js", str(error)
    if config.journal.max_size < _SMALLEST_JOURNAL:
        yield "[journal] max_size", "must be at least 1MB"
    if not config.inspector.token and not _is_loopback(config.inspector.host):
        yield "[inspector] token", "required, since the host is not a loopback address"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def suggest(word: object, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
