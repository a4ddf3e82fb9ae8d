"""The delta sink for the contract suite, with a folder or a bucket, and its table as readers see it."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.delta import Delta
from gateway.sinks.lake.location import locate
from tests.journey.faults import Ballast, small_disk
from tests.sinks import chaos, seaweed
from tests.sinks.contract import Example

_DISK = "64M"


def rows(sink: Delta) -> list[dict[str, Any]]:
    """Return the rows of a sink's table in the order of their positions."""
    location = locate(sink)
    try:
        table = DeltaTable(location.uri, storage_options=location.options)
    except TableNotFoundError:
        return []
    found: list[dict[str, Any]] = table.to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: int(row["position"].rpartition("/")[2]))


def in_bucket(server: seaweed.Server, prefix: str, **fields: Any) -> Delta:
    keys = {"access_key": Secret(seaweed.ACCESS_KEY), "secret_key": Secret(seaweed.SECRET_KEY)}
    given = {"url": f"s3://{seaweed.BUCKET}/{prefix}", "endpoint": server.endpoint, **keys, **fields}
    return Delta(batch_time=Duration(0), **given)


class _Table(Example):
    refuses = True
    faults = ("gone", "full")
    sink: Delta

    def arrived(self) -> list[str]:
        return [row["id"] for row in rows(self.sink)]

    def spoil(self, line: bytes) -> bytes:
        """Remove what every event has."""
        return line.replace(b'"receivedAt"', b'"notReceivedAt"')


class InFolder(_Table):
    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._open = ExitStack()
        self.sink = Delta(path=self._disk / "table", batch_time=Duration(0))

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


class InBucket(_Table):
    has_credentials = True

    def __init__(self, folder: Path) -> None:
        prefix = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
        self.sink = in_bucket(seaweed.standing(), prefix)

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, secret_key=Secret("wrong-secret-key"))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        behaviour = chaos.half_a_head if fault == "gone" else chaos.answer(507)
        with chaos.Target(chaos.script(then=behaviour)) as target:
            yield msgspec.structs.replace(self.sink, endpoint=target.url)
