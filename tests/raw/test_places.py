"""Places of events in a body: line and column for people, bytes for programs."""

import pytest

from gateway.raw.places import Place, find_entries


def texts(body: bytes) -> list[bytes]:
    """The entries, cut out of the body."""
    return [body[place.start : place.end] for place in find_entries(body)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b' {"a": 1} ', [b'{"a": 1}'], id="one event"),
        pytest.param(b'[{"a": 1}, 2 ,"x"]', [b'{"a": 1}', b"2", b'"x"'], id="a list"),
        pytest.param(b'{"batch": [{}, {"a": []}], "x": 1}', [b"{}", b'{"a": []}'], id="a batch"),
        pytest.param(
            b'{"context": {"batch": [1, 2]}, "batch": [3]}', [b"3"], id="a batch within the context"
        ),
        pytest.param(b'{"batch": [1], "batch": [2, 3]}', [b"2", b"3"], id="of two batches the last"),
        pytest.param(b'{"batch": {"0": 1}}', [b'{"batch": {"0": 1}}'], id="a batch that is no list"),
        pytest.param(b'{"batch": []}', [], id="an empty batch"),
        pytest.param(b"[]", [], id="an empty list"),
        pytest.param(
            b'[{"s": "]}\\"", "n": 1e999}]', [b'{"s": "]}\\"", "n": 1e999}'], id="brackets in texts"
        ),
        pytest.param(b"[" + b"1" * 5000 + b"]", [b"1" * 5000], id="a long number"),
        pytest.param(b'{"batch": [{]}', [], id="no JSON"),
        pytest.param(b'{"batch": [1, 2', [], id="cut off"),
        pytest.param(b'["\xff"]', [], id="no UTF-8"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"[" * 100_000, [], id="nested too deep"),
    ],
)
def test_entries_are_found_where_they_stand(body: bytes, expected: list[bytes]) -> None:
    assert texts(body) == expected


def test_lines_and_columns_count_characters_and_spans_count_bytes() -> None:
    body = '{"batch": [{"é": 1},\n  {"ü":\n2}, {}]}'.encode()

    assert find_entries(body) == [Place(1, 12, 11, 20), Place(2, 3, 24, 33), Place(3, 5, 35, 37)]
