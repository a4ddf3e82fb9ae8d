"""Jitsu's client, @jitsu/js, in the pages of a shop: what it says is what arrives."""

from collections.abc import Callable

from tests.browser.pages import jitsu
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import Gateway

SAY_EVERYTHING = """async () => {
  await analytics.page("Home", {n: 1})
  await analytics.track("Ordered", {total: 9.5, items: [{name: "é漢😀"}]})
  await analytics.identify("u1", {email: "ann@example.com"})
  await analytics.group("g1", {plan: "free"})
}"""


def test_every_call_arrives_field_for_field(tab: Tab, site: Site, gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    site.pages["/"] = jitsu(running)
    tab.open(f"{site.origin}/?utm_source=news")

    tab.run(SAY_EVERYTHING)

    page, track, identify, group = arrived = running.delivered(4)
    types = ["page", "track", "identify", "group"]
    assert [event["type"] for event in arrived] == types
    assert [event["source"]["route"] for event in arrived] == [f"/api/s/{type}" for type in types]
    assert (page["properties"]["name"], page["properties"]["n"]) == ("Home", 1)
    assert track["event"] == "Ordered"
    assert track["properties"] == {"total": 9.5, "items": [{"name": "é漢😀"}]}
    assert (identify["userId"], identify["traits"]) == ("u1", {"email": "ann@example.com"})
    assert (group["userId"], group["groupId"], group["traits"]) == ("u1", "g1", {"plan": "free"})
    assert {*tab.preflights} == {f"/api/s/{type}" for type in types}
    assert tab.complaints == []


def test_what_it_knows_of_the_visitor_arrives(tab: Tab, site: Site, gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    site.pages["/"] = jitsu(running)
    tab.open(f"{site.origin}/?utm_source=news")

    tab.run("() => analytics.track('Ordered')")

    [event] = running.delivered(1)
    context = event["context"]
    assert event["anonymousId"] == tab.run("() => analytics.user().anonymousId")
    assert context["library"] == {"name": "@jitsu/js", "version": "1.11.0", "env": "browser"}
    assert context["userAgent"] == tab.run("() => navigator.userAgent")
    assert (context["page"]["url"], context["campaign"]) == (tab.page.url, {"source": "news"})
    assert context["ip"] == "127.0.0.1"
