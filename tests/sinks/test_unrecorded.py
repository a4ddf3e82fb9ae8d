"""Unrecorded lines are claimed by the batches that wrote them."""

from gateway.sinks.unrecorded import Unrecorded
from tests.sinks.batches import batch

A, B = batch(0, 10, "a"), batch(100, 110, "b")
LINE = len(A.data) // 10


def claims(found: Unrecorded, partition: str, data: bytes) -> list[tuple[int, int]]:
    return list(found.claim(partition, data))


def test_the_same_batch_claims_every_line() -> None:
    found = Unrecorded(A.data, 500, len(A.data))

    assert claims(found, "a", A.data) == [(500, len(A.data))]
    assert found.size == 0


def test_a_shorter_batch_leaves_lines_for_the_next() -> None:
    found = Unrecorded(A.data, 0, len(A.data))

    assert claims(found, "a", batch(0, 4).data) == [(0, 4 * LINE)]
    assert claims(found, "a", batch(4, 12).data) == [(4 * LINE, 6 * LINE)]


def test_a_longer_batch_claims_its_first_lines() -> None:
    found = Unrecorded(batch(0, 4).data, 0, 4 * LINE)

    assert claims(found, "a", A.data) == [(0, 4 * LINE)]


def test_a_batch_of_another_partition_claims_nothing() -> None:
    found = Unrecorded(A.data, 0, len(A.data))

    assert claims(found, "b", B.data) == []
    assert claims(found, "a", A.data) == [(0, len(A.data))]


def test_consecutive_batches_can_be_claimed_in_any_order() -> None:
    found = Unrecorded(A.data + B.data, 0, len(A.data + B.data))

    assert claims(found, "b", B.data) == [(len(A.data), len(B.data))]
    assert claims(found, "a", A.data) == [(0, len(A.data))]


def test_interleaved_batches_are_claimed_in_ranges() -> None:
    content = batch(0, 2).data + batch(100, 103).data + batch(2, 4).data
    found = Unrecorded(content, 0, len(content))

    pieces = claims(found, "a", batch(0, 5).data)

    assert pieces == [(0, 2 * LINE), (len(content) - 2 * LINE, 2 * LINE)]


def test_a_partition_with_a_new_line_can_no_longer_claim() -> None:
    found = Unrecorded(A.data, 0, len(A.data))
    claims(found, "a", batch(20, 21).data)

    assert claims(found, "a", A.data) == []


def test_a_line_with_a_common_prefix_is_not_claimed() -> None:
    found = Unrecorded(b'{"a":1}\n{"b":2}\n', 0, 16)

    assert claims(found, "a", b'{"a":1}\n{"b":23}\n') == [(0, 8)]
    assert claims(found, "b", b'{"b":2\n') == []


def test_each_of_two_equal_lines_is_claimed_once() -> None:
    found = Unrecorded(b"{}\n{}\n", 0, 6)

    assert claims(found, "a", b"{}\n") == [(0, 3)]
    assert claims(found, "a", b"{}\n{}\n") == [(3, 3)]
