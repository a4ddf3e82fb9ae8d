"""What strangers send, on every page that shows it: it stays text, in a real browser."""

from collections.abc import Sequence
from typing import Any

from tests.browser.desk import Desk, Sit, all_pages, refusals
from tests.browser.target import Target
from tests.gateway import until
from tests.inspector.web.hostile import CORPUS, MARKER


def attack(desk: Desk, texts: Sequence[str] = CORPUS) -> int:
    """Send each text in every field that a stranger can fill, and return how many events are accepted."""
    for text in texts:
        event: dict[str, Any] = {
            "event": text,
            "userId": text,
            "messageId": text[:100],
            "properties": {text: [text, {text: text}]},
            "context": {"userAgent": text, "ip": text, "page": {"url": text, "title": text}},
            "timestamp": text,
            text: text,
        }
        header = "".join(each for each in text if "\x1f" < each < "\x7f")
        heads = {"User_Agent": header, "Referer": header, "X_Forwarded_For": header}
        assert desk.running.post("/v1/track", event, **heads).status == 200
        assert (
            desk.running.post("/v1/identify", {"traits": {text: text}, "type": text}, **heads).status == 400
        )
        desk.running.post("/v1/batch", {"batch": [{**event, "userId": {text: text}}]}, **heads)
        desk.running.post(f"/v1/track?{header.encode().hex()}", text.encode(errors="replace"), **heads)
    return len(texts)


def is_clean(desk: Desk) -> bool:
    """Return whether nothing has run on the page, and nothing has changed where its links and forms lead."""
    return bool(
        desk.page.evaluate(
            f"""() => window.{MARKER} === undefined
              && !document.querySelector("base, iframe, object, embed, main img")
              && [...document.links].every((each) => each.origin === location.origin)
              && [...document.forms].every((each) => new URL(each.action).origin === location.origin)"""
        )
    )


def test_nothing_that_strangers_send_is_ever_markup(sit: Sit) -> None:
    desk = sit()
    accepted = attack(desk)
    desk.running.delivered(accepted)

    dirty = []
    journeys = [f"/events/0/{number}" for number in range(accepted)]
    for path in (*all_pages(desk), *journeys, *refusals(desk)[:50]):
        desk.look(path)
        if not is_clean(desk):
            dirty.append(path)

    assert dirty == []
    # The browser itself writes a line for each page that does not exist.
    assert [each for each in desk.faults if "404" not in each and "400" not in each] == []
    assert desk.elsewhere == []


def test_nothing_in_the_live_tail_is_markup(sit: Sit) -> None:
    desk = sit()
    page = desk.look("/events")
    page.locator("[data-tail-state]", has_text="Live").wait_for()

    half = attack(desk, CORPUS[::2])  # of all at once, the tail skips what it cannot draw in time
    until(lambda: page.locator(".events li").count() == half)
    attack(desk, CORPUS[1::2])
    until(lambda: page.locator(".events li").count() == len(CORPUS))

    assert is_clean(desk)
    assert (desk.faults, desk.elsewhere) == ([], [])


def test_nothing_that_a_target_answers_is_markup(sit: Sit) -> None:
    with Target(422, body="".join(CORPUS)) as target:
        desk = sit(target.sink)
        desk.send(event=CORPUS[0])
        until(lambda: desk.look("/dead").locator(".letters > li").count() == 1)

        dirty = []
        exchange = desk.look("/sinks/target").locator("#exchange-rows a").first.get_attribute("href")
        letter = desk.look("/dead").locator(".letters a").get_attribute("href")
        for path in (exchange, letter, "/sinks/target", "/dead", "/"):
            desk.look(str(path))
            if not is_clean(desk):
                dirty.append(path)

        assert dirty == []
        assert (desk.faults, desk.elsewhere) == ([], [])
