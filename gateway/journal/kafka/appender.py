"""The appender of an intake worker: a producer, a publisher for each partition, and the promise they keep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import to_thread

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.base import Promise
from gateway.journal.kafka import topic
from gateway.journal.kafka.client import Client
from gateway.journal.kafka.partition import Room, TopicPartition
from gateway.journal.kafka.producer import TopicProducer
from gateway.journal.publisher import Publisher, Waiting
from gateway.journal.spread import Spread

log = structlog.get_logger()

_ASK_SECONDS = 20.0  # between two checks of the promise
_BROKEN_SECONDS = 1.0  # the same while nothing may be acknowledged
_MEASURE_SECONDS = 1.0


@asynccontextmanager
async def appending(journal: Journal, identity: bytes) -> AsyncIterator[Spread]:
    """Lend an appender for the duration of the block; it must be closed within."""
    promise, waiting = Promise("quorum", "Kafka has not answered yet"), Waiting()
    appended = topic.open_log(journal)
    producer, room = TopicProducer(appended.client), Room(appended)
    partitions = [
        TopicPartition(appended, producer, room, promise, number) for number in range(journal.partitions)
    ]
    watching = [
        asyncio.create_task(_watch(appended.client, journal, identity, promise)),
        asyncio.create_task(_measure(room)),
    ]
    try:
        yield Spread([Publisher(partition, waiting) for partition in partitions], waiting, promise)
    finally:
        for each in watching:
            each.cancel()
        await asyncio.wait(watching)
        await to_thread.run_sync(producer.close)


async def _watch(client: Client, journal: Journal, identity: bytes, promise: Promise) -> None:
    """Keep the promise in line with the topic; nothing is acknowledged while that is too little."""
    while True:
        try:
            promise.keep(await to_thread.run_sync(topic.check, client, journal, identity))
        except ConfigError as error:
            if str(error) != promise.broken:
                log.error("journal keeps less than is required, nothing is acknowledged", error=str(error))
            promise.broken = str(error)
        except OSError:  # appends in the meantime fail by themselves
            pass
        except Exception:
            log.exception("the promise of the journal cannot be checked")
        await asyncio.sleep(_BROKEN_SECONDS if promise.broken else _ASK_SECONDS)


async def _measure(room: Room) -> None:
    while True:
        try:
            await to_thread.run_sync(room.measure)
        except OSError:
            pass
        except Exception:
            log.exception("the size of the journal cannot be measured")
        await asyncio.sleep(_MEASURE_SECONDS)
