"""Cookies and click ids of vendors, collected where a source asks for it."""

from typing import Any

import pytest

from gateway.sources import Source
from tests.build import Door, to_json

COLLECTING = Source("shop", ("dev",), collect_ids=True)
BROWSER = {"X-Write-Key": "dev", "Origin": "https://www.shop.example"}
COOKIES = {
    "_ga": "GA1.1.12.34",
    "_ga_ABC123": "GS2.1.s99$o1",
    "_fbp": "fb.1.5.6",
    "_fbc": "fb.1.5.AbC",
    "hubspotutk": "7d01eb4e",
}
SENT = "; ".join(f"{name}={value}" for name, value in {**COOKIES, "session": "secret"}.items())


def context(
    source: Source = COLLECTING, stated: Any = None, *, cookie: str = SENT, **headers: str
) -> dict[str, Any]:
    """Return the context of an event that a browser sends; a header's name has "_" for "-"."""
    door = Door(source)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    event = {"userId": "u", "event": "E"} | ({} if stated is None else {"context": stated})
    answer = door.request("POST", "/v1/track", to_json(event), {**BROWSER, "Cookie": cookie, **named})
    assert answer.status == 200
    found = door.event["context"]
    assert isinstance(found, dict)
    return found


def test_cookies_of_vendors_are_collected_and_no_others() -> None:
    assert context()["cookies"] == COOKIES


def test_click_ids_are_read_from_the_address_of_the_page() -> None:
    url = "https://shop.example/?fbclid=A%2Fb&gclid=g1&utm_source=x"

    assert context(stated={"page": {"url": url}})["clickIds"] == {"fbclid": "A/b", "gclid": "g1"}


def test_an_image_has_the_address_of_its_page_as_referrer() -> None:
    door = Door(COLLECTING)

    door.request(
        "GET",
        "/v1/pixel/track?writeKey=dev&event=E&userId=u",
        headers={"Referer": "https://shop.example/?ttclid=t1", "Cookie": "_ttp=p1"},
    )

    assert door.event["context"]["clickIds"] == {"ttclid": "t1"}
    assert door.event["context"]["cookies"] == {"_ttp": "p1"}


def test_what_the_client_says_stays() -> None:
    found = context(stated={"cookies": {"_fbp": "mine", "other": 1}})

    assert found["cookies"] == {**COOKIES, "_fbp": "mine", "other": 1}


@pytest.mark.parametrize("stated", [{"cookies": "text"}, {"cookies": [1]}])
def test_a_field_of_another_kind_stays_as_it_is(stated: Any) -> None:
    assert context(stated=stated)["cookies"] == stated["cookies"]


@pytest.mark.parametrize("header", ["Sec_GPC", "DNT"])
def test_of_a_browser_that_opts_out_nothing_is_collected(header: str) -> None:
    assert context(COLLECTING, None, cookie=SENT, **{header: "1"}).keys().isdisjoint({"cookies", "clickIds"})


def test_a_source_that_does_not_ask_collects_nothing() -> None:
    assert "cookies" not in context(Source("shop", ("dev",)))


def test_a_server_has_no_ids_of_a_browser() -> None:
    door = Door(COLLECTING)

    door.post("/v1/track", {"userId": "u", "event": "E"}, Cookie=SENT)

    assert "cookies" not in door.event["context"]


@pytest.mark.parametrize(
    "cookie",
    [f"_fbp={'x' * 501}", "_fbp=", "_fbp", "_ga_x=1", "_fbp2=1"],
    ids=["too long", "empty", "no value", "no stream", "another name"],
)
def test_a_cookie_of_another_form_is_not_collected(cookie: str) -> None:
    assert "cookies" not in context(cookie=cookie)


def test_however_many_cookies_there_are_20_are_kept() -> None:
    many = "; ".join(f"_ga_A{number}=1" for number in range(100))

    assert len(context(cookie=many)["cookies"]) == 20


@pytest.mark.parametrize("url", ["http://[?gclid=a", "https://a.example/?gclid=" + "x" * 501])
def test_an_address_of_another_form_has_no_click_ids(url: str) -> None:
    assert "clickIds" not in context(stated={"page": {"url": url}})
