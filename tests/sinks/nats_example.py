"""The nats sink for the contract suite, with a stream of its own for each test."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig

from gateway.config.secret import Secret
from gateway.sinks.base import Sink
from gateway.sinks.nats import Nats
from tests.sinks.contract import Example, id_of
from tests.sinks.nats_server import PASSWORD, USER, nats_server


class Impatient(Nats, tag="impatient"):
    write_seconds: ClassVar[float] = 0.5


def sink_in(folder: Path, kind: type[Nats] = Nats, **keys: Any) -> Nats:
    """Return a sink whose stream is named after the folder of a test."""
    stream = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
    given = {
        "servers": (nats_server().address,),
        "stream": stream,
        "subject": stream + ".{source}.{type}",
        "user": USER,
        "password": Secret(PASSWORD),
    }
    return kind(**{**given, **keys})


def ids(sink: Nats) -> list[str]:
    return [id_of(message.data) for message in nats_server().messages(sink.stream)]


def change(sink: Nats, **settings: Any) -> None:
    """Change settings of the sink's stream, which is made if it is missing."""

    async def update(streams: JetStreamContext) -> None:
        subjects = [sink.subject.replace("{source}", "*").replace("{type}", "*")]
        given = {"name": sink.stream, "subjects": subjects, "allow_atomic": True, "duplicate_window": 600}
        config = StreamConfig(**{**given, **settings})
        known = [each.config.name for each in await streams.streams_info()]
        await (streams.update_stream if sink.stream in known else streams.add_stream)(config)

    nats_server().run(update)


class Stream(Example):
    replays_once = True
    refuses = True
    has_credentials = True
    faults = ("gone", "slow", "full")

    def __init__(self, folder: Path) -> None:
        self.sink: Nats = sink_in(folder)

    def arrived(self) -> list[str]:
        return ids(self.sink)

    def spoil(self, line: bytes) -> bytes:
        """Make it larger than the server's max_payload."""
        return line.replace(b'"traits":{}', b'"traits":{"a":"%b"}' % (b"x" * 1_100_000))

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, password=Secret("wrong"))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        gate = nats_server().gate
        if fault == "full":
            change(self.sink, max_bytes=100, discard=DiscardPolicy.NEW)
            yield self.sink
            change(self.sink, max_bytes=-1, discard=DiscardPolicy.NEW)
        else:
            with gate.at(b"Nats-Batch-Commit", gate.cut if fault == "gone" else gate.hold):
                yield Impatient(
                    servers=(nats_server().gated,),
                    stream=self.sink.stream,
                    subject=self.sink.subject,
                    user=USER,
                    password=Secret(PASSWORD),
                )
