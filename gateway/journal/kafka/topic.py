"""The topic of a journal: created by the first gateway that starts, and checked by all."""

import time

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.kafka import promise
from gateway.journal.kafka.client import Client, Topic
from gateway.journal.kafka.log import KafkaLog

_START_SECONDS = 15.0
"""The time within which brokers must answer when a gateway starts."""
_RETRY_SECONDS = 0.05


def open_log(journal: Journal) -> KafkaLog:
    """Return the log, which connects to brokers when it is used."""
    return KafkaLog(_client(journal), journal.partitions, journal.max_size)


def prepare(journal: Journal, patience: float = _START_SECONDS) -> bytes:
    """
    Return the id of the topic, 16 bytes; create it if it is missing.

    Raises ConfigError if brokers do not answer within `patience` seconds, or if the topic is unfit.
    """
    client, end = _client(journal), time.monotonic() + patience
    while True:
        try:
            return _prepare(client, journal)
        except OSError as error:
            if time.monotonic() >= end:
                raise ConfigError(f"[journal] servers: {', '.join(journal.servers)}: {error}") from error
        time.sleep(_RETRY_SECONDS)


def check(client: Client, journal: Journal, identity: bytes) -> str:
    """
    Return what an acknowledgement means, see promise.py.

    Raises ConfigError if that is too little, or if the topic is not the one with this id; and OSError.
    """
    found = _find(client)
    if found.id != identity:
        raise ConfigError(
            f"[journal] name: topic {client.topic} is not the one to which the data folder belongs:"
            " set its name, or another path"
        )
    return promise.check(client, found, journal.partitions, journal.require)


def _client(journal: Journal) -> Client:
    password = journal.password.reveal() if journal.password else ""
    return Client(journal.servers, journal.name, journal.user, password, str(journal.ca or ""))


def _find(client: Client) -> Topic:
    found = client.find()
    if found is None:
        raise ConfigError(f"[journal] name: there is no topic {client.topic} any more")
    return found


def _prepare(client: Client, journal: Journal) -> bytes:
    found = client.find()
    if found is None:
        settings = promise.settings(journal.replicas, journal.require)
        client.create(journal.partitions, journal.replicas, settings)
        found = client.find()
    if found is None:  # not every broker knows immediately what another has created
        raise ConnectionError(f"Kafka: topic {client.topic} was created, and is not found yet")
    promise.check(client, found, journal.partitions, journal.require)
    return found.id
