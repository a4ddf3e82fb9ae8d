"""The kafka sink for the contract suite, with a topic of its own for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from gateway.config.secret import Secret
from gateway.sinks.base import Sink
from gateway.sinks.kafka import Kafka
from tests.sinks.contract import Example
from tests.sinks.kafka_server import PASSWORD, USER, kafka_server

MAX_MESSAGE_BYTES = 300_000


def sink_in(folder: Path, **keys: Any) -> Kafka:
    """Return a sink whose topic is named after the folder of a test; `keys` may be those of a topic too."""
    server = kafka_server()
    config = {key: keys.pop(key) for key in ("partitions", "max_message_bytes") if key in keys}
    topic = server.make_topic(folder, **config)
    return Kafka(**{"servers": (server.address,), "topic": topic, "security": "plaintext", **keys})


class Impatient(Kafka, tag="impatient"):
    write_seconds: ClassVar[float] = 1


class Once(Example):
    """With transactions, and a password."""

    refuses = True
    has_credentials = True
    faults = ("gone", "slow")
    transactions: ClassVar[bool] = True

    def __init__(self, folder: Path) -> None:
        self.sink: Kafka = sink_in(
            folder,
            servers=(kafka_server().with_password,),
            security="sasl_plaintext",
            mechanism="PLAIN",
            user=USER,
            password=Secret(PASSWORD),
            transactions=self.transactions,
            max_message_bytes=str(MAX_MESSAGE_BYTES),
        )

    def arrived(self) -> list[str]:
        return kafka_server().ids(self.sink.topic)

    def spoil(self, line: bytes) -> bytes:
        """Make it larger than the topic allows."""
        return line.replace(b'"traits":{}', b'"traits":{"a":"%b"}' % (b"x" * MAX_MESSAGE_BYTES))

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, password=Secret("wrong"))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        server = kafka_server()
        impatient = Impatient(
            servers=(server.gated,),
            topic=self.sink.topic,
            security="plaintext",
            transactions=self.transactions,
        )
        # The words are in the request that writes the events.
        with server.gate.at(b"message-id", server.gate.cut if fault == "gone" else server.gate.hold):
            yield impatient


class AtLeastOnce(Once):
    once = False
    transactions = False
