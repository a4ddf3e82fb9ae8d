"""Origins in gateway.toml: what a browser sends, or a mistake that says what would work."""

from pathlib import Path

import pytest

from gateway.config.origins import allows, check
from tests.config.texts import mistakes, read, write

NO_IDEA = ', as "https://shop.example" or "https://*.shop.example"'


@pytest.mark.parametrize(
    ("origin", "works"),
    [
        ("https://shop.example/", "https://shop.example"),
        ("https://shop.example/cart?a=1#top", "https://shop.example"),
        ("https://shop.example?", "https://shop.example"),
        ("shop.example", "https://shop.example"),
        ("www.shop.example/", "https://www.shop.example"),
        ("shop.example:8443", "https://shop.example:8443"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("HTTPS://shop.example", "https://shop.example"),
        ("https://Shop.Example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80/", "http://shop.example"),
        ("http://shop.example:0080", "http://shop.example"),
        ("https://shop.example:08443", "https://shop.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ("*.shop.example", "https://*.shop.example"),
        ("https://*.Shop.example:443/", "https://*.shop.example"),
        (" https://shop.example", "https://shop.example"),
    ],
)
def test_an_origin_that_no_browser_sends_is_told_with_the_one_that_works(
    file: Path, origin: str, works: str
) -> None:
    write(file, sources__website=f'write_keys = ["K"]\nallowed_origins = ["{origin}"]')

    [mistake] = mistakes(file)

    said = f'"{origin}" is not an origin that a browser sends; write "{works}"'
    assert mistake == f"[sources.website] allowed_origins: {said}"
    check([works])


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "https://",
        "https:/shop.example",
        "//shop.example",
        "https://shop.*.example",
        "https://shop.*",
        "https://*",
        "https://*shop.example",
        "https://user:secret@shop.example",
        "https://shop.example:http",
        "https://shop.example:65536",
        "https://a b.example",
        "https://.shop.example",
        "https://[::g]",
    ],
)
def test_what_cannot_be_told_gets_an_example(file: Path, origin: str) -> None:
    write(file, sources__website=f'write_keys = ["K"]\nallowed_origins = ["{origin}"]')

    assert mistakes(file) == [
        f'[sources.website] allowed_origins: "{origin}" is not an origin that a browser sends{NO_IDEA}'
    ]


def test_everybody_stands_alone(file: Path) -> None:
    write(file, sources__website='write_keys = ["K"]\nallowed_origins = ["https://shop.example", "*"]')

    assert mistakes(file) == [
        '[sources.website] allowed_origins: "*" is everybody; leave the others out, or "*"'
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "file://",
        "https://shop.example",
        "https://shop.example.",
        "http://localhost:3000",
        "http://under_score.example:8080",
        "http://192.0.2.1",
        "http://[::1]:8080",
        "https://*.shop.example:8443",
        "https://xn--bcher-kva.example",
        "capacitor://localhost",
        "chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh",
    ],
)
def test_what_browsers_send_is_taken_as_it_stands(file: Path, origin: str) -> None:
    config = read(write(file, sources__website=f'write_keys = ["K"]\nallowed_origins = ["{origin}"]'))

    assert config.sources["website"].allowed_origins == (origin,)


@pytest.mark.parametrize(
    ("allowed", "origin", "allows_it"),
    [
        ("*", "https://any.example", True),
        ("*", "null", True),
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "https://a.shop.example", False),
        ("https://shop.example", "https://shop.example.evil.example", False),
        ("https://shop.example", "http://shop.example", False),
        ("https://*.shop.example", "https://a.shop.example", True),
        ("https://*.shop.example", "https://a.b.shop.example", True),
        ("https://*.shop.example", "https://shop.example", False),
        ("https://*.shop.example", "https://.shop.example", False),
        ("https://*.shop.example", "https://evilshop.example", False),
        ("https://*.shop.example", "http://a.shop.example", False),
        ("https://*.shop.example", "httpx://a.shop.example", False),
        ("https://*.shop.example", "https://a.shop.example:8443", False),
        ("https://*.shop.example:8443", "https://a.shop.example:8443", True),
        ("https://*.shop.example", "https://evil.example/.shop.example", False),
        ("https://*.shop.example", "https://evil.example:1.shop.example", False),
        ("https://*.shop.example", "https://a@b.shop.example", False),
        ("https://*.shop.example", "https://a.shop.example\n", False),
    ],
)
def test_hosts_below_and_everybody(allowed: str, origin: str, allows_it: bool) -> None:
    assert allows([allowed], origin) is allows_it
