"""Who takes a request: by its path, its method and the host that it names."""

from collections.abc import Sequence

import pytest

from gateway.sources import Identity, Source
from tests.build import Door, to_json, to_scope, track
from tests.gateway import Answer

KNOWN = "01a214db-c067-79f7-ba93-19b01530c640"


def ask(door: Door, headers: Sequence[tuple[str, str]], version: str = "1.1") -> Answer:
    """Send one track event with these headers and the key `dev`."""
    scope = to_scope("POST", "/v1/track", [*headers, ("X-Write-Key", "dev")], "192.0.2.1")
    answer = door.call({**scope, "http_version": version}, [to_json(track())])
    assert answer
    return answer


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has(method: str) -> None:
    door = Door()

    answer = door.request(method, "/v1/track", to_json(track()))

    assert (answer.status, answer.headers["allow"], door.events) == (405, "POST, OPTIONS", [])


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", 0, 400),
        ("1.1", 1, 200),
        ("1.1", 2, 400),
        ("1.0", 0, 200),
        ("1.0", 1, 200),
        ("1.0", 2, 400),
    ],
)
def test_only_a_request_of_http_1_1_must_name_its_host_and_none_may_name_two(
    version: str, hosts: int, status: int
) -> None:
    door = Door()

    answer = ask(door, [("Host", "gateway")] * hosts, version)

    assert (answer.status, len(door.events)) == (status, int(status == 200))


def test_several_cookie_headers_are_one() -> None:
    door = Door(Source("shop", ("dev",), identity=Identity()))
    scope = to_scope(
        "GET",
        "/v1/pixel/track?writeKey=dev&event=Opened",
        [("Host", "x"), ("Cookie", "a=b"), ("Cookie", f"visitor={KNOWN}"), ("Cookie", "c=d")],
        "192.0.2.1",
    )

    door.call(scope, [b""])

    assert door.event["anonymousId"] == KNOWN
