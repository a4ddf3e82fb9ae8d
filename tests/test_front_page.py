"""The page at `/`: what both listeners tell a person."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.front_page import FrontPage
from tests.build import Door, track
from tests.gateway import Answer
from tests.inspector.visitor import visitor

Get = Callable[[str, str], Answer]

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(params=["public", "private"])
def get(request: pytest.FixtureRequest, tmp_path: Path) -> Get:
    """Gets a path of a listener, with an Accept header."""
    if request.param == "public":
        return get_public
    client = visitor(tmp_path)

    def get(path: str, accept: str) -> Answer:
        found = client.get(path, headers={"Accept": accept})
        return Answer(found.status_code, found.headers, found.content)

    return get


def get_public(path: str, accept: str) -> Answer:
    return Door().request("GET", path, headers={"Accept": accept})


@pytest.mark.parametrize("accept", ["*/*", "", "application/json"], ids=["curl", "nothing", "JSON"])
def test_a_program_gets_text(get: Get, accept: str) -> None:
    answer = get("/", accept)

    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.startswith(b"Event gateway\n\nThis port ")


@pytest.mark.parametrize("accept", [FIREFOX, "Text/HTML"], ids=["Firefox", "in capitals"])
def test_a_browser_gets_html(accept: str) -> None:
    answer = get_public("/", accept)

    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<h1>Event gateway</h1>\n<p>This port " in answer.body


def test_every_link_leads_to_an_answer() -> None:
    links = re.findall(r'href="([^"]+)"', get_public("/", FIREFOX).body.decode())

    statuses = {link: get_public(link, FIREFOX).status for link in links if link != "/openapi.json"}

    assert set(statuses.values()) == {200}


def test_the_browser_may_load_nothing_but_the_style_of_the_page() -> None:
    answer = get_public("/", FIREFOX)

    [style] = re.findall(rb"<style>(.*?)</style>", answer.body, re.DOTALL)
    digest = b64encode(sha256(style).digest()).decode()
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "frame-ancestors 'none'" in policy
    assert b"<script" not in answer.body


def test_no_cache_keeps_it(get: Get) -> None:
    assert get("/", "*/*").headers["cache-control"] == "no-store"


def test_no_key_and_no_other_address_is_on_the_public_page() -> None:
    bodies = [Door().request("GET", "/", headers={"Accept": accept}).body for accept in ("*/*", FIREFOX)]

    for body in bodies:
        assert b"127.0.0.1" not in body
        assert b"/metrics" not in body
        assert b"dev" not in body.replace(b"device-width", b"")


def test_the_content_cannot_become_markup() -> None:
    page = FrontPage("<b>&", {"/?a=1&b": "<i>"})

    html = bytes(page.response("text/html").body)

    assert b"<p>&lt;b&gt;&amp;</p>" in html
    assert b'<a href="/?a=1&amp;b">/?a=1&amp;b</a></dt><dd>&lt;i&gt;</dd>' in html


def test_events_that_are_sent_to_the_page_are_refused() -> None:
    door = Door()

    answer = door.post("/", track())

    assert (answer.status, door.events) == (405, [])
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
