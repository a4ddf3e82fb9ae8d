"""RudderStack's client, @rudderstack/analytics-js, in the pages of a shop: what it says is what arrives."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.pages import rudderstack
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import Gateway

SAY_EVERYTHING = """() => {
  analytics.page("Shop", "Home", {n: 1})
  analytics.track("Ordered", {total: 9.5, items: [{name: "é漢😀"}]})
  analytics.identify("u1", {email: "ann@example.com"})
  analytics.group("g1", {plan: "free"})
  analytics.alias("u2", "u1")
}"""

SAID: dict[str, dict[str, Any]] = {
    "page": {"category": "Shop", "name": "Home"},
    "track": {"event": "Ordered", "properties": {"total": 9.5, "items": [{"name": "é漢😀"}]}},
    "identify": {"userId": "u1"},
    "group": {"userId": "u1", "groupId": "g1", "traits": {"plan": "free"}},
    "alias": {"userId": "u2", "previousId": "u1"},
}

CONFIG = "/sourceConfig/"
BATCH = {"queueOptions": {"batch": {"enabled": True, "maxItems": 5}}}
BEACON = {"useBeacon": True, "beaconQueueOptions": {"maxItems": 5}}


@pytest.mark.parametrize(
    ("options", "routes", "preflights"),
    [
        pytest.param({}, {f"/v1/{type}" for type in SAID}, {f"/v1/{type}" for type in SAID}, id="XHR"),
        pytest.param(BATCH, {"/v1/batch"}, {"/v1/batch"}, id="XHR in batches"),
        pytest.param(BEACON, {"/beacon/v1/batch"}, set(), id="beacon"),
    ],
)
def test_every_call_arrives_field_for_field(
    tab: Tab,
    site: Site,
    gateway: Callable[..., Gateway],
    options: dict[str, Any],
    routes: set[str],
    preflights: set[str],
) -> None:
    running = gateway()
    site.pages["/"] = rudderstack(running, **options)
    tab.open(f"{site.origin}/?utm_source=news")

    tab.run(SAY_EVERYTHING)

    arrived = {event["type"]: event for event in running.delivered(5)}
    assert {type: {name: event[name] for name in SAID[type]} for type, event in arrived.items()} == SAID
    assert arrived["page"]["properties"]["n"] == 1
    assert arrived["identify"]["context"]["traits"] == {"email": "ann@example.com"}
    assert "userId" not in arrived["page"]  # which it sends as an empty text
    assert {event["source"]["route"] for event in arrived.values()} == routes
    assert {*tab.preflights} == preflights | {CONFIG}
    assert tab.complaints == []


def test_what_it_knows_of_the_visitor_arrives(tab: Tab, site: Site, gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    site.pages["/"] = rudderstack(running)
    tab.open(f"{site.origin}/?utm_source=news")

    tab.run("() => analytics.track('Ordered')")

    [event] = running.delivered(1)
    context = event["context"]
    assert event["anonymousId"] == tab.run("() => analytics.getAnonymousId()")
    assert (event["channel"], event["integrations"]) == ("web", {"All": True})
    assert context["library"] == {
        "name": "RudderLabs JavaScript SDK",
        "version": "3.34.1",
        "variant": "bundled",
    }
    assert context["userAgent"] == tab.run("() => navigator.userAgent")
    assert context["campaign"] == {"source": "news"}
    assert context["page"]["url"] == tab.page.url
    assert context["sessionId"] == tab.run("() => analytics.getSessionId()")
    assert context["ip"] == "127.0.0.1"


def test_what_a_beacon_waits_to_send_is_sent_when_its_page_goes(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway()
    site.pages |= {"/": rudderstack(running, useBeacon=True), "/next": "<title>Next</title>"}
    tab.open(f"{site.origin}/")
    tab.run("() => new Promise(loaded => analytics.ready(loaded))")
    tab.run(SAY_EVERYTHING)
    assert running.events() == []

    tab.open(f"{site.origin}/next")

    assert [event["type"] for event in running.delivered(5)] == list(SAID)
    assert tab.complaints == []


def test_a_key_that_nobody_knows_is_told_of_before_anything_is_sent(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway()
    site.pages["/"] = rudderstack(running, "strange")

    tab.open(f"{site.origin}/")
    tab.run("() => analytics.track('Ordered')")
    tab.until(lambda: tab.complaints)

    [complaint] = tab.complaints
    assert "The source is disabled" in complaint
    assert [request for request in tab.requests if request.method == "POST"] == []
