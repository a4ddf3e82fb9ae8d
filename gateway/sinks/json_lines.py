"""
Append events to a file of the gateway's own, one JSON object a line, each event exactly once.

A batch is synced before it counts as delivered. What stands in the file beyond the last recorded length is
never cut off because no record knows of it: it may be a batch that is about to come again, whose lines are
then not written twice (unrecorded.py), or the events of a later state than the one that was put back. Only
half a line, which would spoil the next event, is moved to a file beside.

The file may be moved away, deleted or truncated at any time: a new one is begun under its name.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import msgspec
import structlog
from anyio import to_thread

from gateway.config.units import Size
from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.locked_file import LONGEST, LockedFile
from gateway.sinks.unrecorded import Unrecorded
from gateway.sinks.watch import WATCH

log = structlog.get_logger()

_LOOKS = 20
"""After so many looks every batch that was not recorded has come again: what is left belongs to none."""


class Receipt(msgspec.Struct, frozen=True):
    """
    Which file it was, and how long.

    It is known by its inode: the number of its device may change when the machine starts again.
    """

    opened: str
    """When it was begun."""
    inode: int
    length: int
    """Bytes, in whole lines."""
    unrecorded: int = 0
    """Bytes before `length` that no record knows of, and that a batch may still claim."""
    since: int = 0
    """Where the first of them may stand."""


class JsonLines(Sink, tag="json_lines"):
    path: Path
    """The file that grows. Nobody else may write to it; to move it away is fine."""
    rotate_size: Size = Size(0)
    """Set the file aside when it has this size, under a name with the time it was begun; 0: never."""
    rotate_daily: bool = False
    """Set it aside with the first batch after midnight UTC."""

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        file = await to_thread.run_sync(OwnedFile, self, name, receipt)
        try:
            with WATCH.calling(file.look):
                yield OpenJsonLines(file)
        finally:
            file.close()


class OpenJsonLines:
    """Writes in a thread, which is waited for."""

    def __init__(self, file: "OwnedFile") -> None:
        self.receipt = file.begun
        self._file = file

    async def write(self, batch: Batch, /) -> bytes:
        return await to_thread.run_sync(self._file.append, batch)


class OwnedFile:
    """
    The file from one batch to the next. Every error of it is SinkUnavailable.

    It may be looked after in one thread while another writes.
    """

    def __init__(self, config: JsonLines, sink: str, receipt: bytes) -> None:
        """Open the file and go on at its end; `begun` is what to record before the first batch."""
        self.config = config
        self.path = config.path
        self._log = log.bind(sink=sink, file=str(self.path))
        self._lock = Lock()
        self._closed = False
        self._looks = 0
        self._unrecorded: Unrecorded | None = None
        with self._translated():
            self._file = LockedFile(self.path)
            try:
                self._begin()
                self._compare(receipt)
            except BaseException:
                self._file.close()
                raise
        self.begun = b"" if receipt == self._receipt() else self._receipt()

    def append(self, batch: Batch) -> bytes:
        """Write and sync what does not stand there yet of a batch, and return the receipt."""
        with self._lock, self._translated():
            while True:
                self._follow()
                self._measure()
                if self._is_full():
                    self._rotate()
                self._write(batch.data, self._claim(batch))
                if not self._file.is_deleted():  # while we wrote
                    return self._receipt()

    def look(self) -> None:
        """
        Begin a new file if this one has lost its name, and tell once of what stands there unrecorded.

        Trouble is left for the next batch to meet, and a file that is being written to is left alone.
        """
        try:
            if self._file.has_its_name() and not self._unrecorded:
                return
            if not self._lock.acquire(blocking=False):
                return
            try:
                if not self._closed:
                    self._follow()
                    self._wait_for_claims()
            finally:
                self._lock.release()
        except (OSError, SinkUnavailable):
            pass

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._file.close()

    def _wait_for_claims(self) -> None:
        if self._unrecorded:
            self._looks += 1
            if self._looks == _LOOKS:
                self._tell_unrecorded(self._unrecorded.size)
                self._unrecorded = None

    def _begin(self) -> None:
        """Take the file that was just opened for a new one, and go on at its end."""
        self.opened = _now()
        self._half = self._file.half_line()
        self._length = self._file.size - len(self._half)
        self._unrecorded = None

    def _compare(self, receipt: bytes) -> None:
        """Find out what of the file no record knows of."""
        recorded = _read(receipt)
        if not recorded:
            if self._length:
                self._tell_unrecorded(self._length)
            return
        if recorded.inode == self._file.inode:
            self.opened = recorded.opened
        if recorded.inode == self._file.inode and recorded.length <= self._length:
            size, since = recorded.unrecorded + self._length - recorded.length, recorded.since
        else:
            size, since = self._length, 0
            if recorded.inode == self._file.inode:
                self._tell_shorter(recorded.length - self._length)
            elif not size:
                self._tell_begun()
        if size and self._length - since > LONGEST:
            self._tell_unrecorded(size)
        elif size:
            self._unrecorded = Unrecorded(self._file.read(since, self._length), since, size)

    def _claim(self, batch: Batch) -> int:
        """How many bytes of a batch stand in the file already, from its beginning on."""
        done = 0
        if self._unrecorded:
            for start, length in self._unrecorded.claim(batch.partition, batch.data):
                # They may be there only in memory, if it was their sync that failed.
                self._file.overwrite(start, batch.data[done : done + length])
                done += length
            if self._unrecorded.size <= 0:
                self._unrecorded = None
        return done

    def _write(self, data: bytes, done: int) -> None:
        """Append and sync what follows the first `done` bytes, going on with half a line if it is theirs."""
        if done < len(data):
            added = len(data) - done
            if self._half and data.startswith(self._half, done):
                self._file.overwrite(self._length, self._half)
                done += len(self._half)
            elif self._half:
                self._move_half_line()
            self._half = b""
            self._file.append(memoryview(data)[done:] if done else data)
            self._length += added
        self._file.sync()

    def _follow(self) -> None:
        """Begin a new file if this one was moved away or deleted; all that was written to it is synced."""
        if not self._file.has_its_name():
            self._reopen()
            self._tell_begun()

    def _measure(self) -> None:
        """Take note of what others did to the file's length."""
        if self._file.size == self._length + len(self._half):
            return
        before, opened = self._length, self.opened
        self._begin()
        self.opened = opened
        if self._length < before:
            self._tell_shorter(before - self._length)

    def _reopen(self) -> None:
        file = LockedFile(self.path)
        self._file.close()
        self._file = file
        self._begin()

    def _is_full(self) -> bool:
        if not self._length or self._half or self._unrecorded:  # what may be continued is kept in reach
            return False
        too_long = self.config.rotate_size and self._length >= self.config.rotate_size
        return bool(too_long or (self.config.rotate_daily and self.opened[:10] != _now()[:10]))

    def _rotate(self) -> None:
        aside = self._beside("-", self.opened)
        if aside.exists():  # as after an older state was put back
            aside = self._beside("-", _now())
        self.path.rename(aside)
        self._reopen()
        self._log.info("file set aside", aside=str(aside))

    def _move_half_line(self) -> None:
        aside = self._beside(".cut-", _now())
        file = LockedFile(aside)
        try:
            file.append(self._half)
            file.sync()
        except OSError:
            aside.unlink()
            raise
        finally:
            file.close()
        self._file.truncate(self._length)
        self._log.warning("half a line moved aside", aside=str(aside), bytes=len(self._half))

    def _beside(self, mark: str, time: str) -> Path:
        compact = time.replace("-", "").replace(":", "")
        return self.path.with_name(f"{self.path.stem}{mark}{compact}{self.path.suffix}")

    def _receipt(self) -> bytes:
        found = self._unrecorded
        size, since = (found.size, found.start) if found else (0, self._length)
        return msgspec.json.encode(Receipt(self.opened, self._file.inode, self._length, size, since))

    def _tell_begun(self) -> None:
        self._log.info("file moved away or deleted, a new one begun")

    def _tell_unrecorded(self, size: int) -> None:
        self._log.warning("file holds events that no record knows of; they stay", bytes=size)

    def _tell_shorter(self, missing: int) -> None:
        self._log.warning("file shorter than it was", missing=missing)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SinkUnavailable(f"{self.path}: {error.strerror}") from error


def _read(receipt: bytes) -> Receipt | None:
    """What a receipt says; nothing if it is that of a sink of another kind, which had the same name."""
    try:
        return msgspec.json.decode(receipt, type=Receipt)
    except msgspec.DecodeError:
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
