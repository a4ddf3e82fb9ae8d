"""
The streams of a journal: one for each partition, created by the first gateway that starts.

Their metadata holds the journal's id and the number of partitions, so that all gateways have the same.
"""

import asyncio
import time

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.jetstream import api
from gateway.journal.jetstream.api import Info
from gateway.journal.jetstream.link import Away, Link

_REQUEST_SECONDS = 5.0
_PAUSE_SECONDS = 0.1
IDENTITY, _PARTITIONS = "gateway_journal", "gateway_partitions"
_DUPLICATE_WINDOW_NANOSECONDS = 100_000_000  # the minimum; the expected sequence serves its purpose


def stream(journal: Journal, partition: str) -> str:
    """Return the name of a partition's stream."""
    return f"{journal.name}-{partition}"


def subject(journal: Journal, partition: str) -> str:
    """Return the subject of a partition's chunks."""
    return f"{journal.name}.{partition}"


def announcements(journal: Journal) -> str:
    """Return the subject of the announcements between appenders; see tail.py."""
    return f"{journal.name}.tails"


async def ask(link: Link, request: str, payload: bytes = b"", *, until: float) -> Info:
    """Ask about a stream, or change it, until there is a definite answer. Raises Away."""
    while True:
        try:
            end = min(until, time.monotonic() + _REQUEST_SECONDS)
            info = api.read_info((await link.request(f"$JS.API.{request}", payload, until=end)).data)
            if not info.error or info.error.err_code not in api.PASSING:
                return info
            away = Away(str(info.error))
        except Away as error:
            away = error
        if time.monotonic() + _PAUSE_SECONDS >= until:
            raise away
        await asyncio.sleep(_PAUSE_SECONDS)


async def prepare(link: Link, journal: Journal, partition: str, identity: str, until: float) -> api.Config:
    """Return the configuration of a partition's stream, which is created if it is missing. Raises Away."""
    name = stream(journal, partition)
    wanted = _wanted(journal, partition, identity)
    found = _checked(journal, await _create(link, name, wanted, until), name)
    if found.max_bytes != max_bytes(journal):
        wanted = _wanted(journal, partition, found.metadata[IDENTITY])
        found = _checked(journal, await ask(link, f"STREAM.UPDATE.{name}", wanted, until=until), name)
    if found.metadata[IDENTITY] != identity and partition != "0":
        raise ConfigError(
            f"[journal] name: the stream {name} belongs to another journal than {journal.name}-0"
        )
    return found


async def _create(link: Link, name: str, wanted: bytes, until: float) -> Info:
    """Return the information about a stream as soon as it is found; create it if it is missing."""
    is_created = False
    while True:
        info = await ask(link, f"STREAM.INFO.{name}", until=until)
        if not info.error or info.error.err_code != api.STREAM_NOT_FOUND:
            return info
        if is_created:  # by this gateway or, at the same time, by another: not all servers know at once
            if time.monotonic() + _PAUSE_SECONDS >= until:
                raise Away(str(info.error))
            await asyncio.sleep(_PAUSE_SECONDS)
        created = await ask(link, f"STREAM.CREATE.{name}", wanted, until=until)
        if created.error and created.error.err_code != api.STREAM_NAME_IN_USE:
            return created
        is_created = True


def max_bytes(journal: Journal) -> int:
    """Return the size at which a stream refuses more."""
    return journal.max_size // journal.partitions


def _wanted(journal: Journal, partition: str, identity: str) -> bytes:
    return api.encode(
        name=stream(journal, partition),
        subjects=[subject(journal, partition)],
        retention="limits",
        storage="file",
        discard="new",  # nothing is discarded that a sink may still need
        num_replicas=journal.replicas,
        max_bytes=max_bytes(journal),
        max_consumers=-1,
        max_msgs=-1,
        max_age=0,
        allow_direct=True,
        deny_delete=True,
        duplicate_window=_DUPLICATE_WINDOW_NANOSECONDS,
        metadata={IDENTITY: identity, _PARTITIONS: str(journal.partitions)},
    )


def _checked(journal: Journal, info: Info, name: str) -> api.Config:
    """Return the configuration of a stream that can keep the journal's promise. Raises ConfigError."""
    if info.error or info.config is None:
        raise ConfigError(f"[journal] name: the stream {name} cannot be had: {info.error}")
    found = info.config
    partitions = found.metadata.get(_PARTITIONS)
    if partitions is None or IDENTITY not in found.metadata:
        raise ConfigError(f"[journal] name: there is a stream {name} that no gateway has made")
    if int(partitions) != journal.partitions:
        raise ConfigError(
            f"[journal] partitions: {name} was made with {partitions}, which is fixed: set it back, or begin"
            " a journal with another name and copy the events with `gateway journal copy`"
        )
    if found.num_replicas != journal.replicas:
        raise ConfigError(
            f"[journal] replicas: the stream {name} has {found.num_replicas}; set it to that, or change the"
            f" streams by `nats stream edit --replicas={journal.replicas}` while no events arrive"
        )
    weak = weakness(found)
    if weak:
        raise ConfigError(f"[journal] name: the stream {name} {weak}")
    return found


def weakness(found: api.Config) -> str:
    """Return why a stream may lose events that it has acknowledged, or "" if it cannot."""
    if found.storage != "file":
        return "is in memory; create it with file storage"
    if found.persist_mode not in ("", "default"):
        return f"has the persist mode {found.persist_mode}, which acknowledges before it writes"
    if found.retention != "limits" or found.max_age or found.max_msgs > 0 or found.discard != "new":
        return "drops events that sinks may still need; it must have discard new and no limit but max_bytes"
    if not found.allow_direct:
        return "does not allow direct gets (allow_direct)"
    return ""
