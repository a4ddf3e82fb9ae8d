"""Segment's snippet, which has the gateway serve the operator's own copy of analytics.js."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.pages import snippet
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import DEFAULTS, Gateway


def serving(packages: Path) -> str:
    """A configuration that names the script."""
    script = packages / "@segment/analytics-next/dist/umd/standalone.js"
    return DEFAULTS.replace("[server]", f'[server]\nanalytics_js = "{script}"')


def hosts(tab: Tab) -> set[str]:
    return {request.url.split("/")[2] for request in tab.requests}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="no host for bundles"),
        pytest.param({"useHostForBundles": True}, id="a host for bundles"),
    ],
)
def test_a_page_with_the_snippet_is_seen_and_asks_nobody_else(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], options: dict[str, bool]
) -> None:
    running = gateway(serving(site.packages))
    site.pages["/"] = snippet(running, site.packages, **options)
    tab.page.clock.install()

    tab.open(f"{site.origin}/")
    [event] = running.delivered(1)
    tab.page.clock.run_for("01:00:00")  # in which it might report on itself

    assert (event["type"], event["properties"]["title"]) == ("page", "Shop")
    assert event["context"]["library"] == {"name": "analytics.js", "version": "next-1.84.3"}
    assert hosts(tab) == {f"127.0.0.1:{running.port}", f"127.0.0.1:{site.port}"}
    assert tab.complaints == []


def test_what_is_said_before_the_script_is_there_is_said_when_it_comes(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(serving(site.packages))
    site.pages["/"] = (
        snippet(running, site.packages)
        + """
<script>
  analytics.identify("u1", {email: "ann@example.com"})
  analytics.track("Ordered", {total: 9.5})
  analytics.group("g1")
</script>"""
    )

    tab.open(f"{site.origin}/")

    arrived = {event["type"]: event for event in running.delivered(4)}
    assert set(arrived) == {"page", "identify", "track", "group"}
    assert (arrived["track"]["userId"], arrived["track"]["properties"]) == ("u1", {"total": 9.5})
    assert tab.complaints == []


def test_a_bundle_that_the_page_needs_is_loaded_from_the_gateway_too(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(serving(site.packages))
    site.pages["/"] = snippet(running, site.packages)

    tab.open(f"{site.origin}/?ajs_event=Clicked&ajs_uid=u1")

    arrived = {event["type"]: event for event in running.delivered(3)}
    bundles = [request.url for request in tab.requests if "/analytics-next/bundles/" in request.url]
    assert (arrived["track"]["event"], arrived["track"]["userId"]) == ("Clicked", "u1")
    assert all(bundle.startswith(f"http://127.0.0.1:{running.port}/") for bundle in bundles)
    assert any("queryString" in bundle for bundle in bundles)
    assert tab.complaints == []


def test_without_the_script_the_console_shows_that_it_is_not_there(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway()
    site.pages["/"] = snippet(running, site.packages)

    tab.open(f"{site.origin}/")

    missing, *_ = tab.complaints
    assert missing == "Failed to load resource: the server responded with a status of 404 (Not Found)"
    assert hosts(tab) == {f"127.0.0.1:{running.port}", f"127.0.0.1:{site.port}"}
