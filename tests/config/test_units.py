"""Durations and sizes as operators write them."""

import pytest

from gateway.config.units import Duration, Size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("15m", 900), ("24h", 86400), ("7d", 604800), ("1.5h", 5400), ("0s", 0), ("7 d", 604800)],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("1B", 1), ("15KB", 15360), ("256MB", 2**28), ("20GB", 20 * 2**30), ("1TB", 2**40), ("0.5KB", 512)],
)
def test_a_size_is_bytes(text: str, size: int) -> None:
    assert Size.parse(text) == size


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7w", "-7d", "7D", "1e3s", "7d ", "7d 3h", None, 7, 7.5, []], ids=repr
)
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match='"30s"'):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["15", "15kb", "15K", "KB", "-1KB", "15KiB", 15], ids=repr)
def test_what_is_no_size_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match='"15KB"'):
        Size.parse(text)
