"""The topic of a journal as its engine: created and checked at the start, then read and appended to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread

from gateway.errors import ConfigError
from gateway.journal.kafka import promise
from gateway.journal.kafka.appender import TopicAppender
from gateway.journal.kafka.client import Client, Topic
from gateway.journal.kafka.log import KafkaLog
from gateway.journal.kafka.publisher import Publisher
from gateway.journal.kafka.watch import Watch


class JournalTopic:
    """
    Opens the journal that lies in a topic.

    `require` is what an acknowledgement must mean at least, `max_size` is in bytes.
    """

    def __init__(
        self,
        client: Client,
        partitions: int,
        replicas: int,
        require: promise.Require,
        max_size: int,
    ) -> None:
        self._client = client
        self._partitions = partitions
        self._replicas = replicas
        self._require = require
        self.log = KafkaLog(client, partitions, max_size)

    def create(self) -> bytes:
        """Return the id of the topic, which is created if it is missing. Raises ConfigError and OSError."""
        found = self._client.find()
        if found is None:
            mistake = promise.replicas_mistake(self._replicas)
            if mistake:
                raise ConfigError(mistake)
            self._client.create(self._partitions, self._replicas, promise.settings(self._require))
            found = self._find()
        return found.id

    def check(self, identity: bytes) -> promise.Durability:
        """
        Return what an acknowledgement means.

        Raises ConfigError if that is too little, or if the topic is not the one with this id; and OSError.
        """
        found = self._find()
        if found.id != identity:
            raise ConfigError(
                f"[journal] name: topic {self._client.topic} is not the one to which the data folder belongs:"
                " set its name, or another path"
            )
        return promise.check(self._client, found, self._partitions, self._require)

    @asynccontextmanager
    async def appending(self, identity: bytes) -> AsyncIterator[list[TopicAppender]]:
        """Lend an appender of each partition; all of them must be closed within the block."""
        publisher = Publisher(self._client)
        watch = Watch(self.log, lambda: self.check(identity))
        try:
            yield [TopicAppender(publisher, watch, number) for number in range(self._partitions)]
        finally:
            await to_thread.run_sync(watch.close)
            await to_thread.run_sync(publisher.close)

    def _find(self) -> Topic:
        found = self._client.find()
        if found is None:
            raise ConfigError(f"[journal] name: there is no topic {self._client.topic} any more")
        return found
