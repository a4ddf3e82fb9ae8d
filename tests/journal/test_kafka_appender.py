"""Appending to a topic of Kafka: what a lost answer, brokers that are away, and a full topic lead to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anyio import to_thread

from gateway.errors import JournalUnavailable
from gateway.journal.base import Position
from gateway.journal.kafka.client import Client
from gateway.journal.kafka.log import KafkaLog
from tests.build import event_line, event_lines, read_to_end
from tests.journal.engines import START
from tests.journal.kafka_topic import TopicAppender, make_topic
from tests.sinks.kafka_server import kafka_server

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def appending(log: KafkaLog) -> AsyncIterator[TopicAppender]:
    appender = TopicAppender(log, 0)
    try:
        yield appender
    finally:
        await appender.close()


def gated_log(folder: Path, max_size: int = 2**40) -> KafkaLog:
    """Return the log of a new topic, behind the gate of the server."""
    direct = make_topic(folder, 1)
    return KafkaLog(Client((kafka_server().gated,), direct.topic), 1, max_size)


def direct_lines(log: KafkaLog) -> list[bytes]:
    """Return what is in the topic, without the gate."""
    client = Client((kafka_server().address,), log.client.topic)
    return read_to_end(KafkaLog(client, 1, 2**40).reader("0"), START).lines


async def test_a_commit_whose_answer_is_lost_is_stored_once(tmp_path: Path) -> None:
    log, gate = gated_log(tmp_path), kafka_server().gate
    needle = event_line(1, userId="needle")

    async with appending(log) as appender:
        await appender.append(event_lines(0, 1))
        with gate.at(b"needle", gate.mute):
            await appender.append([needle])
        await appender.append(event_lines(2, 3))

    assert direct_lines(log) == [event_line(0), needle, event_line(2)]


async def test_events_are_refused_while_no_broker_answers_and_taken_again_afterwards(tmp_path: Path) -> None:
    log, gate = gated_log(tmp_path), kafka_server().gate

    async with appending(log) as appender:
        await appender.append(event_lines(0, 1))
        with gate.at(b"needle", gate.cut), pytest.raises(JournalUnavailable):
            await appender.append([event_line(1, userId="needle")])
        await appender.append(event_lines(2, 3))

    assert [each for each in direct_lines(log) if b"needle" not in each] == [event_line(0), event_line(2)]


async def test_a_broker_that_hangs_is_as_good_as_away(tmp_path: Path) -> None:
    log, gate = gated_log(tmp_path), kafka_server().gate

    async with appending(log) as appender:
        await appender.append(event_lines(0, 1))
        with gate.at(b"needle", gate.hold), pytest.raises(JournalUnavailable):
            await appender.append([event_line(1, userId="needle")])
        await appender.append(event_lines(2, 3))

    assert [each for each in direct_lines(log) if b"needle" not in each] == [event_line(0), event_line(2)]


async def test_what_is_appended_while_the_producer_is_replaced_is_stored_once(tmp_path: Path) -> None:
    log = KafkaLog(make_topic(tmp_path, 1), 1, 2**40)
    stored = []

    async with appending(log) as appender:
        for number in range(60):
            if number % 20 == 10:
                appender.producer.replace("test")
            try:
                await appender.append([event_line(number)])
            except JournalUnavailable:  # what the old producer had is given up
                continue
            stored.append(event_line(number))

    found = direct_lines(log)
    assert [each for each in found if each in stored] == stored
    assert len(set(found)) == len(found)


async def test_a_full_topic_takes_events_again_once_old_ones_are_released(tmp_path: Path) -> None:
    log = KafkaLog(make_topic(tmp_path, 1), 1, 20_000)
    large = [event_line(number, properties={"filler": "x" * 15_000}) for number in range(2)]

    async with appending(log) as appender:
        await appender.append(large[:1])
        with pytest.raises(JournalUnavailable, match="full"):
            await appender.append(large[1:])
        log.release({"0": 1}, 2**33)
        await to_thread.run_sync(appender.room.measure)
        await appender.append(large[1:])

    assert read_to_end(log.reader("0"), Position(1)).lines == large[1:]


async def test_an_event_that_no_record_can_hold_is_refused_alone(tmp_path: Path) -> None:
    log = KafkaLog(make_topic(tmp_path, 1), 1, 2**40)
    huge = event_line(1, properties={"filler": "x" * 1_100_000})

    async with appending(log) as appender:
        results = await asyncio.gather(
            *(appender.append([line]) for line in (event_line(0), huge, event_line(2))),
            return_exceptions=True,
        )

    assert "too large" in str(results[1])
    assert [results[0], results[2]] == [None, None]
    assert direct_lines(log) == [event_line(0), event_line(2)]
