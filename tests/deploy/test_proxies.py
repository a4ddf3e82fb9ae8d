"""Real proxies with the configurations of deploy/proxies, between TLS clients and a real gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.programs import check
from tests.deploy.proxies import HOST, KINDS, Proxy, connections, proxy
from tests.gateway import DEFAULTS, Gateway, free_ports
from tests.journey import needs

CONFIG = DEFAULTS.replace("[server]", '[server]\ntrusted_proxies = ["127.0.0.1"]')
PIXEL = "/v1/pixel/track?writeKey=dev&event=Opened&userId="
VISITOR = "127.0.0.77"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway behind all proxies."""
    with Gateway(tmp_path_factory.mktemp("gateway"), CONFIG) as gateway:
        yield gateway


@pytest.fixture(scope="module", params=KINDS)
def front(
    behind: Gateway, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Proxy]:
    with proxy(request.param, tmp_path_factory.mktemp(request.param), behind.port) as running:
        yield running


def test_an_event_carries_the_visitors_address_and_not_a_claimed_one(behind: Gateway, front: Proxy) -> None:
    claim = {"X-Forwarded-For": "203.0.113.9"}

    with front.connect(VISITOR) as client:
        client.request("GET", PIXEL + f"address-{front.port}", headers=claim)

    [event] = [event for event in behind.drained() if event["userId"] == f"address-{front.port}"]
    assert event["context"]["ip"] == VISITOR


def test_settings_point_sdks_back_to_the_proxys_address_and_not_to_a_claimed_one(front: Proxy) -> None:
    claims = {"X-Forwarded-Host": "claimed.example", "X-Forwarded-Proto": "http"}

    with front.connect() as client:
        answer = client.request("GET", "/v1/projects/dev/settings", headers=claims)

    segment = answer.json["integrations"]["Segment.io"]
    assert (segment["protocol"], segment["apiHost"]) == ("https", f"{HOST}/v1")


@pytest.mark.parametrize("size", [600_000, 9_000_000], ids=["just too large", "far too large"])
def test_the_gateways_413_arrives(front: Proxy, size: int) -> None:
    with front.connect() as client:
        answer = client.request("POST", "/v1/batch", b"x" * size, {"X-Write-Key": "dev"})

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


def test_a_pixel_reaches_the_gateway_each_time_and_may_be_cached_by_nobody(
    behind: Gateway, front: Proxy
) -> None:
    with front.connect() as client:
        answers = [client.request("GET", PIXEL + f"twice-{front.port}") for _ in range(2)]

    assert ["no-store" in answer.headers["cache-control"] for answer in answers] == [True, True]
    assert [event["userId"] for event in behind.drained()].count(f"twice-{front.port}") == 2


def test_a_pixel_with_32_kb_in_its_address_arrives(front: Proxy) -> None:
    path = PIXEL + "long&properties.text="
    path += "x" * (32 * 1024 - len(path))

    with front.connect() as client:
        answer = client.request("GET", path)

    assert (answer.status, answer.headers.get("x-gateway-error")) == (200, None)


def test_connections_are_kept_on_both_sides(behind: Gateway, front: Proxy) -> None:
    before = connections(behind.port)

    with front.connect() as client:
        answers = [client.request("GET", PIXEL + "kept") for _ in range(40)]

    assert {answer.status for answer in answers} == {200}
    # HAProxy also asks for /readyz on connections of its own.
    assert len(connections(behind.port) - before) < 10


def test_browsers_may_speak_http_2(front: Proxy) -> None:
    address = f"https://{HOST}:{front.port}/v1/track"
    options = ("--http2", "--cacert", front.chain, "--resolve", f"{HOST}:{front.port}:127.0.0.1")

    said = check(
        *(needs.program("curl"), "--silent", *options, "--write-out", " %{http_version} %{http_code}"),
        *(address, "--user", "dev:", "--data", '{"userId": "u1", "event": "Hello"}'),
    )

    assert said == '{"success": true} 2 200'


@pytest.mark.parametrize("kind", KINDS)
def test_a_gateway_that_is_away_is_a_5xx_after_which_senders_repeat(kind: str, tmp_path: Path) -> None:
    nothing, _ = free_ports()

    with proxy(kind, tmp_path, nothing) as front, front.connect() as client:
        answer = client.request("POST", "/v1/track", b"{}")

    assert answer.status in (502, 503)
