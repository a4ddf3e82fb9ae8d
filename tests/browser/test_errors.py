"""Pages whose events are refused: the client learns why, and the console shows no trouble with origins."""

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.browser.pages import analytics_next, batching, rudderstack
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.build import track
from tests.gateway import DEFAULTS, Gateway, until
from tests.journey.faults import Ballast, small_disk

FULL = f"""{DEFAULTS}
[journal]
path = "disk/journal"
"""
"""A journal on a disk that a test can fill, so that refusals are the gateway's own, down to the headers."""

SPOIL = """() => analytics.addSourceMiddleware(({payload, next}) => {
  if (payload.obj.event === "Spoilt") payload.obj.properties = "no object"
  next(payload)
})"""


def shown(status: HTTPStatus) -> str:
    """What the console says of an answer that is an error."""
    return f"Failed to load resource: the server responded with a status of {status.value} ({status.phrase})"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "16M") as disk:
        yield disk


@pytest.mark.parametrize(
    ("key", "size", "status"),
    [
        pytest.param("strange", 1, HTTPStatus.BAD_REQUEST, id="a key of nobody's"),
        pytest.param("dev", 16_000, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, id="too large"),
    ],
)
def test_an_event_that_is_refused_is_not_sent_again(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], key: str, size: int, status: HTTPStatus
) -> None:
    running = gateway()
    site.pages["/"] = analytics_next(running, key)
    tab.page.clock.install()
    tab.open(f"{site.origin}/")

    reason = tab.run(
        """async size => {
          const context = await analytics.track("Ordered", {text: "x".repeat(size)})
          return context.failedDelivery().reason.message
        }""",
        size,
    )
    tab.page.clock.run_for("01:00:00")

    assert reason == f"Non-retryable error: {status.value}"
    assert len(tab.posts("/v1/t")) == 1
    assert running.drained() == []
    assert tab.complaints == [shown(status)]


def test_nor_does_rudderstack_send_one_again(tab: Tab, site: Site, gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    site.pages["/"] = rudderstack(running)
    tab.page.clock.install()
    tab.open(f"{site.origin}/")

    tab.run("() => analytics.track('Ordered', {text: 'x'.repeat(16_000)})")
    tab.until(lambda: shown(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) in tab.complaints)
    tab.page.clock.run_for("01:00:00")

    assert len(tab.posts("/v1/track")) == 1
    assert running.drained() == []
    assert [words for words in tab.complaints if "CORS" in words] == []


def test_a_bad_event_costs_its_batch_nothing_but_itself(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway()
    site.pages["/"] = analytics_next(running, **batching(size=3))
    tab.page.clock.install()
    tab.open(f"{site.origin}/")
    tab.run(SPOIL)

    with tab.page.expect_response("**/v1/b") as response:
        tab.run("() => { for (const name of ['Before', 'Spoilt', 'After']) analytics.track(name) }")
    tab.page.clock.run_for("01:00:00")

    assert response.value.status == HTTPStatus.MULTI_STATUS
    assert [error["code"] for error in response.value.json()["Errors"]] == ["invalid_field"]
    assert [event["event"] for event in running.drained()] == ["Before", "After"]
    assert len(tab.posts("/v1/b")) == 1
    assert tab.complaints == []


@pytest.mark.parametrize(
    ("page", "path", "events", "counter"),
    [
        pytest.param(analytics_next, "/v1/t", 1, "x-retry-count", id="analytics-next"),
        pytest.param(
            partial(analytics_next, **batching(timeout=100)),
            "/v1/b",
            3,
            "x-retry-count",
            id="analytics-next in batches",
        ),
        pytest.param(rudderstack, "/v1/track", 1, "rsa-retry-attempt", id="RudderStack"),
        pytest.param(
            partial(rudderstack, queueOptions={"batch": {"enabled": True, "maxItems": 3}}),
            "/v1/batch",
            3,
            "rsa-retry-attempt",
            id="RudderStack in batches",
        ),
    ],
)
def test_what_a_full_disk_keeps_out_is_sent_again_and_arrives_once(
    disk: Path,
    gateway: Callable[..., Gateway],
    tab: Tab,
    site: Site,
    page: Callable[[Gateway], str],
    path: str,
    events: int,
    counter: str,
) -> None:
    running = gateway(FULL)
    ballast = Ballast(disk)
    ballast.fill()
    until(lambda: running.post("/v1/track", track()).status == HTTPStatus.SERVICE_UNAVAILABLE)
    site.pages["/"] = page(running)
    tab.open(f"{site.origin}/")

    tab.run("events => { for (let n = 0; n < events; n++) analytics.track('Late', {n}) }", events)
    tab.until(lambda: refused(tab) >= 2)
    ballast.remove()
    tab.until(lambda: len(late(running)) >= events)

    running.drained()
    attempts = [post.headers.get(counter) for post in tab.posts(path)]
    assert late(running) == list(range(events))
    assert attempts == [None, *(str(retry) for retry in range(1, len(attempts)))]
    assert refused(tab) == len(attempts) - 1
    assert [words for words in tab.complaints if "CORS" in words] == []


def late(running: Gateway) -> list[int]:
    return [event["properties"]["n"] for event in running.events() if event["event"] == "Late"]


def refused(tab: Tab) -> int:
    """How many answers the console has shown to be a 503."""
    return tab.complaints.count(shown(HTTPStatus.SERVICE_UNAVAILABLE))
