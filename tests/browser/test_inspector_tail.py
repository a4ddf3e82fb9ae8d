"""The live tail and the search, in a real browser."""

from tests.browser.desk import Desk, Sit, expect
from tests.gateway import until


def live(desk: Desk, query: str = "") -> None:
    desk.look(f"/events{query}").locator("[data-tail-state]", has_text="Live").wait_for()


def names(desk: Desk) -> list[str]:
    return desk.page.locator(".events .name").all_inner_texts()


def test_an_event_appears_as_it_comes_and_opens(sit: Sit) -> None:
    desk = sit()
    live(desk)

    desk.send(event="Signed Up", userId="u7")
    desk.page.get_by_role("link", name="Signed Up").click()

    expect(desk.page.get_by_role("heading", level=1)).to_have_text("Signed Up")
    assert (desk.faults, desk.elsewhere) == ([], [])


def test_while_it_is_paused_nothing_moves_and_then_nothing_is_missing(sit: Sit) -> None:
    desk = sit()
    live(desk)
    desk.send(event="before")
    expect(desk.page.locator(".events .name")).to_have_count(1)

    desk.page.get_by_role("button", name="Pause").click()
    desk.send(event="meanwhile")
    desk.running.delivered(2)
    paused = names(desk)
    desk.page.get_by_role("button", name="Go on").click()
    expect(desk.page.locator(".events .name")).to_have_count(2)

    assert paused == ["before"]
    assert names(desk) == ["meanwhile", "before"]
    assert desk.faults == []


_SEEN = """is_seen => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => !is_seen })
  document.dispatchEvent(new Event("visibilitychange"))
}"""


def test_a_hidden_tab_keeps_no_connection_and_catches_up_when_it_is_seen(sit: Sit) -> None:
    desk = sit()
    live(desk)

    with desk.page.expect_event("requestfailed", lambda request: "/events/stream" in request.url):
        desk.page.evaluate(_SEEN, False)
    desk.send(event="meanwhile")
    desk.running.delivered(1)
    hidden = names(desk)
    desk.page.evaluate(_SEEN, True)
    expect(desk.page.locator(".events .name")).to_have_count(1)

    assert hidden == []
    assert names(desk) == ["meanwhile"]
    assert desk.faults == []


def test_it_goes_on_after_a_restart_of_the_inspector(sit: Sit) -> None:
    desk = sit()
    live(desk)
    desk.send(event="before")
    expect(desk.page.locator(".events .name")).to_have_count(1)

    desk.kill_inspector()
    desk.send(event="after")

    expect(desk.page.locator(".events .name")).to_have_count(2)
    assert names(desk) == ["after", "before"]


def test_a_flood_is_drawn_as_far_as_anyone_can_read_it_and_all_of_it_is_counted(sit: Sit) -> None:
    desk = sit()
    live(desk)
    batch = {"batch": [{"type": "track", "userId": "u1", "event": f"e{number}"} for number in range(1000)]}

    for _ in range(10):
        assert desk.running.post("/v1/batch", batch).status == 200
    desk.page.get_by_label("Text").fill("the page still listens")

    more = desk.page.locator("[data-tail-more]")
    expect(more).to_contain_text("came too fast to be drawn")

    def counted() -> int:
        return int(more.inner_text().split()[0].replace(",", ""))

    # Of those that were drawn, some have left the page again.
    until(lambda: counted() + desk.page.locator(".events li").count() >= 9_000)
    assert desk.page.locator(".events li").count() <= 200
    assert desk.page.get_by_label("Text").input_value() == "the page still listens"
    assert desk.faults == []


FILTERS = {
    "?event=Ordered": ["Ordered"],
    "?user=u2": ["Viewed"],
    "?user=a3": ["Pricing"],
    "?type=page": ["Pricing"],
    "?message_id=m-2": ["Viewed"],
    "?text=blue": ["Viewed"],
    "?verdict=repaired": ["Ordered"],
    "?source=website": ["Pricing", "Viewed", "Ordered"],
    "?since=1h": ["Pricing", "Viewed", "Ordered"],
    "?event=Ordered&user=u2": [],
}
"""The names that each finds among the events of `send_some`, the newest first."""


def send_some(desk: Desk) -> None:
    desk.send(event="Ordered", userId="u1", timestamp="yesterday")
    desk.send(event="Viewed", userId="u2", messageId="m-2", properties={"color": "Blue"})
    assert desk.running.post("/v1/page", {"anonymousId": "a3", "name": "Pricing"}).status == 200


def test_each_filter_finds_its_events(sit: Sit) -> None:
    desk = sit()
    send_some(desk)

    found = {}
    for query in FILTERS:
        desk.look(f"/events{query}")
        found[query] = names(desk)

    assert found == FILTERS
    assert desk.faults == []


def test_a_filter_holds_for_what_comes(sit: Sit) -> None:
    desk = sit()
    live(desk, "?type=page")

    for _ in range(2):
        send_some(desk)

    expect(desk.page.locator(".events .name")).to_have_count(2)
    assert names(desk) == ["Pricing", "Pricing"]
    assert desk.faults == []
