"""Pages at other origins than the gateway's: what their browser lets through, and what it does not."""

from collections.abc import Callable

import pytest

from tests.browser.pages import analytics_next
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import DEFAULTS, Gateway

PARTICULAR = DEFAULTS.replace('["dev"]', '["dev"]\nallowed_origins = ["{origin}"]')

ORDER = "() => analytics.track('Ordered').then(context => context.failedDelivery() ?? null)"


@pytest.mark.parametrize(
    ("host", "credentials", "cookie"),
    [
        pytest.param("127.0.0.1", "same-origin", False, id="another port, no credentials"),
        pytest.param("127.0.0.1", "include", True, id="another port, credentials"),
        pytest.param("localhost", "same-origin", False, id="another host, no credentials"),
        # A third party's cookie, which a private window does not send.
        pytest.param("localhost", "include", False, id="another host, credentials"),
    ],
)
def test_events_come_from_any_origin_with_the_credentials_that_the_page_wants(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], host: str, credentials: str, cookie: bool
) -> None:
    running = gateway()
    tab.page.context.add_cookies(
        [{"name": "visitor", "value": "ann", "url": "https://127.0.0.1/", "sameSite": "None", "secure": True}]
    )
    config = {"credentials": credentials, "headers": {"X-Shop": "1", "Content-Type": "application/json"}}
    site.pages["/"] = analytics_next(running, deliveryStrategy={"config": config})
    tab.open(f"http://{host}:{site.port}/")

    failure = tab.run(ORDER)

    [event] = running.delivered(1)
    [post] = tab.posts("/v1/t")
    assert failure is None
    assert event["context"]["page"]["url"] == f"http://{host}:{site.port}/"
    assert ("visitor=ann" in (post.header_value("cookie") or "")) == cookie
    assert post.header_value("x-shop") == "1"
    assert tab.preflights == ["/v1/t"]
    assert tab.complaints == []


def test_a_source_takes_events_from_the_origins_that_it_names(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(PARTICULAR.format(origin=site.origin))
    site.pages["/"] = analytics_next(running)
    tab.open(f"{site.origin}/")

    failure = tab.run(ORDER)

    assert failure is None
    assert [event["event"] for event in running.delivered(1)] == ["Ordered"]
    assert tab.complaints == []


def test_a_source_takes_none_from_any_other_and_the_console_says_so(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(PARTICULAR.format(origin="https://shop.example"))
    site.pages["/"] = analytics_next(running)
    tab.open(f"{site.origin}/")

    tab.run(ORDER)

    blocked, *_ = tab.complaints
    assert blocked.startswith(f"Access to fetch at 'http://127.0.0.1:{running.port}/v1/t' from origin")
    assert "blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present" in blocked
    assert running.drained() == []


def test_settings_that_somebody_has_looked_at_do_not_stand_in_the_way(
    tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway()
    site.pages["/"] = analytics_next(running)
    tab.open(f"http://127.0.0.1:{running.port}/v1/projects/dev/settings")  # which the browser now keeps

    tab.open(f"{site.origin}/")
    failure = tab.run(ORDER)

    assert failure is None
    assert [event["event"] for event in running.delivered(1)] == ["Ordered"]
    assert [words for words in tab.complaints if "CORS" in words] == []
