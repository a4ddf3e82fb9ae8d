"""Who may send."""

import pytest

from gateway.config.secret import Secret, Secrets
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


@pytest.mark.parametrize(
    ("allowed", "origin", "may_send"),
    [
        (("*",), b"https://any.example", True),
        (("https://*.shop.example",), b"https://www.shop.example", True),
        (("https://*.shop.example",), b"https://shop.example", False),
        (("https://*.shop.example", "https://shop.example"), b"https://shop.example", True),
        (("https://*.shop.example",), b"https://www.shop.example\xff", False),
    ],
)
def test_an_origin_may_stand_for_many(allowed: tuple[str, ...], origin: bytes, may_send: bool) -> None:
    source = Source("website", ("key",), allowed_origins=allowed)

    try:
        source.check_origin(origin)
    except OriginNotAllowed:
        assert not may_send
    else:
        assert may_send


def test_an_api_token_finds_its_source_while_that_is_enabled() -> None:
    shop = Source("shop", ("k",), site_id="29", api_tokens=(Secret("new"), Secret("old")))
    closed = Source("closed", ("c",), site_id="30", api_tokens=(Secret("closed"),), enabled=False)
    sources = Sources([shop, closed])

    found = [sources.authorize(token) for token in ("new", "old", "closed", "ne", "", "Secret(********)")]

    assert found == [shop, shop, None, None, None, None]


def test_a_source_shows_none_of_its_keys() -> None:
    source = Source("shop", ("KEY",), api_tokens=(Secret("TOKEN"),), webhook_secret=Secrets.parse("HUSH"))

    assert repr(source) == "Source('shop')"
