"""
The topic as the journal needs it, and what its settings promise for an acknowledged event.

Settings: https://kafka.apache.org/documentation/#topicconfigs
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from gateway.errors import ConfigError
from gateway.journal.kafka.client import MAX_BATCH_BYTES, Client, Topic

Require = Literal["quorum", "fsync"]
Durability = Literal["quorum", "quorum-fsync", "fsync"]

_MIN_COPIES = 2
_MAX_MESSAGE_BYTES = 1024 * 1024
_SEGMENT_BYTES = 256 * 1024 * 1024  # brokers delete only whole files
_NEVER = "-1"

_CREATED = {
    "min.insync.replicas": str(_MIN_COPIES),
    "unclean.leader.election.enable": "false",
    "cleanup.policy": "delete",
    "retention.ms": _NEVER,
    "retention.bytes": _NEVER,
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(_MAX_MESSAGE_BYTES),
    "segment.bytes": str(_SEGMENT_BYTES),
}
"""The settings of a topic that the gateway creates."""
_SYNCED = {"flush.messages": "1"}
"""The additional settings that make a replica sync each batch to its disk before it counts."""


def check(client: Client, topic: Topic, partitions: int, require: Require) -> Durability:
    """
    Return what an acknowledgement by the topic means.

    Raises ConfigError if that is less than what is required, or if the topic is unfit; and ConnectionError.
    """
    name, found = client.topic, client.config()
    if topic.partitions != partitions:
        raise ConfigError(
            f"[journal] partitions: topic {name} has {topic.partitions}, and another number would separate a"
            f" person's events: set partitions = {topic.partitions}, or another name, and copy the journal"
            " with `gateway journal copy`"
        )
    alone = _may_be_alone(topic.replicas, require)
    synced = _differing(found, _SYNCED)
    unfit = dict(_unfit(found, topic, 1 if alone else _MIN_COPIES))
    if require == "fsync":
        unfit |= {key: ('require = "fsync" needs it synced', value) for key, value in synced.items()}
    if unfit:
        raise ConfigError(*(mistake(client, found, key, *each) for key, each in unfit.items()))
    if alone:
        return "fsync"
    return "quorum" if synced else "quorum-fsync"


def settings(replicas: int, require: Require) -> dict[str, str]:
    """Return the settings of a new topic. Raises ConfigError if it cannot promise what is required."""
    if _may_be_alone(replicas, require):
        return _CREATED | _SYNCED | {"min.insync.replicas": "1"}
    if replicas < _MIN_COPIES:
        raise ConfigError(
            f"[journal] replicas: {replicas} copy is no majority; set 3 on three brokers, or"
            ' require = "fsync" if one will do'
        )
    return _CREATED | (_SYNCED if require == "fsync" else {})


def _may_be_alone(replicas: int, require: Require) -> bool:
    """Return whether one broker may acknowledge alone, since it syncs."""
    return replicas == 1 and require == "fsync"


def _unfit(settings: Mapping[str, str], topic: Topic, least: int) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the unsuitable settings, why they are, and what they must be."""
    copies = int(settings.get("min.insync.replicas", "1"))
    if copies < least:
        yield "min.insync.replicas", ("one broker could acknowledge an event alone", str(least))
    elif topic.replicas < copies:
        yield "min.insync.replicas", (f"the topic has only {topic.replicas} replicas", str(topic.replicas))
    reasons = {
        "unclean.leader.election.enable": "acknowledged events could be lost",
        "cleanup.policy": "events would be deleted by their key",
        "retention.ms": "events would be deleted that sinks have not had",
        "retention.bytes": "events would be deleted that sinks have not had",
        "message.timestamp.type": "events would have the times of several clocks",
    }
    for key, value in _differing(settings, {each: _CREATED[each] for each in reasons}).items():
        yield key, (reasons[key], value)
    if int(settings.get("max.message.bytes", _MAX_MESSAGE_BYTES)) < MAX_BATCH_BYTES:
        yield "max.message.bytes", ("batches of events are larger", str(_MAX_MESSAGE_BYTES))


def _differing(settings: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if settings.get(key) != value}


def mistake(client: Client, settings: Mapping[str, str], key: str, reason: str, value: str) -> str:
    """Return the operator's message about a setting that must have another value."""
    if key not in settings:
        return (
            f"[journal] topic {client.topic} has no setting {key}, and {reason}: use brokers of Apache Kafka"
        )
    return (
        f"[journal] topic {client.topic} has {key}={settings.get(key)}, and {reason}: kafka-configs.sh"
        f" --bootstrap-server {client.servers[0]} --alter --topic {client.topic} --add-config {key}={value}"
    )
