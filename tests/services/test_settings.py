"""What SDKs fetch before they send."""

import pytest

from gateway.sources import Source
from tests.build import Door

ORIGIN = "https://shop.example"


def test_segments_sdks_are_pointed_back_here_with_the_key_they_asked_for() -> None:
    answer = Door().request("GET", "/v1/projects/dev/settings", headers={"Host": "events.example:8080"})

    assert answer.status == 200
    assert answer.json == {
        "integrations": {
            "Segment.io": {
                "apiKey": "dev",
                "apiHost": "events.example:8080/v1",
                "protocol": "http",
                "httpConfig": {"rateLimitConfig": {"enabled": True}, "backoffConfig": {"enabled": True}},
            }
        },
        "metrics": {"sampleRate": 0},
        "plan": {},
    }


def test_rudderstacks_sdks_may_send() -> None:
    answer = Door().request("GET", "/sourceConfig", headers={"X-Write-Key": "dev"})

    source = answer.json["source"]
    assert (answer.status, source["enabled"], source["writeKey"]) == (200, True, "dev")
    assert (source["config"], source["destinations"]) == ({}, [])
    assert source["id"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/dev/settings",
        "/projects/dev/settings",
        "/v1/v1/projects/dev/settings/",
        "/v1/projects/projects/dev/settings",
    ],
)
def test_they_are_found_however_a_host_is_configured(path: str) -> None:
    assert Door().request("GET", path).json["integrations"]["Segment.io"]["apiKey"] == "dev"


def test_a_key_may_have_any_characters() -> None:
    door = Door(Source("odd", ("a/b+c=é",)))

    answer = door.request("GET", "/v1/projects/a%2Fb%2Bc%3D%C3%A9/settings")

    assert answer.json["integrations"]["Segment.io"]["apiKey"] == "a/b+c=é"
    assert "x-gateway-error" not in answer.headers


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        pytest.param("/sourceConfig/", {"Authorization": "Basic ZGV2Og=="}, id="Basic"),
        pytest.param("/sourceConfig?writeKey=dev&p=npm&v=3.34.1&build=modern", {}, id="the query"),
    ],
)
def test_rudderstacks_key_is_found_where_its_sdks_put_it(target: str, headers: dict[str, str]) -> None:
    assert Door().request("GET", target, headers=headers).json["source"]["enabled"]


@pytest.mark.parametrize(
    ("key", "code"),
    [("nobody", "unknown_write_key"), ("off", "source_disabled")],
    ids=["unknown", "disabled"],
)
def test_a_key_that_may_not_send_falls_back_to_nobody_elses_host(key: str, code: str) -> None:
    door = Door(Source("off", ("off",), enabled=False))

    answer = door.request("GET", f"/v1/projects/{key}/settings")

    assert answer.status == 200
    assert answer.json["integrations"]["Segment.io"]["apiHost"] == "gateway/v1"
    assert (answer.headers["x-gateway-error"], answer.headers["cache-control"]) == (code, "no-store")


@pytest.mark.parametrize("target", ["/sourceConfig?writeKey=nobody", "/sourceConfig"])
def test_rudderstacks_sdks_are_told_when_they_may_not_send(target: str) -> None:
    answer = Door().request("GET", target)

    assert (answer.status, answer.json["source"]["enabled"]) == (200, False)
    assert answer.headers["x-gateway-error"] == "unknown_write_key"


@pytest.mark.parametrize(
    ("url", "host", "protocol"),
    [
        ("https://events.example", "events.example/v1", "https"),
        ("https://shop.example/collect/", "shop.example/collect/v1", "https"),
        ("http://localhost:8080", "localhost:8080/v1", "http"),
    ],
)
def test_a_public_url_is_where_they_send(url: str, host: str, protocol: str) -> None:
    answer = Door(public_url=url).request("GET", "/v1/projects/dev/settings")

    segment = answer.json["integrations"]["Segment.io"]
    assert (segment["apiHost"], segment["protocol"]) == (host, protocol)


@pytest.mark.parametrize(
    ("peer", "host", "protocol"),
    [("10.0.0.1", "events.example/v1", "https"), ("192.0.2.1", "gateway/v1", "http")],
    ids=["a trusted proxy", "anybody else"],
)
def test_only_a_trusted_proxys_word_counts_for_the_address(peer: str, host: str, protocol: str) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "events.example, inner"}

    answer = Door(trusted_proxies=["10.0.0.0/8"]).request(
        "GET", "/v1/projects/dev/settings", headers=forwarded, peer=peer
    )

    segment = answer.json["integrations"]["Segment.io"]
    assert (segment["apiHost"], segment["protocol"]) == (host, protocol)


@pytest.mark.parametrize(
    "path", ["/v1/projects/dev/settings", "/v1/projects/nobody/settings", "/sourceConfig"]
)
def test_pages_of_other_sites_may_read_them(path: str) -> None:
    answer = Door().request("GET", path, headers={"Origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_rudderstack_asks_first_whether_it_may_send_its_key() -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}

    answer = Door().request("OPTIONS", "/sourceConfig/?writeKey=dev", headers={"Origin": ORIGIN, **asked})

    assert (answer.status, answer.headers["access-control-allow-headers"]) == (204, "authorization")


def test_they_are_kept_by_browsers_for_minutes_only() -> None:
    answer = Door().request("GET", "/v1/projects/dev/settings")

    assert answer.headers["cache-control"] == "private, max-age=300"


def test_what_a_cache_keeps_of_them_is_not_for_the_pages_of_other_origins() -> None:
    assert Door().request("GET", "/v1/projects/dev/settings").headers["vary"] == "Origin"
