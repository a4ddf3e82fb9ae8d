"""
What an acknowledgement promises, given the engine's configuration: checked at the start, and watched.

Only a server's monitoring port tells how it syncs: `sync_always` in /jsz?config=1 of NATS 2.12.
"""

import time
import urllib.request
from http.client import HTTPException

import msgspec
from anyio import to_thread

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.jetstream import streams
from gateway.journal.jetstream.link import Link

_MONITOR_SECONDS = 2.0
_START_SECONDS = 10.0


class _Storage(msgspec.Struct):
    sync_always: bool = False


class _Monitored(msgspec.Struct):
    config: _Storage


_read = msgspec.json.Decoder(_Monitored).decode


async def ask(link: Link, journal: Journal) -> str:
    """
    Return what a 2xx means: "quorum-fsync", "quorum" or "fsync".

    Raises ConfigError, in one line with the remedy, if that is weaker than `[journal] require` demands; and
    Away.
    """
    for number in range(journal.partitions):
        name = streams.stream(journal, str(number))
        info = await streams.ask(link, f"STREAM.INFO.{name}", until=time.monotonic() + _START_SECONDS)
        weak = streams.weakness(info.config) if info.config else f"cannot be had: {info.error}"
        if weak:
            raise ConfigError(f"[journal] name: the stream {name} {weak}")
        if info.config and info.config.num_replicas < journal.replicas:
            raise ConfigError(f"[journal] replicas: the stream {name} has {info.config.num_replicas}")
    return await check(journal)


async def check(journal: Journal) -> str:
    """Return what a 2xx means if the streams are as they must be. Raises ConfigError as `ask` does."""
    synced, why = await to_thread.run_sync(_sync, journal)
    copied = journal.replicas > 1
    if journal.require == "quorum" and not copied:
        raise ConfigError(
            '[journal] replicas: 1 copy is no majority; set 3, on three servers, or require = "fsync" for one'
        )
    if journal.require == "fsync" and not synced:
        raise ConfigError(f"[journal] require: {why}")
    if copied:
        return "quorum-fsync" if synced else "quorum"
    return "fsync"


def _sync(journal: Journal) -> tuple[bool, str]:
    """Return whether every server syncs before it acknowledges; if not, why not. Blocks."""
    answers = 0
    for address in journal.monitor:
        try:
            with urllib.request.urlopen(  # noqa: S310  # [journal] monitor has only http and https
                f"{address.rstrip('/')}/jsz?config=1", timeout=_MONITOR_SECONDS
            ) as answer:
                synced = _read(answer.read()).config.sync_always
        except (OSError, HTTPException, msgspec.DecodeError):
            continue
        if not synced:
            return False, f"{address} does not sync; set `sync_interval: always` in its jetstream block"
        answers += 1
    if answers > journal.replicas // 2:
        return True, ""
    if not journal.monitor:
        return (
            False,
            "NATS tells only at its monitoring ports whether it syncs; name them in [journal] monitor",
        )
    return (
        False,
        f"{answers} of {len(journal.monitor)} monitoring ports answer; {journal.replicas // 2 + 1} must",
    )
