"""Durations, sizes and rates as operators write them."""

import pytest

from gateway.config.units import Duration, Rate, Size


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


@pytest.mark.parametrize("text", ["0s", "1s", "90s", "90m", "24h", "8d", "0.25s"])
def test_a_duration_is_spelled_as_it_is_parsed(text: str) -> None:
    assert Duration.parse(Duration.parse(text).spell()) == Duration.parse(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1000, "1000B"), (1024, "1KB"), (5 * 2**20, "5MB"), (2**41, "2TB")]
)
def test_a_size_is_spelled_in_the_largest_unit_that_fits(size: int, text: str) -> None:
    assert Size(size).spell() == text


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


@pytest.mark.parametrize(
    ("text", "events"), [("1000/s", 1000), ("600/m", 10), ("1800/h", 0.5), ("0.5/s", 0.5), ("5 /s", 5)]
)
def test_a_rate_is_events_a_second(text: str, events: float) -> None:
    assert Rate.parse(text) == events


@pytest.mark.parametrize("text", ["1000", "1000/d", "1000s", "/s", "-1/s", "1/ s", "1000/S", 1000], ids=repr)
def test_what_is_no_rate_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match='"1000/s"'):
        Rate.parse(text)
