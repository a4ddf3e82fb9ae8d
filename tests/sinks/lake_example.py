"""Sinks with storage for the contract suite: in a folder on a small disk, and in a bucket."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.storage.sink import StorageSink
from tests.journey.faults import Ballast, small_disk
from tests.sinks import chaos, seaweed
from tests.sinks.contract import Example

S = TypeVar("S", bound=StorageSink)

_DISK = "64M"


def in_bucket(kind: type[S], server: seaweed.Server, prefix: str, **fields: Any) -> S:
    keys = {"access_key": Secret(seaweed.ACCESS_KEY), "secret_key": Secret(seaweed.SECRET_KEY)}
    given = {"url": f"s3://{seaweed.BUCKET}/{prefix}", "endpoint": server.endpoint, **keys, **fields}
    return kind(batch_time=Duration(0), **given)


class InStorage(Example):
    kind: ClassVar[type[StorageSink]]
    sink: StorageSink
    refuses = True
    faults = ("gone", "full")

    def spoil(self, line: bytes) -> bytes:
        """Remove what every event has."""
        return line.replace(b'"receivedAt"', b'"notReceivedAt"')


class InFolder(InStorage):
    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._open = ExitStack()
        self.folder = self._disk / "lake"
        self.sink = self.kind(path=self.folder, batch_time=Duration(0))

    def __enter__(self) -> Self:
        self._open.enter_context(small_disk(self._disk, _DISK))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        ballast = Ballast(self._disk)
        ballast.fill()
        yield self.sink
        ballast.remove()


class InBucket(InStorage):
    has_credentials = True

    def __init__(self, folder: Path) -> None:
        self.prefix = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
        self.sink = in_bucket(self.kind, seaweed.standing(), self.prefix)

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, secret_key=Secret("wrong-secret-key"))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        behaviour = chaos.half_a_head if fault == "gone" else chaos.answer(507)
        with chaos.Target(chaos.script(then=behaviour)) as target:
            yield msgspec.structs.replace(self.sink, endpoint=target.url)
