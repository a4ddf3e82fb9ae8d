"""A topic whose settings promise too little is refused, with what to do about it."""

from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from gateway.config.tables import Journal
from gateway.errors import ConfigError, JournalUnavailable
from gateway.journal.kafka import promise, topic
from gateway.journal.kafka.appender import appending
from gateway.journal.kafka.client import Client, Topic
from tests.build import event_lines, read_to_end
from tests.gateway import free_ports, until
from tests.journal.engines import START
from tests.sinks.kafka_server import kafka_server

THREE_REPLICAS = Topic(bytes(16), 2, 3)
"""As brokers would say of a topic that has them; the server of these tests is alone."""


def client_of(folder: Path, **changed: str) -> Client:
    """Return the client of a new topic with these settings, written with "_" for "."."""
    config = promise.settings(3, "quorum") | {key.replace("_", "."): value for key, value in changed.items()}
    client = Client((kafka_server().address,), f"promise-{folder.name}")
    client.create(2, 1, config)
    return client


def test_a_topic_as_the_gateway_creates_it_promises_a_quorum(tmp_path: Path) -> None:
    assert promise.check(client_of(tmp_path), THREE_REPLICAS, 2, "quorum") == "quorum"


def test_a_topic_that_syncs_each_batch_promises_more(tmp_path: Path) -> None:
    client = client_of(tmp_path, flush_messages="1")

    assert promise.check(client, THREE_REPLICAS, 2, "fsync") == "quorum-fsync"


def test_brokers_that_do_not_have_a_setting_are_not_said_to_need_its_value() -> None:
    client = Client(("localhost:9092",), "events")

    told = promise.mistake(client, {}, "cleanup.policy", "events would be deleted", "delete")

    assert told == (
        "[journal] topic events has no setting cleanup.policy, and events would be deleted: use brokers of"
        " Apache Kafka"
    )


def test_one_broker_that_syncs_each_batch_is_as_good_as_one_machine(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, partitions=2, replicas=1, require="fsync")

    identity = topic.prepare(journal)

    assert topic.check(topic.open_log(journal).client, journal, identity) == "fsync"


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        pytest.param("min.insync.replicas", "1", "2", id="acknowledged by one broker"),
        pytest.param("min.insync.replicas", "4", "3", id="more than there are"),
        pytest.param("unclean.leader.election.enable", "true", "false", id="unclean elections"),
        pytest.param("cleanup.policy", "compact", "delete", id="compacted"),
        pytest.param("retention.ms", "604800000", "-1", id="deleted by age"),
        pytest.param("retention.bytes", "1000000000", "-1", id="deleted by size"),
        pytest.param("message.timestamp.type", "CreateTime", "LogAppendTime", id="clocks of producers"),
        pytest.param("max.message.bytes", "100000", "1048576", id="small batches"),
    ],
)
def test_a_setting_that_breaks_the_promise_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, key: str, value: str, remedy: str
) -> None:
    client = client_of(tmp_path, **{key.replace(".", "_"): value})

    with pytest.raises(ConfigError) as found:
        promise.check(client, THREE_REPLICAS, 2, "quorum")

    [line] = found.value.mistakes
    assert f"has {key}={value}" in line
    assert line.endswith(f"--alter --topic {client.topic} --add-config {key}={remedy}")


def test_fsync_is_refused_unless_brokers_sync_each_batch(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--add-config flush\.messages=1$"):
        promise.check(client_of(tmp_path), THREE_REPLICAS, 2, "fsync")


def test_another_number_of_partitions_is_refused_with_the_way_to_change_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has 2, .* `gateway journal copy`"):
        promise.check(client_of(tmp_path), THREE_REPLICAS, 3, "quorum")


def test_a_topic_of_one_replica_is_not_created(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, replicas=1)

    with pytest.raises(ConfigError, match="replicas: 1 copy is no majority"):
        topic.prepare(journal)

    assert topic.open_log(journal).client.find() is None


def test_brokers_that_do_not_answer_are_named(tmp_path: Path) -> None:
    port, _ = free_ports()

    with pytest.raises(ConfigError, match=f"servers: 127.0.0.1:{port}: Kafka"):
        topic.prepare(journal_of(tmp_path, servers=(f"127.0.0.1:{port}",)), patience=0)


def test_the_topic_of_another_journal_is_refused(tmp_path: Path) -> None:
    client = client_of(tmp_path)

    with pytest.raises(ConfigError, match="is not the one to which the data folder belongs"):
        topic.check(client, journal_of(tmp_path), bytes(16))


@pytest.mark.anyio
async def test_nothing_is_acknowledged_while_the_topic_promises_too_little(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, partitions=2, replicas=1, require="fsync")
    identity = await to_thread.run_sync(topic.prepare, journal)
    client = topic.open_log(journal).client
    await to_thread.run_sync(change, client, "flush.messages", "1000")

    async with appending(journal, identity) as appender:
        await to_thread.run_sync(until, lambda: "flush.messages" in appender.promise.broken)
        with pytest.raises(JournalUnavailable, match=r"flush\.messages=1000"):
            await appender.append(event_lines(0, 1))
        await to_thread.run_sync(change, client, "flush.messages", "1")
        await to_thread.run_sync(until, lambda: not appender.promise.broken)
        await appender.append(event_lines(1, 2))
        await appender.close()

    assert appender.promise.header == (b"x-durability", b"fsync")
    assert read_to_end(topic.open_log(journal).reader("0"), START).lines == event_lines(1, 2)


def change(client: Client, key: str, value: str) -> None:
    """Change a setting of a topic, as an operator does."""
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, client.topic, incremental_configs=[entry])
    admin = AdminClient(client.settings)  # a call ends with its client
    admin.incremental_alter_configs([resource])[resource].result()


def journal_of(folder: Path, **keys: Any) -> Journal:
    servers = (kafka_server().address,)
    return Journal(**{"engine": "kafka", "servers": servers, "name": f"promise-{folder.name}", **keys})
