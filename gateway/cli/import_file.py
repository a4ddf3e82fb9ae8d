"""
Import the events of a file or a pipe through a running gateway.

The progress of an import is kept beside the file, with the digest of what was done, so that an interrupted
import is resumed exactly there, and different content starts over. An event without a messageId gets one,
the same whenever the import is resumed: sent twice, it is one event.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Raw

from gateway.cli.event_file import Entry, EventFile
from gateway.cli.importing import ImportFailed
from gateway.cli.posting import Error, Poster

_MAX_BATCH_BYTES = 400 * 1024  # of the 500 KB that a gateway accepts
_MAX_BATCH_EVENTS = 1000

STANDARD_INPUT = Path("-")


class Fault(msgspec.Struct, frozen=True):
    """The reason why one event was refused."""

    line: int
    """The line, counted from 1 including empty ones; in an array, the number of the event."""
    code: str
    detail: str


class Progress(msgspec.Struct):
    """The progress of an import, as stored in its file."""

    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    """Makes the messageIds of this import differ from those of all others."""
    offset: int = 0
    """Bytes of the content that have been processed."""
    digest: str = hashlib.sha256().hexdigest()
    """The digest of those bytes."""
    line: int = 0
    """Lines or events that have been processed."""
    accepted: int = 0
    refused: int = 0


class Batch(msgspec.Struct):
    """The events of one request."""

    events: list[bytes] = []
    lines: list[int] = []
    """The line number of each event."""
    size: int = 0
    """Bytes of the events, as read."""
    faults: list[Fault] = []
    """Lines that are not events, and are not sent."""
    line: int = 0
    """Lines or events of the content up to the end of the batch; 0 if the batch is empty."""
    end: int = 0
    """Bytes of the content up to the end of the batch."""
    digest: Callable[[], str] = str
    """Returns the digest of those bytes."""


_read_fields = msgspec.json.Decoder(dict[str, Raw]).decode


class Import:
    """
    One import of a file, a pipe or standard input, whose bytes are in `stream`.

    Raises OSError, and ImportFailed if the content is unreadable or FILE.sent damaged.
    """

    def __init__(self, file: Path, stream: IO[bytes], poster: Poster) -> None:
        self._poster = poster
        self._stream = stream
        self.progress_file = (
            file.with_name(f"{file.name}.sent") if file != STANDARD_INPUT and file.is_file() else None
        )
        """None for a pipe, whose import cannot be resumed."""
        recorded = self._load()
        self.progress = recorded
        self._content = EventFile(stream, str(file), _MAX_BATCH_BYTES)
        if not self._content.skip(recorded.offset, recorded.digest):
            stream.seek(0)
            self.progress = Progress()
            self._content = EventFile(stream, str(file), _MAX_BATCH_BYTES)
        self.is_other_content = self.progress is not recorded
        """True if the recorded progress is that of other content, so that this import starts over."""
        entries = self._content.entries(self.progress.line)
        first = next(entries, None)
        self.is_done = first is None
        """True if there is nothing left to send."""
        self._entries = chain([first], entries) if first else entries

    @property
    def offset(self) -> int:
        """Bytes of the file that have been processed; 0 for a pipe."""
        if not self.progress_file:
            return 0
        return self._stream.tell() if self._content.is_compressed else self.progress.offset

    @property
    def accepted(self) -> int:
        """Events that were accepted."""
        return self.progress.accepted

    @property
    def refused(self) -> int:
        """Events and lines that were refused."""
        return self.progress.refused

    @property
    def next(self) -> str:
        """The place at which the import goes on, such as "line 5"."""
        return f"{'event' if self._content.is_array else 'line'} {self.progress.line + 1}"

    def run(self) -> Iterator[list[Fault]]:
        """
        Send batch after batch, and yield the faults of each.

        Raises OSError, and ImportFailed if it cannot go on; everything before that is done and recorded.
        """
        self._save()  # the id first, or another attempt would make different messageIds
        for batch in self._batches():
            faults = list(batch.faults)
            if batch.events:
                try:
                    faults += self._send(batch.events, batch.lines)
                except ImportFailed as error:
                    again = f"; run the command again to resume at {self.next}" if self.progress_file else ""
                    raise ImportFailed(f"{error}{again}") from error
            self.progress.offset, self.progress.digest = batch.end, batch.digest()
            self.progress.line = batch.line
            self.progress.refused += len(faults)
            self.progress.accepted += len(batch.events) + len(batch.faults) - len(faults)
            self._save()
            yield sorted(faults, key=lambda fault: fault.line)

    def _batches(self) -> Iterator[Batch]:
        batch = Batch()
        try:
            for entry in self._entries:
                if batch.line and (
                    batch.size + entry.size > _MAX_BATCH_BYTES or len(batch.events) >= _MAX_BATCH_EVENTS
                ):
                    yield batch
                    batch = Batch()
                self._add(batch, entry)
        except ImportFailed:
            if batch.line:  # what comes before the damage is intact
                yield batch
            raise
        if batch.line:
            yield batch

    def _add(self, batch: Batch, entry: Entry) -> None:
        batch.line, batch.end, batch.digest = entry.number, entry.end, entry.digest
        if not entry.data:
            batch.faults.append(Fault(entry.number, "event_too_large", f"{entry.size} bytes"))
            return
        try:
            fields = _read_fields(entry.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            batch.faults.append(Fault(entry.number, "not_an_object", str(error)))
            return
        if fields.get("messageId", _NULL) == _NULL:
            made = hashlib.sha256(f"{self.progress.id}{entry.digest()}".encode()).hexdigest()[:32]
            fields["messageId"] = Raw(f'"{made}"'.encode())
        batch.events.append(msgspec.json.encode(fields))
        batch.lines.append(entry.number)
        batch.size += entry.size

    def _send(self, events: list[bytes], lines: list[int]) -> list[Fault]:
        answer = self._poster.post(b'{"batch":[' + b",".join(events) + b"]}")
        if answer.code == "body_too_large" and len(events) > 1:
            half = len(events) // 2
            return self._send(events[:half], lines[:half]) + self._send(events[half:], lines[half:])
        if answer.code and not all(error.place is not None for error in answer.errors or [_WHOLE]):
            if len(events) == 1 and answer.code not in _OF_THE_KEY:
                return [Fault(lines[0], answer.code, answer.message)]
            raise ImportFailed(f"the gateway refused the batch: {answer.message} ({answer.code})")
        return [
            Fault(lines[error.place or 0], error.code, f"{error.message} {error.details}".strip())
            for error in answer.errors
        ]

    def _load(self) -> Progress:
        if not self.progress_file or not self.progress_file.exists():
            return Progress()
        try:
            return msgspec.json.decode(self.progress_file.read_bytes(), type=Progress)
        except msgspec.DecodeError as error:
            raise ImportFailed(f"{self.progress_file} is damaged; delete it to start again") from error

    def _save(self) -> None:
        if self.progress_file:
            new = self.progress_file.with_name(f"{self.progress_file.name}.new")
            new.write_bytes(msgspec.json.encode(self.progress))
            new.replace(self.progress_file)


_NULL = Raw(b"null")
_WHOLE = Error("", "")
_OF_THE_KEY = ("unknown_write_key", "source_disabled", "origin_not_allowed")
"""Codes that any other event with the key would get too."""
