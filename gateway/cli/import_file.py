"""
Import a file of events, one JSON object a line, through a running gateway.

Progress is kept beside the file, so that an interrupted import resumes there. A line without a messageId gets
one, the same each time: sent twice, it is one event.
"""

import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
from msgspec import Raw

from gateway.backoff import delays
from gateway.errors import GatewayError

_MAX_BATCH_BYTES = 400 * 1024  # of the 500 KB that a gateway accepts
_MAX_BATCH_EVENTS = 1000
_TIMEOUT = 30.0  # seconds for one answer
_PATIENCE = 300.0  # seconds for which a gateway may be unavailable


class ImportFailed(GatewayError):
    """The import cannot go on; the progress so far is kept."""


class Fault(msgspec.Struct, frozen=True):
    """The reason why one line was refused."""

    line: int
    """Counted from 1, empty ones too."""
    code: str
    detail: str


class Progress(msgspec.Struct):
    """The progress of an import, as its file keeps it."""

    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    """Part of the messageIds that this import makes."""
    offset: int = 0
    """Bytes of the file that are done."""
    line: int = 0
    """Lines that are done."""
    accepted: int = 0
    refused: int = 0


class Batch(msgspec.Struct):
    """The lines of one request."""

    events: list[bytes] = []
    lines: list[int] = []
    """The line number of each event."""
    faults: list[Fault] = []
    """Lines that hold no event, and are not sent."""
    offset: int = 0
    """Bytes of the file up to the end of the batch."""
    line: int = 0
    """Lines up to there."""


class _Error(msgspec.Struct, rename={"place": "Index"}):
    code: str
    message: str = msgspec.field(name="Message")
    details: str = msgspec.field(default="", name="Details")
    place: int | None = None


class _Answer(msgspec.Struct):
    """The part of an answer that an import needs; `code` and `message` are set if something is wrong."""

    success: bool = False
    errors: list[_Error] = msgspec.field(default_factory=list, name="Errors")
    code: str = ""
    message: str = ""


_read_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_read_answer = msgspec.json.Decoder(_Answer).decode


class Import:
    """
    One import of one file.

    Raises ImportFailed if the address is not one, or if FILE.sent does not fit the file.
    """

    def __init__(self, file: Path, address: str, write_key: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise ImportFailed(f"{address}: expected http:// or https://")
        self.file = file
        self.address = address.rstrip("/") + "/v1/import"
        self.headers = {"Content-Type": "application/json", "X-Strict-Mode": "1"}
        if write_key:
            self.headers["Authorization"] = f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"
        self.progress_file = file.with_name(file.name + ".sent")
        self.progress = Progress()
        if self.progress_file.exists():
            try:
                self.progress = msgspec.json.decode(self.progress_file.read_bytes(), type=Progress)
            except msgspec.DecodeError as error:
                raise ImportFailed(f"{self.progress_file} is damaged; delete it to start again") from error
        if file.stat().st_size < self.progress.offset:
            raise ImportFailed(
                f"{file} is shorter than what was sent of it; delete {self.progress_file} to start again"
            )

    @property
    def offset(self) -> int:
        """Bytes of the file that are done."""
        return self.progress.offset

    @property
    def line(self) -> int:
        """Lines that are done."""
        return self.progress.line

    @property
    def accepted(self) -> int:
        """Events that were accepted."""
        return self.progress.accepted

    @property
    def refused(self) -> int:
        """Lines that were refused."""
        return self.progress.refused

    def run(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[list[Fault]]:
        """
        Send batch after batch, and yield the faults of each. Raises ImportFailed if it cannot go on.

        `sleep` waits for a number of seconds before a request is repeated.
        """
        self._save()  # first of all the id, or another attempt would make other messageIds
        for batch in self._batches():
            faults = list(batch.faults)
            if batch.events:
                faults += self._send(batch.events, batch.lines, sleep)
            self.progress.offset, self.progress.line = batch.offset, batch.line
            self.progress.refused += len(faults)
            self.progress.accepted += len(batch.events) + len(batch.faults) - len(faults)
            self._save()
            yield sorted(faults, key=lambda fault: fault.line)

    def _batches(self) -> Iterator[Batch]:
        with self.file.open("rb") as opened:
            opened.seek(self.progress.offset)
            batch = Batch(offset=self.progress.offset, line=self.progress.line)
            size = 0
            for line in opened:
                if size + len(line) > _MAX_BATCH_BYTES or len(batch.events) >= _MAX_BATCH_EVENTS:
                    yield batch
                    batch, size = Batch(offset=batch.offset, line=batch.line), 0
                batch.offset += len(line)
                batch.line += 1
                if line.strip():
                    size += len(line)
                    self._add(batch, line)
            yield batch

    def _add(self, batch: Batch, line: bytes) -> None:
        if len(line) > _MAX_BATCH_BYTES:
            batch.faults.append(Fault(batch.line, "event_too_large", f"{len(line)} bytes"))
            return
        try:
            fields = _read_fields(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            batch.faults.append(Fault(batch.line, "not_an_object", str(error)))
            return
        if fields.get("messageId", _NULL) == _NULL:
            fields["messageId"] = Raw(f'"{self.progress.id}-{batch.line}"'.encode())
        batch.events.append(msgspec.json.encode(fields))
        batch.lines.append(batch.line)

    def _send(self, events: list[bytes], lines: list[int], sleep: Callable[[float], None]) -> list[Fault]:
        answer = self._ask(b'{"batch":[' + b",".join(events) + b"]}", sleep)
        if answer.code == "body_too_large" and len(events) > 1:
            half = len(events) // 2
            first = self._send(events[:half], lines[:half], sleep)
            return first + self._send(events[half:], lines[half:], sleep)
        if answer.code and not all(error.place is not None for error in answer.errors or [_WHOLE]):
            if len(events) == 1 and answer.code not in _OF_THE_KEY:
                return [Fault(lines[0], answer.code, answer.message)]
            raise ImportFailed(f"the gateway refused the batch: {answer.message} ({answer.code})")
        return [
            Fault(lines[error.place or 0], error.code, f"{error.message} {error.details}".strip())
            for error in answer.errors
        ]

    def _ask(self, body: bytes, sleep: Callable[[float], None]) -> _Answer:
        """Repeat a request until it is answered. Raises ImportFailed after _PATIENCE."""
        waited, waits = 0.0, delays(1.0, 30.0)
        while True:
            try:
                request = Request(self.address, body, self.headers)  # noqa: S310  # checked above
                with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                    return self._read(response.status, response.read())
            except HTTPError as error:
                text, reason = error.read(), f"{error.code} {error.reason}"
                if error.code < 500 and error.code != 429:
                    return self._read(error.code, text)
                asked = _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                asked, reason = 0.0, str(getattr(error, "reason", error))
            wait = max(asked, next(waits))
            waited += wait
            if waited > _PATIENCE:
                line = self.progress.line + 1
                raise ImportFailed(
                    f"{self.address}: {reason}; run the command again to resume at line {line}"
                )
            sleep(wait)

    def _read(self, status: int, text: bytes) -> _Answer:
        try:
            answer = _read_answer(text)
        except msgspec.DecodeError:
            answer = _Answer()
        if not (answer.success or answer.code):
            said = text[:100].decode("utf-8", "replace")
            raise ImportFailed(f"{self.address} is not a gateway: it answers {status} {said!r}")
        return answer

    def _save(self) -> None:
        new = self.progress_file.with_name(self.progress_file.name + ".new")
        new.write_bytes(msgspec.json.encode(self.progress))
        new.replace(self.progress_file)


def _seconds(wait: str | None) -> float:
    """Return the seconds that Retry-After asks for; 0 for a date, or without one."""
    return float(wait) if wait and wait.isdecimal() and len(wait) < 10 else 0.0


_NULL = Raw(b"null")
_WHOLE = _Error("", "")
_OF_THE_KEY = ("unknown_write_key", "source_disabled", "origin_not_allowed")
"""Codes that all other events with the key would get too."""
