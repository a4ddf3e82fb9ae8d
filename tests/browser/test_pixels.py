"""Images whose addresses carry events, as a page or an e-mail in a browser fetches them."""

import base64
import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.gateway import Gateway

EVENT = {"writeKey": "dev", "anonymousId": "a1", "event": "Opened", "properties": {"subject": "é漢😀"}}
DOTTED = {"writeKey": "dev", "anonymousId": "a1", "event": "Opened", "properties.subject": "é漢😀"}
BRACKETS = {
    "token": "dev",
    "event_name": "Opened",
    "user[consistent_anonymous_id]": "a1",
    "subject": "é漢😀",
}


def show(tab: Tab, site: Site, address: str) -> list[int]:
    """Let a page of the site have the image; its natural width and height."""
    site.pages["/"] = f'<!doctype html><title>Shop</title><img src="{address}" alt="">'
    tab.open(f"{site.origin}/")
    return list(tab.run("() => [document.images[0].naturalWidth, document.images[0].naturalHeight]"))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(
            f"/v1/pixel/track?data={base64.urlsafe_b64encode(json.dumps(EVENT).encode()).decode()}",
            id="base64",
        ),
        pytest.param(f"/v1/pixel/track?{urlencode(DOTTED)}", id="dotted"),
        pytest.param(f"/pixel/v1/track?{urlencode(DOTTED)}", id="RudderStack's"),
        pytest.param(f"/events?{urlencode(BRACKETS)}", id="Commanders Act's"),
    ],
)
def test_an_image_is_shown_and_its_event_arrives(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], address: str
) -> None:
    running = gateway()

    size = show(tab, site, f"http://127.0.0.1:{running.port}{address}")

    [event] = running.delivered(1)
    assert size == [1, 1]
    assert (event["event"], event["anonymousId"]) == ("Opened", "a1")
    assert event["properties"] == {"subject": "é漢😀"}
    assert event["context"]["userAgent"] == tab.run("() => navigator.userAgent")
    assert event["context"]["ip"] == "127.0.0.1"
    assert tab.complaints == []


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("/v1/pixel/track?writeKey=strange&userId=u1&event=Opened", id="a key of nobody's"),
        pytest.param("/v1/pixel/track?data=!!!", id="data that is no base64"),
        pytest.param("/events?token=strange&event_name=Opened", id="a token of nobody's"),
    ],
)
def test_an_event_that_is_refused_still_shows_no_broken_image(
    tab: Tab, site: Site, gateway: Callable[..., Gateway], address: str
) -> None:
    running = gateway()

    size = show(tab, site, f"http://127.0.0.1:{running.port}{address}")

    assert size == [1, 1]
    assert running.drained() == []
    assert tab.complaints == []
