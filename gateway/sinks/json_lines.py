"""
Append events to a file of the gateway's own, one JSON object a line, each event exactly once.

A batch is synced before it counts as delivered. What stands in the file beyond the last recorded length was
never recorded, and will be delivered again: so it is cut off.
"""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from anyio import to_thread

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink, Write
from gateway.units import Size

log = structlog.get_logger()


class Notes(msgspec.Struct):
    """What is recorded with the position: which file, by the time it was begun, and how long it is."""

    opened: str
    length: int


class JsonLines(Sink, tag="json_lines"):
    path: Path
    """The file that grows. Nobody else may write to it; to move it away is fine."""
    rotate_size: Size = Size(0)
    """Set the file aside when it has this size, under a name with the time it was begun; 0: never."""
    rotate_daily: bool = False
    """Set it aside with the first batch after midnight UTC."""

    @asynccontextmanager
    async def connect(self, notes: bytes) -> AsyncIterator[Write]:
        file = OwnedFile(self)

        async def write(lines: Sequence[bytes]) -> bytes:
            return await to_thread.run_sync(file.append, lines)

        try:
            await to_thread.run_sync(file.open, notes)
            yield write
        finally:
            file.close()


class OwnedFile:
    """The file as it is between one recorded batch and the next. Every error of it is SinkUnavailable."""

    def __init__(self, config: JsonLines) -> None:
        self.config = config
        self.path = config.path
        self.opened = _now()
        self.length = 0
        self._descriptor = -1

    def open(self, notes: bytes) -> None:
        """Go on where the notes say, or at the end of what is there if they say nothing."""
        with self._translated():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._create()
            size = os.fstat(self._descriptor).st_size
            if not notes:
                self._cut(size, self._whole(size, size))
                return
            recorded = msgspec.json.decode(notes, type=Notes)
            if self._set_aside(recorded.opened).exists():
                # It was set aside, but nothing was recorded of the next file.
                self._cut(size, 0)
                return
            self.opened = recorded.opened
            if size < recorded.length:
                log.warning("file shorter than it was", file=str(self.path), missing=recorded.length - size)
            self._cut(size, self._whole(size, min(size, recorded.length)))

    def _whole(self, size: int, length: int) -> int:
        """The length to go on with: all there is, in whole lines, if `length` is in the middle of one."""
        with self.path.open("rb") as file:
            file.seek(max(0, length - 1))
            if not length or file.read(1) == b"\n":
                return length
            # Not the file that the notes are of: better twice than half an event.
            file.seek(0)
            end = max((file.tell() for line in iter(file.readline, b"") if line.endswith(b"\n")), default=0)
            return min(end, size)

    def append(self, lines: Sequence[bytes]) -> bytes:
        """Write and sync a batch; what is returned becomes true once it is recorded."""
        if not lines:
            return msgspec.json.encode(Notes(self.opened, self.length))
        with self._translated():
            if self._is_full():
                self._rotate()
            rest = memoryview(b"\n".join(lines) + b"\n")
            self.length += len(rest)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        return msgspec.json.encode(Notes(self.opened, self.length))

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _create(self) -> None:
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._sync_folder()

    def _cut(self, size: int, length: int) -> None:
        if size > length:
            log.info("file cut back", file=str(self.path), unrecorded=size - length)
            os.ftruncate(self._descriptor, length)
            os.fsync(self._descriptor)
        self.length = length

    def _is_full(self) -> bool:
        if not self.length:
            return False
        too_long = self.config.rotate_size and self.length >= self.config.rotate_size
        return bool(too_long or (self.config.rotate_daily and self.opened[:10] != _now()[:10]))

    def _rotate(self) -> None:
        self.close()
        aside = self._set_aside(self.opened)
        self.path.rename(aside)
        self._create()
        self.opened, self.length = _now(), 0
        log.info("file set aside", file=str(aside))

    def _set_aside(self, opened: str) -> Path:
        began = opened.replace("-", "").replace(":", "")
        return self.path.with_name(f"{self.path.stem}-{began}{self.path.suffix}")

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SinkUnavailable(f"{self.path}: {error.strerror}") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
