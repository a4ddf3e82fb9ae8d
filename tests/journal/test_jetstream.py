"""What only JetStream has: several appenders of a partition, lost answers, and a server that is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
import nats
import pytest
from anyio import to_thread
from nats.aio.msg import Msg

from gateway.config.tables import Journal
from gateway.config.units import Size
from gateway.errors import JournalUnavailable
from gateway.journal.base import Position
from gateway.journal.jetstream import api, start, streams
from gateway.journal.jetstream.appender import appending
from gateway.journal.jetstream.log import JetStreamLog
from gateway.journal.jetstream.view import View
from gateway.journal.spread import Spread
from tests.build import Read, event_line, event_lines, read_to_end
from tests.journal.engines import START
from tests.journal.jetstream_engine import OnJetStream, on
from tests.journal.oracle import RIGHT, Persons, judge, read_all
from tests.sinks.nats_server import NatsServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def engine() -> Iterator[OnJetStream]:
    engine = OnJetStream()
    yield engine
    engine.close()


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A server that the test may kill."""
    server = NatsServer(sync="always")
    yield server
    server.remove()


@asynccontextmanager
async def ready(journal: Journal) -> AsyncIterator[Spread]:
    """Lend an appender that has asked what the engine promises."""
    await to_thread.run_sync(start.prepare, journal)
    async with appending(journal) as appender:
        await answering(appender)
        yield appender
        await appender.close()


async def answering(appender: Spread) -> None:
    """Return once the appender is ready."""
    while True:
        try:
            return await appender.probe()
        except JournalUnavailable:
            await asyncio.sleep(0.02)


async def test_appenders_of_several_gateways_share_a_partition(engine: OnJetStream) -> None:
    one, other = engine.appender("0"), engine.appender("0")
    clients = [Persons("one", one, 10), Persons("other", other, 10)]

    tasks = [asyncio.create_task(each.run()) for each in clients]
    for each in clients:
        await each.acknowledge(200)
    for each in clients:
        each.stop()
    await asyncio.gather(*tasks)
    await one.close()
    await other.close()

    assert [each.refused for each in clients] == [0, 0]
    assert judge(clients, await to_thread.run_sync(read_all, engine.log)) == RIGHT


async def test_each_event_goes_to_the_partition_of_its_person(engine: OnJetStream) -> None:
    async with ready(engine.journal) as appender:
        await appender.append([b"\n".join(event_lines(0, 4))], 0, 4, [0, 1, 0, 1])

    found = {name: read_to_end(engine.log.reader(name), START).lines for name in ("0", "1")}
    assert found == {"0": [event_line(0), event_line(2)], "1": [event_line(1), event_line(3)]}


@pytest.mark.parametrize("moment", [b"Gateway-Chunk", b"$JS.API.STREAM.INFO"], ids=["publish", "read"])
async def test_an_append_whose_connection_is_cut_is_stored_once(server: NatsServer, moment: bytes) -> None:
    journal = on(server, servers=(server.gated,), partitions=1)
    async with ready(journal) as appender:
        with server.gate.at(moment, server.gate.mute):
            await appender.append(event_lines(0, 2))
            await appender.append(event_lines(2, 4))

    log = JetStreamLog(on(server, name=journal.name, partitions=1))
    assert await to_thread.run_sync(read_to_end, log.reader("0"), START) == Read(event_lines(0, 4), 0, 4)
    log.close()


async def test_an_append_that_a_server_refuses_while_another_stores_it_is_stored_once(
    engine: OnJetStream,
) -> None:
    """As a server that was halted does, until it learns that it leads the stream no more."""
    refusal = b'{"error": {"code": 400, "err_code": 10071, "description": "wrong last sequence: 0"}}'
    async with ready(engine.journal) as appender:
        journal = engine.journal
        assert journal.password
        client = await nats.connect(
            list(journal.servers),
            user=journal.user,
            password=journal.password.reveal(),
            allow_reconnect=False,
        )
        refused = asyncio.Event()

        async def refuse(message: Msg) -> None:
            if not refused.is_set():
                refused.set()
                await message.respond(refusal)

        await client.subscribe(streams.subject(journal, "0"), cb=refuse)
        await client.flush()

        await appender.append(event_lines(0, 2), 0, 2, [0, 0])

        assert refused.is_set()
        await client.close()
    assert read_to_end(engine.log.reader("0"), START) == Read(event_lines(0, 2), 0, 2)


async def test_without_its_server_an_append_is_refused_and_with_it_accepted_again(server: NatsServer) -> None:
    journal = on(server, partitions=2)
    async with ready(journal) as appender:
        await appender.append(event_lines(0, 1))
        server.kill()
        begun = time.monotonic()
        with pytest.raises(JournalUnavailable):
            await appender.append(event_lines(1, 2))
        waited = time.monotonic() - begun

        await to_thread.run_sync(server.start)
        begun = time.monotonic()
        await appender.append(event_lines(2, 3))
        back = time.monotonic() - begun

    print(f"refused after {waited:.2f} s, back after {back:.2f} s")


async def test_a_full_journal_refuses_events_until_some_are_released(server: NatsServer) -> None:
    journal = on(server, partitions=1, max_size=Size(1024 * 1024))
    filler = [event_line(number, properties={"filler": "x" * 200_000}) for number in range(10)]
    log = JetStreamLog(journal)
    async with ready(journal) as appender:
        answers = await asyncio.gather(
            *map(appender.append, ([line] for line in filler)), return_exceptions=True
        )
        assert any("maximum bytes" in str(getattr(each, "details", "")) for each in answers)
        stored = await to_thread.run_sync(log.reader("0").newest)
        assert await to_thread.run_sync(log.is_low_on_space)

        await to_thread.run_sync(log.release, {"0": stored}, time.time() + 60)
        await appender.append(event_lines(20, 21))

        assert await to_thread.run_sync(log.reader("0").newest) == stored + 1
    log.close()


async def test_positions_of_a_lost_end_are_unknown(engine: OnJetStream) -> None:
    backup = engine.crashed()
    async with ready(engine.journal) as appender:
        await appender.append(event_lines(0, 3))
    ahead = engine.log.reader("0").read(START)
    async with ready(backup.journal) as appender:
        await appender.append(event_lines(10, 15))

    assert ahead
    assert not backup.log.reader("0").accepts(ahead.end)
    assert backup.log.reader("0").accepts(Position(3))


class Halted(NamedTuple):
    """A log whose leader was halted: it first answers as it was before."""

    log: JetStreamLog
    before: list[api.Info]

    def info(self, partition: str) -> api.Info:
        return self.before.pop() if self.before else self.log.info(partition)

    def heard(self, partition: str, sequence: int) -> tuple[int, int] | None:
        return self.log.heard(partition, sequence)

    def get(self, partition: str, payload: bytes) -> list[Msg]:
        return self.log.get(partition, payload)


async def test_no_position_is_unknown_because_a_leader_was_halted(engine: OnJetStream) -> None:
    async with ready(engine.journal) as appender:
        await appender.append(event_lines(0, 3))
        before = await to_thread.run_sync(engine.log.info, "0")
        await appender.append(event_lines(3, 5))
    part = await to_thread.run_sync(engine.log.reader("0").read, START)
    assert part

    assert await to_thread.run_sync(View(Halted(engine.log, [before]), "0").accepts, part.end)


async def test_a_change_of_the_streams_breaks_the_promise(engine: OnJetStream) -> None:
    weaker = msgspec.structs.replace(engine.journal, monitor=())

    async with appending(weaker) as appender:
        with pytest.raises(JournalUnavailable):
            await appender.append(event_lines(0, 1))
        await appender.close()
