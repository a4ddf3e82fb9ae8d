"""
Read the events of a file or a pipe one by one, in bounded memory.

The content is JSON lines or one JSON array, in UTF-8 with or without a byte order mark, plain or in gzip.
"""

import codecs
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

from gateway.cli.importing import ImportFailed

_BLOCK_BYTES = 256 * 1024
_MAX_ELEMENT_CHARACTERS = 16 * 1024**2
"""The most that is read from an array to find the end of an element."""
_BLANK = b" \t\r\n"
_OPENING = re.compile(r"\ufeff?\s*(\[)\s*")
_SEPARATOR = re.compile(r"\s*([,\]])\s*")

_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
_CUT_OFF = "the array is cut off"

# Numbers stay text, since only the end of an element is of interest.
_find_end = json.JSONDecoder(parse_int=str, parse_float=str, strict=False).raw_decode


class Entry(NamedTuple):
    """A line or element that may be an event."""

    number: int
    """Its line, or its place in an array, counted from 1."""
    data: bytes
    """Empty if it is too large."""
    size: int
    """Its size in bytes."""
    end: int
    """Bytes of the content up to the end of the entry."""
    digest: Callable[[], str]
    """Returns the digest of the content up to there."""


class EventFile:
    """The content of a stream, called `name` in errors. Raises ImportFailed if it becomes unreadable."""

    def __init__(self, stream: IO[bytes], name: str, max_event_bytes: int) -> None:
        self._name = name
        self._max_bytes = max_event_bytes
        self._hash = hashlib.sha256()
        self._end = 0
        with self._translated_errors():
            head = stream.read(2)
            self._content = _put_back(head, stream)
            self.is_compressed = head == b"\x1f\x8b"
            if self.is_compressed:
                self._content = _put_back(b"", gzip.GzipFile(fileobj=self._content))
            head = self._content.read(len(codecs.BOM_UTF8))
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise ImportFailed(f"{name}: UTF-16 is not supported; convert it to UTF-8")
            while not head.removeprefix(codecs.BOM_UTF8).strip(_BLANK) and len(head) < _BLOCK_BYTES:
                if not (byte := self._content.read(1)):
                    break
                head += byte
            self._content = _put_back(head, self._content)
        self.is_array = head.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK).startswith(b"[")
        """True if the content is one JSON array."""

    def skip(self, size: int, digest: str) -> bool:
        """Skip `size` bytes; return False if they do not have the digest."""
        with self._translated_errors():
            while size and (block := self._content.read(min(size, _BLOCK_BYTES))):
                self._advance(block)
                size -= len(block)
        return not size and self._hash.hexdigest() == digest

    def entries(self, number: int) -> Iterator[Entry]:
        """Yield the entries that follow after the first `number` were skipped."""
        with self._translated_errors():
            yield from self._elements(number) if self.is_array else self._lines(number)

    def _lines(self, number: int) -> Iterator[Entry]:
        limit = self._max_bytes + 1
        while line := self._content.readline(limit):
            start, number = self._end, number + 1
            self._advance(line)
            part = line
            while len(part) == limit and not part.endswith(b"\n"):
                part = self._content.readline(limit)
                self._advance(part)
            if not start:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip():
                yield self._entry(number, line, self._end - start)

    def _elements(self, number: int) -> Iterator[Entry]:
        decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        text, place, complete = "", 0, False
        while True:
            try:
                begin, end = _next_element(text, place, number)
                unclear = end == len(text) and not complete  # a number may continue
            except (ValueError, RecursionError) as error:
                if complete or len(text) - place > _MAX_ELEMENT_CHARACTERS:
                    raise ImportFailed(f"{self._name}: event {number + 1}: {_reason(error)}") from error
                unclear = True
            if unclear:
                block = self._read(max(_BLOCK_BYTES, len(text) - place))
                complete = not block
                text, place = text[place:] + decode(block, complete), 0
            elif begin == end:
                return self._check_rest(text[end:])
            else:
                self._advance(text[place:end].encode("utf-8", "surrogateescape"))
                number, place = number + 1, end
                data = text[begin:end].encode("utf-8", "surrogateescape")
                yield self._entry(number, data, len(data))

    def _read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end or before damage, which is then raised by the next call."""
        parts: list[bytes] = []
        try:
            while size > 0 and (part := self._content.read1(size)):
                parts.append(part)
                size -= len(part)
        except _DAMAGE as error:
            if not parts:
                raise
            self._content = _put_back(b"", _Damaged(error))
        return b"".join(parts)

    def _check_rest(self, text: str) -> None:
        """Raise ImportFailed if something follows the array."""
        rest = text.encode("utf-8", "surrogateescape")
        while not rest.strip(_BLANK):
            rest = self._content.read(_BLOCK_BYTES)
            if not rest:
                return
        raise ImportFailed(f"{self._name}: text follows the array; expected one array, or one event a line")

    def _entry(self, number: int, data: bytes, size: int) -> Entry:
        kept = data if size <= self._max_bytes else b""
        return Entry(number, kept, size, self._end, self._hash.copy().hexdigest)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise ImportFailed(f"{self._name}: damaged or cut off: {error}") from error

    def _advance(self, block: bytes) -> None:
        self._hash.update(block)
        self._end += len(block)


class _Damaged:
    """A stream that cannot be read any further because of an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read1(self, size: int) -> bytes:
        raise self._error


class _PutBack(io.RawIOBase):
    """A stream whose first bytes, already read, are returned again."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._head or self._rest.read1(len(buffer))
        found, self._head = found[: len(buffer)], found[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)


def _put_back(head: bytes, rest: Any) -> io.BufferedReader:
    return io.BufferedReader(_PutBack(head, rest), _BLOCK_BYTES)


def _next_element(text: str, place: int, number: int) -> tuple[int, int]:
    """
    Return where the next element begins and ends; both are the end of the array if there is none.

    `place` is the end of the previous element, `number` how many came before. Raises ValueError or
    RecursionError if the text is not JSON, or ends too early.
    """
    mark = (_SEPARATOR if number else _OPENING).match(text, place)
    if not mark:
        raise ValueError("expected a comma or the end of the array" if text[place:].strip() else _CUT_OFF)
    begin = mark.end()
    if mark[1] == "]":
        return begin, begin
    if not number and text.startswith("]", begin):
        return begin + 1, begin + 1
    if begin == len(text):
        raise ValueError(_CUT_OFF)
    return begin, _find_end(text, begin)[1]


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)
