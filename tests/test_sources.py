"""Who may send."""

import pytest

from gateway.config.units import Size
from gateway.errors import OriginNotAllowed, SourceDisabled, UnknownWriteKey
from gateway.sources import Limits, Source, Sources

WEBSITE = Source("website", ("one", "two"))
USUAL = Limits(max_event=10, max_body=100, max_events=5)


@pytest.mark.parametrize("key", ["one", "two"])
def test_a_source_is_found_by_each_of_its_keys(key: str) -> None:
    assert Sources([WEBSITE]).authenticate(key) is WEBSITE


@pytest.mark.parametrize("key", [None, "", "One", "on", "one ", "one\0", "\ud83d"], ids=repr)
def test_other_keys_are_unknown(key: str | None) -> None:
    with pytest.raises(UnknownWriteKey) as raised:
        Sources([WEBSITE]).authenticate(key)

    assert not key or key not in f"{raised.value}{raised.value.details}"


def test_a_disabled_source_is_known_and_closed() -> None:
    with pytest.raises(SourceDisabled):
        Sources([Source("old", ("key",), enabled=False)]).authenticate("key")


def test_limits_that_are_not_set_are_the_dialects() -> None:
    assert WEBSITE.limits(USUAL) == USUAL
    assert Source("a", ("k",), max_body=Size(7)).limits(USUAL) == Limits(10, 7, 5)


@pytest.mark.parametrize(
    ("sizes", "widest"), [([], 100), ([None], 100), ([50], 50), ([50, None], 100), ([50, 500], 500)]
)
def test_what_may_be_read_is_what_any_source_accepts(sizes: list[int | None], widest: int) -> None:
    sources = [
        Source(f"s{n}", (f"k{n}",), max_body=Size(size) if size else None) for n, size in enumerate(sizes)
    ]

    assert Sources(sources).widest(USUAL) == widest


def test_origins_are_compared_as_a_whole() -> None:
    source = Source("website", ("key",), allowed_origins=("https://a.example",))

    source.check_origin(b"https://a.example")
    source.check_origin(None)
    with pytest.raises(OriginNotAllowed):
        source.check_origin(b"https://a.example.evil.example")
