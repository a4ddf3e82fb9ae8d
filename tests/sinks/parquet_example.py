"""The parquet sink for the contract suite, with a folder or a bucket."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import msgspec

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.parquet import Parquet
from tests.journey.faults import Ballast, small_disk
from tests.sinks import chaos, seaweed
from tests.sinks.contract import Example
from tests.sinks.parquet_files import files, ids

_DISK = "64M"


class InFolder(Example):
    refuses = True
    faults = ("gone", "full")

    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._open = ExitStack()
        self.sink = Parquet(path=self._disk / "lake", batch_time=Duration(0))

    def __enter__(self) -> Self:
        self._open.enter_context(small_disk(self._disk, _DISK))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def arrived(self) -> list[str]:
        return ids(files(self._disk / "lake"))

    def spoil(self, line: bytes) -> bytes:
        """Remove what every event has."""
        return line.replace(b'"receivedAt"', b'"notReceivedAt"')

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        ballast = Ballast(self._disk)
        ballast.fill()
        yield self.sink
        ballast.remove()


class InBucket(Example):
    refuses = True
    has_credentials = True
    faults = ("gone", "full")

    def __init__(self, folder: Path) -> None:
        self._prefix = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
        self._server = seaweed.standing()
        self.sink = Parquet(
            url=f"s3://{seaweed.BUCKET}/{self._prefix}",
            endpoint=self._server.endpoint,
            access_key=Secret(seaweed.ACCESS_KEY),
            secret_key=Secret(seaweed.SECRET_KEY),
            batch_time=Duration(0),
        )

    def arrived(self) -> list[str]:
        return ids(self._server.objects(self._prefix))

    spoil = InFolder.spoil

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, secret_key=Secret("wrong-secret-key"))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        behaviour = chaos.half_a_head if fault == "gone" else chaos.answer(507)
        with chaos.Target(chaos.script(then=behaviour)) as target:
            yield msgspec.structs.replace(self.sink, endpoint=target.url)
