"""Pages for everyone: axe-core, keyboards, narrow screens, and browsers without the script."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk, Sit, all_pages, expect
from tests.browser.target import Target
from tests.clients import install
from tests.gateway import until
from tests.journey import needs

AXE = "node_modules/axe-core/axe.min.js"


@pytest.fixture
def axe() -> str:
    """The source of axe-core, which finds barriers in a page."""
    return Path(needs.client(install.NODE) / AXE).read_text()


def barriers(desk: Desk, axe: str, *rules: str) -> list[str]:
    """Return the serious and critical findings of some or all rules of axe-core, by rule and element."""
    # Evaluated, since the policy of the page lets no script in.
    desk.page.evaluate(axe)
    found: dict[str, Any] = desk.page.evaluate(
        "rules => axe.run(rules.length ? {runOnly: rules} : {})", rules
    )
    return [
        f"{each['id']}: {node['html'][:150]} {node['failureSummary'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def fill(desk: Desk) -> list[str]:
    """Bring about something to show on every page, and return the paths."""
    desk.send(timestamp="yesterday")
    desk.send(event="")
    until(lambda: desk.look("/dead").locator(".letters > li").count() == 1)
    letter = desk.page.locator(".letters a").get_attribute("href")
    exchange = desk.look("/sinks/target").locator("#exchange-rows a").first.get_attribute("href")
    return [*all_pages(desk), "/sinks/target", "/events/0/0", str(letter), str(exchange)]


def test_no_page_has_a_barrier(sit: Sit, axe: str) -> None:
    with Target(422) as target:
        desk = sit(target.sink, color_scheme="light", reduced_motion="reduce")
        found = []
        for path in [*all_pages(desk), *fill(desk)]:
            page = desk.look(path)
            found += barriers(desk, axe)
            page.emulate_media(color_scheme="dark")
            found += barriers(desk, axe, "color-contrast")  # nothing else depends on the scheme
            page.emulate_media(color_scheme="light")

    assert found == []


def test_the_login_has_no_barrier(sit: Sit, axe: str) -> None:
    desk = sit('token = "secret"')

    desk.look("/")

    assert barriers(desk, axe) == []


def test_no_page_is_wider_than_the_screen(sit: Sit) -> None:
    with Target(422) as target:
        desk = sit(target.sink)
        over = {}
        for path in fill(desk):
            page = desk.look(path)
            for width in (320, 768, 3840):
                page.set_viewport_size({"width": width, "height": 800})
                over[path, width] = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")

    assert {place: pixels for place, pixels in over.items() if pixels > 0} == {}


def test_the_keyboard_reaches_the_content_and_opens_an_event(sit: Sit) -> None:
    desk = sit()
    desk.send()
    page = desk.look("/events?until=2100-01-01T00:00:00Z")

    page.keyboard.press("Tab")
    first = page.evaluate("() => document.activeElement.textContent")
    page.keyboard.press("Enter")
    inside = page.evaluate("() => document.activeElement.id")
    page.get_by_role("link", name="Hello").focus()
    page.keyboard.press("Enter")

    assert (first, inside) == ("Skip to the content", "main")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello")


def test_without_the_script_everything_but_movement_works(sit: Sit) -> None:
    desk = sit(java_script_enabled=False)
    desk.send()
    desk.running.drained()
    page = desk.page

    def look(path: str) -> None:
        page.goto(f"{desk.origin}{path}")

    look("/events?event=Hello")
    page.get_by_role("link", name="Hello").click()
    expect(page.locator("#fates")).to_contain_text("delivered")
    look("/sinks/events")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#state")).to_contain_text("paused")
    page.get_by_role("button", name="Resume").click()
    look("/")
    assert page.inner_text("h1") == "All is well."
    assert "UTC" in page.inner_text(".lead")
