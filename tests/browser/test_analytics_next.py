"""Segment's own client, @segment/analytics-next, in the pages of a shop: what it says is what arrives."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.pages import analytics_next, batching
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import Gateway, halt, until

SAY_EVERYTHING = """async () => {
  const said = [
    await analytics.page("Shop", "Home", {n: 1}),
    await analytics.track("Ordered", {total: 9.5, items: [{name: "é漢😀"}], nothing: null}),
    await analytics.identify("u1", {email: "ann@example.com"}),
    await analytics.group("g1", {plan: "free"}),
    await analytics.screen("Shop", "Main", {n: 2}),
    await analytics.alias("u2", "u1"),
  ]
  return said.map(({event}) => [event.messageId, event.timestamp.toISOString()])
}"""

SAY = """async (...numbers) => {
  for (const number of numbers) await analytics.track("Ordered", {number})
}"""

OWN = {"messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt"}


@pytest.mark.parametrize(
    ("options", "routes"),
    [
        pytest.param({}, ["/v1/p", "/v1/t", "/v1/i", "/v1/g", "/v1/s", "/v1/a"], id="a request a call"),
        pytest.param(batching(size=6), ["/v1/b"] * 6, id="batching"),
    ],
)
def test_every_call_arrives_field_for_field(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], options: dict[str, Any], routes: list[str]
) -> None:
    running = gateway()
    site.pages["/"] = analytics_next(running, **options)
    tab.open(f"{site.origin}/?utm_source=news")

    named = tab.run(SAY_EVERYTHING)

    arrived = running.delivered(6)
    page = {"path": "/", "referrer": "", "search": "?utm_source=news", "title": "Shop", "url": tab.page.url}
    said: list[dict[str, Any]] = [
        {
            "type": "page",
            "category": "Shop",
            "name": "Home",
            "properties": {**page, "category": "Shop", "name": "Home", "n": 1},
        },
        {
            "type": "track",
            "event": "Ordered",
            "properties": {"total": 9.5, "items": [{"name": "é漢😀"}], "nothing": None},
        },
        {"type": "identify", "userId": "u1", "traits": {"email": "ann@example.com"}},
        {"type": "group", "userId": "u1", "groupId": "g1", "traits": {"plan": "free"}},
        {"type": "screen", "userId": "u1", "category": "Shop", "name": "Main", "properties": {"n": 2}},
        # Whoever it is to be from now on, it names whom it knows: so it is with analytics-next 1.84.3.
        {"type": "alias", "userId": "u1", "previousId": "u1"},
    ]
    everywhere = {
        "anonymousId": tab.run("() => analytics.instance.user().anonymousId()"),
        "properties": {},
        "traits": {},
        "context": {
            "page": page,
            "userAgent": tab.run("() => navigator.userAgent"),
            "userAgentData": tab.run("() => navigator.userAgentData.toJSON()"),
            "locale": "en-US",
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "campaign": {"source": "news"},
            "timezone": tab.run("() => Intl.DateTimeFormat().resolvedOptions().timeZone"),
            "ip": "127.0.0.1",
        },
        "integrations": {"Segment.io": True},
        "extras": {"_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []}},
    }
    assert [{name: event[name] for name in event.keys() - OWN} for event in arrived] == [
        {**everywhere, **event, "source": {"name": "default", "dialect": "segment", "route": route}}
        for event, route in zip(said, routes, strict=True)
    ]
    assert [[event["messageId"], event["originalTimestamp"]] for event in arrived] == named
    assert set(tab.preflights) == set(routes)
    assert tab.complaints == []


def leave(tab: Tab, site: Site) -> None:
    tab.open(f"{site.origin}/next")


def close(tab: Tab, site: Site) -> None:
    tab.page.close()


@pytest.mark.parametrize("go", [leave, close])
def test_a_batch_that_waits_is_sent_when_its_page_goes(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], go: Callable[[Tab, Site], None]
) -> None:
    running = gateway()
    site.pages |= {"/": analytics_next(running, **batching(size=100)), "/next": "<title>Next</title>"}
    tab.open(f"{site.origin}/")
    tab.run(SAY, 1, 2, 3)
    assert running.events() == []

    go(tab, site)

    arrived = running.delivered(3)
    assert [event["properties"]["number"] for event in arrived] == [1, 2, 3]
    assert tab.complaints == []


@contextmanager
def nobody_answers(running: Gateway) -> Iterator[None]:
    """Let requests wait for as long as the block lasts."""
    intake = running.children()["intake-0"]
    halt(intake)
    yield
    os.kill(intake, signal.SIGCONT)


def test_what_waits_for_its_answer_when_a_page_goes_is_sent_by_the_next_one(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway()
    site.pages |= {"/": analytics_next(running), "/next": analytics_next(running)}
    tab.open(f"{site.origin}/")
    tab.run(SAY, 0)

    with nobody_answers(running):
        tab.run("() => { for (const number of [1, 2, 3]) analytics.track('Ordered', {number}) }")
        tab.until(lambda: len(tab.posts("/v1/t")) == 4)
        tab.open(f"{site.origin}/next")
    tab.until(lambda: len(tab.posts("/v1/t")) == 7)

    # What had come as far as the gateway has come twice, and its messageId tells.
    until(lambda: {event["properties"]["number"] for event in running.events()} == {0, 1, 2, 3})
    assert len({event["messageId"] for event in running.drained()}) == 4
    assert [words for words in tab.complaints if "ERR_ABORTED" not in words] == []
