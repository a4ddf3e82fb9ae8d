"""Every page of a gateway that has nothing yet, and what holds for all pages."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.inspector.web.rendering import SECTIONS
from tests.build import event_line, keep
from tests.delivery.work import open_state
from tests.inspector.visitor import BROWSER, visitor

JOURNAL = "data/journal"


class Outline(HTMLParser):
    """Collects what assistive technology relies on."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.forms = 0
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a gateway that has just started."""
    keep(tmp_path / JOURNAL / "0")
    open_state(tmp_path / JOURNAL).close()
    return tmp_path


PAGES = [*(path for path, _ in SECTIONS), "/events?verdict=refused", "/sinks/archive", "/sources/website"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_a_fresh_gateway_is_complete(folder: Path, path: str) -> None:
    answer = visitor(folder).get(path, headers=BROWSER)

    outline = Outline(answer.text)
    assert answer.status_code == 200
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(
        after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False)
    )
    assert len(set(outline.ids)) == len(outline.ids)
    assert outline.inline == []  # the policy would stop it


@pytest.mark.parametrize("path", PAGES)
def test_every_form_that_changes_something_has_its_token(folder: Path, path: str) -> None:
    page = visitor(folder).get(path, headers=BROWSER).text

    forms = re.findall(r'<form[^>]*method="post".*?</form>', page, re.DOTALL)
    assert all('name="csrf"' in form for form in forms)


def test_a_fresh_gateway_says_how_to_send_the_first_event(folder: Path) -> None:
    page = visitor(folder).get("/", headers=BROWSER).text

    assert "<h1>Send your first event</h1>" in page
    assert "curl http://127.0.0.1:8080/v1/track -u KEY:" in page
    assert "website-key" not in page


def test_a_link_keeps_the_filter(folder: Path) -> None:
    keep(folder / JOURNAL / "0", [event_line(number, event="A & B", userId="ü") for number in range(3)])
    client = visitor(folder)

    page = client.get("/events?event=A+%26+B&user=%C3%BC&limit=2", headers=BROWSER).text
    [older] = re.findall(r'href="([^"]*cursor=[^"]*)" rel="next"', page)
    rest = client.get(older.replace("&amp;", "&"), headers=BROWSER).text

    assert 'value="A &amp; B"' in page
    assert older.startswith("/events?event=A+%26+B&amp;user=%C3%BC&amp;limit=2&amp;cursor=")
    assert (page.count('href="/events/0/'), rest.count('href="/events/0/')) == (2, 1)


def test_a_page_shows_whole_addresses_only_if_that_is_asked_for(folder: Path) -> None:
    keep(folder / JOURNAL / "0", [event_line(0, context={"ip": "192.0.2.77"})])
    client = visitor(folder)

    cut = client.get("/events/0/0", headers=BROWSER).text
    [asking] = re.findall(r'href="([^"]*)">Show them whole', cut)
    whole = client.get(f"/events/0/0{asking}", headers=BROWSER).text

    assert "192.0.2.77" not in cut
    assert "192.0.2.77" in whole
    assert 'href="/events/0/0">Cut their last part' in whole


def test_an_event_without_an_address_offers_no_switch(folder: Path) -> None:
    keep(folder / JOURNAL / "0", [event_line(0, context={})])

    assert "addresses" not in visitor(folder).get("/events/0/0", headers=BROWSER).text


def test_the_files_of_a_page_are_kept_by_browsers(folder: Path) -> None:
    client = visitor(folder)
    page = client.get("/", headers=BROWSER).text

    answers = [client.get(path) for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)]

    assert [answer.headers["content-type"].partition(";")[0] for answer in answers] == [
        *("image/svg+xml", "text/css", "text/javascript"),
    ]
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
