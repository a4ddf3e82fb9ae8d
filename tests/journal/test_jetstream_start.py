"""A gateway starts only with streams that keep what its configuration requires."""

import asyncio
import itertools
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from nats.js import api

from gateway.config.tables import Journal
from gateway.config.units import Size
from gateway.errors import ConfigError
from gateway.journal import engines
from gateway.journal.jetstream import promise, start
from gateway.journal.jetstream.link import Link
from tests.journal.jetstream_engine import on, syncing_server
from tests.sinks.gate import Gate
from tests.sinks.nats_server import nats_server


def promised(journal: Journal) -> str:
    """Return what an acknowledgement means."""

    async def ask() -> str:
        link = Link(journal)
        try:
            return await promise.ask(link, journal)
        finally:
            await link.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()


def test_all_gateways_have_the_same_journal() -> None:
    journal = on(syncing_server(), partitions=2)

    first, second = start.prepare(journal), start.prepare(journal)

    assert len(first) == 16
    assert first == second


class ForgettingGate(Gate):
    """A gate behind which a stream that has been created is not found at once, as on a server that lags."""

    def __init__(self, target: int, stream: str, questions: range) -> None:
        super().__init__(target)
        self._asked, self._stream, self._questions = itertools.count(), stream.encode(), questions

    def _pass(self, said: bytes, client: socket.socket) -> bytes:
        question = b"$JS.API.STREAM.INFO." + self._stream
        if question in said and next(self._asked) in self._questions:
            return said.replace(self._stream, self._stream.swapcase())
        return said


def test_a_stream_that_is_created_but_not_found_at_once_is_waited_for() -> None:
    journal = on(syncing_server(), partitions=1)
    gate = ForgettingGate(syncing_server().port, f"{journal.name}-0", range(1, 3))

    identity = start.prepare(msgspec.structs.replace(journal, servers=(f"nats://127.0.0.1:{gate.port}",)))

    gate.close()
    assert start.prepare(journal) == identity


def test_one_copy_that_is_synced_is_promised_as_such() -> None:
    journal = on(syncing_server(), partitions=1)
    start.prepare(journal)

    assert promised(journal) == "fsync"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"require": "quorum"}, "1 copy is no majority", id="one copy for a quorum"),
        pytest.param({"monitor": ()}, "name them in [journal] monitor", id="no monitoring port"),
        pytest.param({"monitor": ("http://127.0.0.1:1",)}, "0 of 1 monitoring ports", id="none that answers"),
        pytest.param({"replicas": 3}, "replicas", id="more copies than servers"),
        pytest.param({"servers": ("nats://127.0.0.1:1",)}, "no JetStream at", id="no server"),
    ],
)
def test_a_journal_that_keeps_too_little_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        start.prepare(on(syncing_server(), partitions=1, **changes), seconds=2.0)

    assert words in str(caught.value)
    assert len(caught.value.mistakes) == 1


def test_a_server_that_syncs_now_and_then_is_refused() -> None:
    server = nats_server()
    journal = on(server, partitions=1, monitor=(server.monitor,))

    with pytest.raises(ConfigError, match="sync_interval: always"):
        start.prepare(journal)


def test_streams_of_others_are_refused() -> None:
    journal = on(syncing_server(), partitions=1)
    config = api.StreamConfig(name=f"{journal.name}-0", subjects=[f"{journal.name}.0"])
    syncing_server().run(lambda streams: streams.add_stream(config))

    with pytest.raises(ConfigError, match="no gateway has made"):
        start.prepare(journal)


def test_another_number_of_partitions_is_refused_with_the_way_to_change_it() -> None:
    journal = on(syncing_server(), partitions=2)
    start.prepare(journal)

    with pytest.raises(ConfigError, match=r"partitions: .* made with 2.*gateway journal copy"):
        start.prepare(msgspec.structs.replace(journal, partitions=3))


def test_another_size_is_applied() -> None:
    journal = on(syncing_server(), partitions=1)
    start.prepare(journal)

    start.prepare(msgspec.structs.replace(journal, max_size=Size(2**20)))

    stream = syncing_server().run(lambda streams: streams.stream_info(f"{journal.name}-0"))
    assert stream.config.max_bytes == 2**20


def test_a_folder_of_another_journal_is_refused() -> None:
    journal = on(syncing_server(), partitions=1)

    engines.recover(journal, engines.find_identity(journal) or b"")
    with pytest.raises(ConfigError, match="belongs to another journal"):
        engines.recover(journal, bytes(16))
