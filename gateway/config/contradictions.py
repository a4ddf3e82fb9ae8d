"""What must hold between the tables of a configuration, which no table can check alone."""

from collections import Counter
from collections.abc import Iterator
from os.path import realpath

from gateway.config.tables import Config, suggest
from gateway.sinks.base import Sink
from gateway.sources import Source

_ALL_ADDRESSES = {"0.0.0.0", "::"}  # they stand for all addresses of this machine
_EMPTY = "must not be empty"
_ALONE = 'with the engine "embedded" there is only one gateway'
_MAX_ENGINE_EVENT_BYTES = 800 * 1024
"""Limit of what a client sends; an engine stores 900 KB, and larger events are refused one by one."""


def contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the mistakes that no table can find alone: table and key, and the text of the mistake."""
    yield from _shared_keys(config.sources)
    yield from _shared_files(config.sinks)
    yield from _nodes(config)
    for name, sink in config.sinks.items():
        if not sink.batch_bytes:
            yield f"[sinks.{name}] batch_bytes", "must be more than 0B"
        for key in ("events", "consent"):
            if "" in getattr(sink, key):  # no event matches it, so none would be delivered
                yield f"[sinks.{name}] {key}", _EMPTY
        for wanted in sink.sources:
            if wanted not in config.sources:
                hint = suggest(wanted, config.sources)
                yield f"[sinks.{name}] sources", f"there is no source {wanted!r}{hint}"
    if config.journal.engine != "embedded":
        for name, source in config.sources.items():
            if source.max_event and source.max_event > _MAX_ENGINE_EVENT_BYTES:
                yield f"[sources.{name}] max_event", f"the engine {config.journal.engine} takes at most 800KB"
    yield from listeners(config)


def listeners(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the mistake of two listeners at one address: table and key, and the text of the mistake."""
    server, inspector = config.server, config.inspector
    hosts = {"127.0.0.1" if each.host == "localhost" else each.host for each in (server, inspector)}
    if inspector.port and inspector.port == server.port and (len(hosts) == 1 or hosts & _ALL_ADDRESSES):
        yield "[inspector] port", "[server] has the same"


def _shared_keys(sources: dict[str, Source]) -> Iterator[tuple[str, str]]:
    keys = Counter(key for source in sources.values() for key in set(source.write_keys))
    tokens = Counter(token for source in sources.values() for token in set(source.api_tokens))
    for name, source in sources.items():
        if any(keys[key] > 1 for key in source.write_keys):
            yield f"[sources.{name}] write_keys", "another source has the same key"
        if any(tokens[token] > 1 for token in source.api_tokens):
            yield f"[sources.{name}] api_tokens", "another source has the same token"
        if any(token.reveal() in keys.keys() - set(source.write_keys) for token in source.api_tokens):
            yield f"[sources.{name}] api_tokens", "another source has the same as write key, which is public"


def _shared_files(sinks: dict[str, Sink]) -> Iterator[tuple[str, str]]:
    # Compared by what they lead to, however they are spelled.
    owners = Counter(realpath(file) for sink in sinks.values() for file in sink.files)
    for name, sink in sinks.items():
        if any(owners[realpath(file)] > 1 for file in sink.files):
            yield f"[sinks.{name}] path", "another sink has the same file"


def _nodes(config: Config) -> Iterator[tuple[str, str]]:
    shared = config.is_shared
    if config.server.node and not shared:
        yield "[server] node", _ALONE
    for name, sink in config.sinks.items():
        if sink.node and not shared:
            yield f"[sinks.{name}] node", _ALONE
        elif sink.node and not sink.is_of_one_machine:
            yield f"[sinks.{name}] node", "any gateway can deliver to this sink"
        elif sink.is_of_one_machine and shared and not sink.node:
            yield (
                f"[sinks.{name}] node",
                "missing; expected the name of the gateway that delivers to this sink",
            )
