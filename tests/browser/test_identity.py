"""Visitors whom no page names, known by the gateway's cookie in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Browser

from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import DEFAULTS, Gateway

KNOWING = DEFAULTS.replace('["dev"]', '["dev"]\nidentity = { cookie = "visitor" }')


def has_image(running: Gateway) -> str:
    """A page with an image that tells of a visit, and of nobody."""
    address = f"http://127.0.0.1:{running.port}/v1/pixel/page?writeKey=dev&name=Home"
    return f'<!doctype html><title>Shop</title><img src="{address}" alt="">'


def test_an_image_tells_who_came_back(tab: Tab, site: Site, gateway: Callable[..., Gateway]) -> None:
    running = gateway(KNOWING)
    site.pages["/"] = has_image(running)

    tab.open(f"{site.origin}/")
    tab.open(f"{site.origin}/")

    first, second = running.delivered(2)
    [cookie] = tab.page.context.cookies()
    assert first["anonymousId"] == second["anonymousId"] == cookie.get("value")
    assert (cookie.get("name"), cookie.get("httpOnly"), cookie.get("sameSite")) == ("visitor", True, "Lax")
    assert tab.run("() => document.cookie") == ""
    assert tab.complaints == []


def test_another_browser_is_another_visitor(
    chromium: Browser, tab: Tab, site: Site, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(KNOWING)
    site.pages["/"] = has_image(running)

    tab.open(f"{site.origin}/")
    with chromium.new_context() as other:
        other.new_page().goto(f"{site.origin}/")

    first, second = running.delivered(2)
    assert first["anonymousId"] != second["anonymousId"]


def test_who_opts_out_gets_no_cookie(tab: Tab, site: Site, gateway: Callable[..., Gateway]) -> None:
    running = gateway(KNOWING)
    site.pages["/"] = has_image(running)
    tab.page.context.set_extra_http_headers({"Sec-GPC": "1"})  # as browsers that have the setting do

    tab.open(f"{site.origin}/")

    assert tab.page.context.cookies() == []
    assert running.drained() == []
    assert tab.complaints == []
