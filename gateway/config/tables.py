"""The gateway's own tables in gateway.toml."""

import difflib
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from socket import gethostname
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from gateway.config import paths, script, servers
from gateway.config.secret import Secret
from gateway.config.units import Duration, Positive, Size
from gateway.postgresql import dsn
from gateway.sinks.base import Sink
from gateway.sources import Source

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]

_URL = re.compile(r"https?://([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?(/[\w./~-]*)?", re.ASCII)
_IN_HEADERS = re.compile(r"[\x21-\x7e]*")
_EMPTY = "must not be empty"
_MIN_JOURNAL_BYTES = 1024 * 1024
_ENGINE_KEYS = ("servers", "name", "partitions", "replicas", "require", "monitor", "user", "password", "ca")
"""Keys of [journal] that only an engine other than the embedded one has."""
_DRIVERS = {"jetstream": ("nats", "nats"), "kafka": ("confluent_kafka", "kafka")}
"""By engine, the module that it needs, and the gateway's extra that installs it."""
_MIN_PARTITION_BYTES = 10 * 1024 * 1024  # of an engine
_MAX_NAME_CHARACTERS = 100
_HOST = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?")
_NAME = re.compile(rf"[\w-]{{1,{_MAX_NAME_CHARACTERS}}}", re.ASCII)


class Server(msgspec.Struct, frozen=True):
    """The intake's public address."""

    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Positive = 1
    """Number of processes."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For, -Proto and -Host are believed."""
    public_url: str = ""
    """The address that SDKs get with their settings; empty: the one that they asked at."""
    drain: Duration = Duration(0)
    """How long the gateway is unready before it stops."""
    analytics_js: Path | None = None
    """The operator's own copy of the script that is loaded by pages with Segment's snippet."""
    node: str = ""
    """The name of this gateway among several that share the journal; empty: the host's name."""

    @property
    def name(self) -> str:
        return self.node or gethostname()

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        yield from _check_host(self.host)
        for address in self.trusted_proxies:
            try:
                ip_network(address, strict=False)
            except ValueError as error:
                yield "trusted_proxies", str(error)
        if self.public_url and not _URL.fullmatch(self.public_url):
            yield "public_url", 'expected a URL such as "https://events.example.com"'
        if self.analytics_js:
            try:
                script.check(self.analytics_js)
            except ValueError as error:
                yield "analytics_js", str(error)


class Inspector(msgspec.Struct, frozen=True):
    """The operators' address."""

    host: str = "127.0.0.1"
    port: Port = 8081
    token: Secret = Secret("")
    """Clients must send it as Bearer; empty: no token is required, allowed only for a loopback address."""
    mask: tuple[str, ...] = ()
    """Keys whose values are hidden in pages, APIs and logs, at any depth and in any case."""

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        yield from _check_host(self.host)
        if self.host and not self.token and not _is_loopback(self.host):
            yield "token", "required, since the host is not a loopback address"
        if not _IN_HEADERS.fullmatch(self.token.reveal()):
            yield "token", "must be ASCII without white space, or no client could send it"


class Journal(msgspec.Struct, frozen=True):
    """The log that keeps events until every sink has them, and for some time after."""

    path: Path = Path("data/journal")
    keep: Duration = Duration(7 * 86400)
    """How long delivered events are kept."""
    max_size: Size = Size(20 * 1024**3)
    """Before the journal grows larger, delivered events are deleted early, then new events are refused."""
    engine: Literal["embedded", "jetstream", "kafka"] = "embedded"
    servers: tuple[str, ...] = ()
    """Addresses of the engine, in its own form."""
    name: str = "gateway"
    """The name of the streams or the topic."""
    partitions: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    replicas: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    require: Literal["quorum", "fsync"] = "quorum"
    """What must hold before an event is acknowledged: a majority of replicas has it, or has synced it."""
    monitor: tuple[str, ...] = ()
    """Addresses of NATS's monitoring ports, the only source that tells how its servers sync."""
    user: str = ""
    password: Secret | None = None
    ca: Path | None = None
    """CA certificates, as PEM; by default the system's."""

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        try:
            paths.check_folder(self.path)
        except ValueError as error:
            yield "path", str(error)
        if self.max_size < _MIN_JOURNAL_BYTES:
            yield "max_size", "must be at least 1MB"
        if self.engine == "embedded":
            for key in _ENGINE_KEYS:
                if getattr(self, key) != getattr(_DEFAULTS, key):
                    yield key, 'the embedded engine has none; set engine = "jetstream" or "kafka"'
            return
        if not self.servers:
            yield "servers", f"required by the engine {self.engine}"
        elif self.engine == "jetstream":
            yield from servers.check_nats(self.servers)
        else:
            yield from servers.check_kafka(self.servers)
        driver, extra = _DRIVERS[self.engine]
        if find_spec(driver) is None:
            yield "engine", f"{driver} is missing: pip install 'event-gateway[{extra}]'"
        if self.max_size < self.partitions * _MIN_PARTITION_BYTES:
            yield "max_size", "must be at least 10MB a partition"
        if any(urlsplit(address).scheme not in ("http", "https") for address in self.monitor):
            yield "monitor", "expected http://HOST:8222"
        if not _NAME.fullmatch(self.name):
            yield "name", f"expected up to {_MAX_NAME_CHARACTERS} ASCII letters, digits, - and _"
        if bool(self.user) != bool(self.password):
            yield "user", "a user needs a password, and a password its user"
        if self.ca and not self.ca.is_file():
            yield "ca", f"there is no file {self.ca}"
        if self.engine != "jetstream" and self.monitor:
            yield "monitor", f"the engine {self.engine} has none"


_DEFAULTS = Journal()


class State(msgspec.Struct, frozen=True):
    """Where the state of delivery, people and products are stored."""

    url: Secret = Secret("")
    """A database of PostgreSQL; empty: files in the data folder."""

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        if self.url:
            for text in dsn.mistakes(self.url):
                yield "url", text
            if find_spec("psycopg") is None:
                yield "url", "psycopg is missing: pip install 'event-gateway[cluster]'"


class Delivery(msgspec.Struct, frozen=True):
    """How events get from the journal to the sinks."""

    processes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The most processes; 0: one per core. There are never more processes than sinks."""
    max_dead: Size = Size(1024**3)
    """The most bytes of dead letters for each sink; when they are reached, the sink waits."""
    duplicates: Duration = Duration(86400)
    """How long an event with the source and messageId of an earlier one counts as a duplicate; 0: off."""

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        if not self.max_dead:
            yield "max_dead", "must be more than 0B, or sinks would wait for ever at the first refused event"


class Config(msgspec.Struct, frozen=True):
    """A whole configuration. It is valid, and every path is absolute."""

    server: Server
    inspector: Inspector
    journal: Journal
    delivery: Delivery
    sources: dict[str, Source]
    sinks: dict[str, Sink]
    state: State = State()
    built_in: bool = False
    """True if there is no file, so that this is the built-in configuration."""

    @property
    def is_shared(self) -> bool:
        """True if other gateways may have the same journal."""
        return self.journal.engine != "embedded"

    @property
    def node(self) -> str:
        """The name of this gateway among those that share the journal; empty if there is only one."""
        return self.server.name if self.is_shared else ""


def _check_host(host: str) -> Iterator[tuple[str, str]]:
    if not host:
        yield "host", _EMPTY
    elif not _HOST.fullmatch(host) and not _is_address(host):
        yield "host", f'expected an address such as "0.0.0.0" or a host name, without a port, got {host!r}'


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def suggest(word: object, known: Iterable[str]) -> str:
    """Return a hint at the known word closest to a wrong one, or an empty text."""
    close = difflib.get_close_matches(str(word), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
