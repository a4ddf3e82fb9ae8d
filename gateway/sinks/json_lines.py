"""
Append events to a file, one JSON object per line, each event exactly once.

Replayed events go to a separate file next to it, so that the first never has them twice.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec
from anyio import CancelScope, to_thread

from gateway.config.units import Size
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.owned_file import NOTHING_RECORDED, OwnedFile, Receipt, Rotation
from gateway.sinks.watch import WATCH


class JsonLines(Sink, tag="json_lines"):
    path: Path
    """The file to append to. No other program may write to it; renaming it is safe."""
    rotate_size: Size = Size(0)
    """Rename the file, with its creation time in the name, when it reaches this size; 0 means never."""
    rotate_daily: bool = False
    """Rename the file with the first batch after midnight UTC."""
    compress: Literal["", "gzip"] = ""
    """Compress renamed files, in parallel with writing."""

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    @property
    def replay_path(self) -> Path:
        """The file for replayed events."""
        return self.path.with_name(f"{self.path.stem}-replay{self.path.suffix}")

    @property
    def rotation(self) -> Rotation:
        return Rotation(self.rotate_size, self.rotate_daily, self.compress == "gzip")

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        connection = await to_thread.run_sync(JsonLinesConnection, self, name, receipt)
        try:
            yield connection
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(connection.close)


class Receipts(Receipt, frozen=True):
    """The receipt of the sink: of its file, and of the file for replays."""

    replay: Receipt = NOTHING_RECORDED


class JsonLinesConnection:
    """Writes in a thread. A cancelled write is completed before the cancellation takes effect."""

    def __init__(self, config: JsonLines, name: str, receipt: bytes) -> None:
        self._config = config
        self._name = name
        self._open = ExitStack()
        recorded = _read(receipt)
        self._replayed = recorded.replay if recorded else NOTHING_RECORDED
        self._live = self._own(config.path, recorded)
        self._replay: OwnedFile | None = None
        """Opened with the first batch of a replay."""
        self._written = self._live.receipt
        self.receipt = self._receipt()

    async def write(self, batch: Batch, /) -> bytes:
        return await to_thread.run_sync(self.append, batch)

    def close(self) -> None:
        self._open.close()

    def append(self, batch: Batch) -> bytes:
        """Write the batch to the file for its origin, and return the receipt of both files."""
        if batch.origin == "replay":
            if self._replay is None:
                self._replay = self._own(self._config.replay_path, self._replayed)
            self._replayed = self._replay.append(batch)
        else:
            self._written = self._live.append(batch)
        return self._receipt()

    def _own(self, path: Path, recorded: Receipt | None) -> OwnedFile:
        file = OwnedFile(path, self._config.rotation, self._name, recorded)
        self._open.callback(file.close)
        self._open.enter_context(WATCH.calling(file.check))
        return file

    def _receipt(self) -> bytes:
        written = msgspec.structs.asdict(self._written)
        return msgspec.json.encode(Receipts(**written, replay=self._replayed))


def _read(receipt: bytes) -> Receipts | None:
    """Decode a receipt; return None if it is from a sink of another kind that had the same name."""
    try:
        return msgspec.json.decode(receipt, type=Receipts)
    except msgspec.DecodeError:
        return None
