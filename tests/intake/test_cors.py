"""Pages of other sites may send events and read the answers, unless a source says otherwise."""

import pytest

from gateway.dialects import DIALECTS
from gateway.sources import Source
from tests.build import Door, track
from tests.gateway import Answer

ORIGIN = "https://shop.example"
EVENT_PATHS = sorted({path for dialect in DIALECTS.values() for path in dialect.PATHS})


def readable(answer: Answer) -> bool:
    """Whether a page at the origin gets to see it."""
    return (
        answer.headers.get("access-control-allow-origin") == ORIGIN
        and answer.headers.get("access-control-allow-credentials") == "true"
        and answer.headers.get("vary") == "Origin"
    )


def preflight(door: Door, path: str, **headers: str) -> Answer:
    asked = {"Access-Control-Request-Method": "POST", "Origin": ORIGIN, **headers}
    return door.request("OPTIONS", path, headers=asked)


@pytest.mark.parametrize("path", [*EVENT_PATHS, "/v1/m", "/healthz", "/nothing", "/track/"])
def test_a_preflight_is_answered_everywhere(path: str) -> None:
    answer = preflight(Door(), path, **{"Access-Control-Request-Headers": "content-type,x-retry-count,rsa-x"})

    assert (answer.status, answer.body, readable(answer)) == (204, b"", True)
    assert answer.headers["access-control-allow-headers"] == "content-type,x-retry-count,rsa-x"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "86400"


def test_a_preflight_is_answered_also_where_the_event_will_be_refused() -> None:
    door = Door(Source("default", ("dev",), allowed_origins=("https://another.example",)))

    assert readable(preflight(door, "/v1/track"))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/track?writeKey=dev", b'{"userId":"u","event":"E"}', 200),
        ("POST", "/v1/track", b'{"userId":"u","event":"E"}', 400),
        ("POST", "/v1/track?writeKey=dev", b"{", 400),
        ("POST", "/v1/track?writeKey=dev", b" " * 600_000, 413),
        ("GET", "/v1/pixel/track", b"", 200),
        ("GET", "/v1/track", b"", 405),
        ("GET", "/nothing", b"", 404),
        ("GET", "/healthz", b"", 200),
    ],
    ids=["accepted", "no key", "no JSON", "too large", "pixel", "a wrong method", "no path", "a page"],
)
def test_every_answer_may_be_read(method: str, path: str, body: bytes, status: int) -> None:
    answer = Door().request(method, path, body, {"Origin": ORIGIN})

    assert (answer.status, readable(answer)) == (status, True)
    exposed = answer.headers["access-control-expose-headers"]
    assert {*exposed.split(", ")} == {"Retry-After", "X-RateLimit-Reset", "X-Durability"}


def test_without_an_origin_nothing_is_said_of_it() -> None:
    answer = Door().post("/v1/track", track())

    assert not [name for name in answer.headers if name.startswith("access-control") or name == "vary"]
