"""The live tail and the search, in a real browser."""

import pytest

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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("?event=Ordered", ["Ordered"], id="event"),
        pytest.param("?user=u2", ["Viewed"], id="user"),
        pytest.param("?user=a3", ["Pricing"], id="anonymous user"),
        pytest.param("?type=page", ["Pricing"], id="type"),
        pytest.param("?message_id=m-2", ["Viewed"], id="message id"),
        pytest.param("?text=blue", ["Viewed"], id="text"),
        pytest.param("?verdict=repaired", ["Ordered"], id="verdict"),
        pytest.param("?source=website", ["Pricing", "Viewed", "Ordered"], id="source"),
        pytest.param("?since=1h", ["Pricing", "Viewed", "Ordered"], id="since"),
        pytest.param("?event=Ordered&user=u2", [], id="two that no event fits"),
    ],
)
def test_each_filter_finds_its_events_in_the_past_and_as_they_come(
    sit: Sit, query: str, found: list[str]
) -> None:
    desk = sit()
    send(desk)
    past = names_at(desk, query)
    live(desk, query)

    send(desk)
    desk.send(event="Ordered", userId="u2", messageId="last")
    expect(desk.page.locator(".events li")).to_have_count(2 * len(found) + (desk_fits(query)))

    assert past == found
    assert desk.faults == []


def send(desk: Desk) -> None:
    desk.send(event="Ordered", userId="u1", timestamp="yesterday")
    desk.send(event="Viewed", userId="u2", messageId="m-2", properties={"color": "Blue"})
    answer = desk.running.post("/v1/page", {"anonymousId": "a3", "name": "Pricing"})
    assert answer.status == 200


def names_at(desk: Desk, query: str) -> list[str]:
    desk.look(f"/events{query}")
    return names(desk)


def desk_fits(query: str) -> int:
    """Return 1 if the last event, "Ordered" by u2, fits the filter."""
    return int(
        query in ("?event=Ordered", "?user=u2", "?source=website", "?since=1h", "?event=Ordered&user=u2")
    )
