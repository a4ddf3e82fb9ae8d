"""The key of an event depends on its source and its messageId, and on nothing else."""

from typing import Any

from gateway.delivery.duplicates.keys import read_keys
from gateway.journal.chunk import Chunk
from tests.build import event_line


def chunk(*lines: bytes, first: int = 0, count: int | None = None) -> Chunk:
    data = b"".join(line + b"\n" for line in lines)
    return Chunk(first, len(lines) if count is None else count, 1, 0, 0, data)


def key(**fields: Any) -> bytes:
    [found] = read_keys("0", [chunk(event_line(**fields))])
    return found


def test_the_key_is_the_same_wherever_and_whenever_the_event_is_stored() -> None:
    lines = [event_line(1), event_line(2, userId="u2", event="Paid"), event_line(1, properties={"a": 1})]

    [one, two, again] = read_keys("0", [chunk(*lines)])

    assert one == again != two
    assert read_keys("1", [chunk(lines[0], first=5), chunk(lines[1], first=9)]) == [one, two]


def test_the_name_of_a_source_and_the_id_are_kept_apart() -> None:
    pairs = [("shop", "a1"), ("shopa", "1"), ("shop", "a1 "), ("Shop", "a1"), ("shop", "ä1"), ("shop", "")]

    keys = {key(messageId=id, source={"name": name, "dialect": "segment"}) for name, id in pairs}

    assert {len(each) for each in keys} == {16}
    assert len(keys) == len(pairs)


def test_an_escaped_id_is_the_id_that_it_stands_for() -> None:
    line = event_line(messageId="é")

    assert read_keys("0", [chunk(line)]) == [key(messageId="é")]
    assert b"\\u00e9" in line


def test_only_the_sources_own_name_counts() -> None:
    source = {"name": "shop", "dialect": "segment"}

    assert key(source=source, native={"source": {"name": "x"}, "messageId": "y"}) == key(source=source)


def test_a_line_that_cannot_be_read_has_a_key_of_its_own() -> None:
    bad = [b"{}", b"not JSON", b'{"messageId":"\xff","source":{"name":"a"}}', b'{"messageId":"\\ud800"}', b""]

    keys = read_keys("0", [chunk(*bad, first=3), chunk(event_line(1), first=8)])

    assert len(set(keys)) == len(bad) + 1
    assert keys[-1] == read_keys("1", [chunk(event_line(1))])[0]
    assert set(keys).isdisjoint(read_keys("1", [chunk(*bad, first=3)]))


def test_every_event_of_a_chunk_has_a_key_even_if_lines_are_missing() -> None:
    assert len(set(read_keys("0", [chunk(event_line(1), count=3)]))) == 3
