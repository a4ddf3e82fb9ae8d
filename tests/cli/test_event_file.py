"""Events are found in JSON lines and in arrays, compressed or not, wherever a block of reading ends."""

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.cli.event_file import EventFile
from gateway.cli.importing import ImportFailed

LIMIT = 1000
BOM = b"\xef\xbb\xbf"
EVENTS = [{"event": "Größe", "n": [1.50, {"a": '],}\\"'}]}, {"event": "B"}, {}]
LINES = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in EVENTS).encode()


class Trickle(io.RawIOBase):
    """A pipe that brings a byte at a time."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        byte, self.rest = self.rest[:1], self.rest[1:]
        buffer[: len(byte)] = byte
        return len(byte)


def trickle(content: bytes) -> io.BufferedReader:
    return io.BufferedReader(Trickle(content))


def in_two_members(content: bytes) -> bytes:
    return gzip.compress(content[:9], mtime=0) + gzip.compress(content[9:])


def opened(content: bytes) -> EventFile:
    return EventFile(io.BytesIO(content), "x.json", LIMIT)


def found(content: bytes, number: int = 0) -> list[tuple[int, bytes]]:
    return [(entry.number, entry.data) for entry in opened(content).entries(number)]


def decoded(file: EventFile) -> list[Any]:
    return [json.loads(entry.data) for entry in file.entries(0)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(LINES, id="lines"),
        pytest.param(LINES.rstrip(), id="lines without the last line end"),
        pytest.param(BOM + LINES, id="lines with a byte order mark"),
        pytest.param(LINES.replace(b"\n", b"\r\n\r\n"), id="lines of Windows with empty ones"),
        pytest.param(json.dumps(EVENTS).encode(), id="array"),
        pytest.param(json.dumps(EVENTS, indent=2, ensure_ascii=False).encode(), id="indented array"),
        pytest.param(BOM + b" \r\n" + json.dumps(EVENTS).encode() + b" \n", id="array with mark and blanks"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, in_two_members], ids=["plain", "gzip", "two members"])
@pytest.mark.parametrize("stream", [io.BytesIO, trickle], ids=["at once", "a byte at a time"])
def test_every_form_has_the_same_events(
    content: bytes, pack: Callable[[bytes], bytes], stream: Callable[[bytes], Any]
) -> None:
    assert decoded(EventFile(stream(pack(content)), "x", LIMIT)) == EVENTS


@pytest.mark.parametrize("content", [b"", b"\n \n", BOM, b"[]", b" [ ] ", gzip.compress(b"", mtime=0)])
def test_there_may_be_no_event(content: bytes) -> None:
    assert found(content) == []


def test_lines_are_counted_with_the_empty_ones_and_array_elements_by_their_place() -> None:
    assert found(b'\n{"a":1}\n\n[2]\n') == [(2, b'{"a":1}\n'), (4, b"[2]\n")]
    assert found(b'[\n{"a":1},\n\n[2]]') == [(1, b'{"a":1}'), (2, b"[2]")]


def test_an_array_element_stays_as_it_was_written() -> None:
    assert found(b'[{"n": 1.50, "n": 12345678901234567890123}, 1e999 ]')[0][1] == (
        b'{"n": 1.50, "n": 12345678901234567890123}'
    )


def test_bytes_that_are_not_utf8_are_left_for_their_own_event() -> None:
    assert found(b'["\xff", 2]') == [(1, b'"\xff"'), (2, b"2")]


@pytest.mark.parametrize("content", [b'{"a":"%s"}\n{}\n', b'[{"a":"%s"},{}]'], ids=["lines", "array"])
@pytest.mark.parametrize("size", [LIMIT, 2 * LIMIT + 2, 300_000])
def test_what_is_too_large_is_not_kept_and_costs_no_other(content: bytes, size: int) -> None:
    entries = list(opened(content % (b"x" * size)).entries(0))

    assert [(entry.number, len(entry.data) <= 3) for entry in entries] == [(1, True), (2, True)]
    assert entries[0].data == b""
    assert entries[0].size >= size


@pytest.mark.parametrize(
    "content", [LINES, json.dumps(EVENTS).encode(), gzip.compress(LINES, mtime=0), BOM + LINES]
)
def test_after_any_event_the_rest_is_found_by_offset_and_digest(content: bytes) -> None:
    entries = list(opened(content).entries(0))

    for entry in entries:
        again = opened(content)
        assert again.skip(entry.end, entry.digest())
        rest = [(each.number, each.data, each.digest()) for each in again.entries(entry.number)]
        assert rest == [(each.number, each.data, each.digest()) for each in entries[entry.number :]]


@pytest.mark.parametrize(
    "other", [LINES.replace(b"B", b"C"), LINES[:20], b""], ids=["other", "shorter", "empty"]
)
def test_another_content_does_not_have_the_digest(other: bytes) -> None:
    *_, last = opened(LINES).entries(0)

    assert not opened(other).skip(last.end, last.digest())


@pytest.mark.parametrize(
    ("content", "events", "problem"),
    [
        pytest.param(b'[{"a":1},{"b":', 1, "event 2: Expecting value", id="cut off in an element"),
        pytest.param(b'[{"a":1},', 1, "event 2: the array is cut off", id="cut off behind a comma"),
        pytest.param(b'[{"a":1}', 1, "event 2: the array is cut off", id="cut off behind an element"),
        pytest.param(b"[", 0, "event 1: the array is cut off", id="only begun"),
        pytest.param(b'[{"a":1} {"b":1}]', 1, "event 2: expected a comma", id="no comma"),
        pytest.param(b'[{"a":1},]', 1, "event 2: Expecting value", id="a comma too many"),
        pytest.param(b"[{}] {}", 1, "text follows the array", id="a line behind"),
        pytest.param(b"[" * 100_000, 0, "event 1: nested too deeply", id="nested too deeply"),
        pytest.param(gzip.compress(LINES, mtime=0)[:-8], 3, "damaged or cut off", id="cut off gzip"),
        pytest.param(
            gzip.compress(b"[{},{},", mtime=0)[:-8], 2, "damaged or cut off", id="cut off gzip of an array"
        ),
        pytest.param(
            gzip.compress(LINES, mtime=0)[:-5] + b"12345", 3, "damaged or cut off", id="a wrong checksum"
        ),
    ],
)
def test_what_comes_before_damage_is_found_and_the_damage_reported(
    content: bytes, events: int, problem: str
) -> None:
    entries = opened(content).entries(0)

    for _ in range(events):
        next(entries)
    with pytest.raises(ImportFailed, match=f"x.json: {problem}"):
        next(entries)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_called_by_its_name(encoding: str) -> None:
    with pytest.raises(ImportFailed, match=r"x\.json: UTF-16 is not supported; convert it to UTF-8"):
        opened("\ufeff{}".encode(encoding))
