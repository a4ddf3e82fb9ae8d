"""
Importing a file of events, one JSON object a line, through the front door of a running gateway.

How far it came is kept beside the file, so that an import that was broken off goes on from there. A line
without a messageId gets one, the same each time: sent twice, it is one event.
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

_LARGEST_BATCH = 400 * 1024  # bytes, of the 500 KB that a gateway takes
_MOST_EVENTS = 1000
_TIMEOUT = 30.0  # seconds for one answer
_PATIENCE = 300.0  # seconds for which a gateway may be unavailable


class Broken(GatewayError):
    """The import cannot go on; what was sent is noted."""


class Mistake(msgspec.Struct, frozen=True):
    """One line that was not accepted."""

    line: int
    code: str
    message: str


class Progress(msgspec.Struct):
    """How far an import has come."""

    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    """What makes the messageIds of this import."""
    offset: int = 0
    """Bytes of the file that are dealt with."""
    line: int = 0
    """Lines."""
    accepted: int = 0
    refused: int = 0


class Batch(msgspec.Struct):
    """Some lines of the file."""

    events: list[bytes] = []
    numbers: list[int] = []
    """Their line numbers."""
    mistakes: list[Mistake] = []
    """Lines that are no events at all."""
    offset: int = 0
    """Where the file goes on."""
    line: int = 0


class _Error(msgspec.Struct, rename={"place": "Index"}):
    code: str
    message: str = msgspec.field(name="Message")
    details: str = msgspec.field(default="", name="Details")
    place: int | None = None


class _Answer(msgspec.Struct):
    """As much of an answer as an import needs; `code` and `message` are there when something is wrong."""

    success: bool = False
    errors: list[_Error] = msgspec.field(default_factory=list, name="Errors")
    code: str = ""
    message: str = ""


_read_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_read_answer = msgspec.json.Decoder(_Answer).decode


class Import:
    """One import of one file; `notes` is where its progress is kept."""

    def __init__(self, file: Path, address: str, write_key: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise Broken(f"{address}: expected http:// or https://")
        self.file = file
        self.address = address.rstrip("/") + "/v1/import"
        self.headers = {"Content-Type": "application/json", "X-Strict-Mode": "1"}
        if write_key:
            self.headers["Authorization"] = f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"
        self.notes = file.with_name(file.name + ".sent")
        self.progress = Progress()
        if self.notes.exists():
            try:
                self.progress = msgspec.json.decode(self.notes.read_bytes(), type=Progress)
            except msgspec.DecodeError as error:
                raise Broken(f"{self.notes} is damaged; delete it to begin anew") from error
        if file.stat().st_size < self.progress.offset:
            raise Broken(f"{file} is shorter than what was sent of it; delete {self.notes} to begin anew")

    def run(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[list[Mistake]]:
        """Send batch after batch; after each, what was refused of it. Broken if it cannot go on."""
        self._note()  # first of all the id, or another attempt would give other messageIds
        for batch in self._batches():
            mistakes = list(batch.mistakes)
            if batch.events:
                mistakes += self._send(batch.events, batch.numbers, sleep)
            self.progress.offset, self.progress.line = batch.offset, batch.line
            self.progress.refused += len(mistakes)
            self.progress.accepted += len(batch.events) + len(batch.mistakes) - len(mistakes)
            self._note()
            yield sorted(mistakes, key=lambda mistake: mistake.line)

    def _batches(self) -> Iterator[Batch]:
        with self.file.open("rb") as opened:
            opened.seek(self.progress.offset)
            batch = Batch(offset=self.progress.offset, line=self.progress.line)
            size = 0
            for line in opened:
                if size + len(line) > _LARGEST_BATCH or len(batch.events) >= _MOST_EVENTS:
                    yield batch
                    batch, size = Batch(offset=batch.offset, line=batch.line), 0
                batch.offset += len(line)
                batch.line += 1
                if line.strip():
                    size += len(line)
                    self._add(batch, line)
            yield batch

    def _add(self, batch: Batch, line: bytes) -> None:
        if len(line) > _LARGEST_BATCH:
            batch.mistakes.append(Mistake(batch.line, "event_too_large", f"{len(line)} bytes"))
            return
        try:
            fields = _read_fields(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            batch.mistakes.append(Mistake(batch.line, "not_an_object", str(error)))
            return
        if fields.get("messageId", _NULL) == _NULL:
            fields["messageId"] = Raw(f'"{self.progress.id}-{batch.line}"'.encode())
        batch.events.append(msgspec.json.encode(fields))
        batch.numbers.append(batch.line)

    def _send(self, events: list[bytes], numbers: list[int], sleep: Callable[[float], None]) -> list[Mistake]:
        answer = self._ask(b'{"batch":[' + b",".join(events) + b"]}", sleep)
        if answer.code == "body_too_large" and len(events) > 1:
            half = len(events) // 2
            return self._send(events[:half], numbers[:half], sleep) + self._send(
                events[half:], numbers[half:], sleep
            )
        if answer.code and not all(error.place is not None for error in answer.errors or [_WHOLE]):
            if len(events) == 1 and answer.code not in _NOBODYS:
                return [Mistake(numbers[0], answer.code, answer.message)]
            raise Broken(f"the gateway refused the batch: {answer.message} ({answer.code})")
        return [
            Mistake(numbers[error.place or 0], error.code, f"{error.message} {error.details}".strip())
            for error in answer.errors
        ]

    def _ask(self, body: bytes, sleep: Callable[[float], None]) -> _Answer:
        """Ask until there is an answer, or for as long as anybody would wait."""
        waited, waits = 0.0, delays(1.0, 30.0)
        while True:
            try:
                request = Request(self.address, body, self.headers)  # noqa: S310  # checked above
                with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                    return self._understand(response.status, response.read())
            except HTTPError as error:
                text, trouble = error.read(), f"{error.code} {error.reason}"
                if error.code < 500 and error.code != 429:
                    return self._understand(error.code, text)
                asked = _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                asked, trouble = 0.0, str(getattr(error, "reason", error))
            wait = max(asked, next(waits))
            waited += wait
            if waited > _PATIENCE:
                line = self.progress.line + 1
                raise Broken(f"{self.address}: {trouble}; call again to go on from line {line}")
            sleep(wait)

    def _understand(self, status: int, text: bytes) -> _Answer:
        try:
            answer = _read_answer(text)
        except msgspec.DecodeError:
            answer = _Answer()
        if not (answer.success or answer.code):
            said = text[:100].decode("utf-8", "replace")
            raise Broken(f"{self.address} is no gateway: it answers {status} {said!r}")
        return answer

    def _note(self) -> None:
        fresh = self.notes.with_name(self.notes.name + ".new")
        fresh.write_bytes(msgspec.json.encode(self.progress))
        fresh.replace(self.notes)


def _seconds(wait: str | None) -> float:
    """What Retry-After asks for, if it is no date."""
    return float(wait) if wait and wait.isdecimal() and len(wait) < 10 else 0.0


_NULL = Raw(b"null")
_WHOLE = _Error("", "")
_NOBODYS = ("unknown_write_key", "source_disabled", "origin_not_allowed")
"""What is wrong with the key, and so with all that is to come."""
