"""Stories of operators at the inspector, in a real browser."""

import re
import subprocess

from tests.browser.desk import Sit, expect
from tests.browser.target import Target
from tests.gateway import until


def test_a_newcomer_sends_the_first_event_and_sees_it(sit: Sit) -> None:
    desk = sit()
    page = desk.look("/")
    command = page.get_by_label("With curl").inner_text().replace("KEY", "dev")

    subprocess.run(["bash", "-c", command], check=True, capture_output=True)

    expect(page.get_by_role("heading", level=1)).to_have_text("All is well.")
    page.get_by_role("link", name="newest event").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello")
    expect(page.locator("#fates")).to_contain_text("delivered")
    assert (desk.faults, desk.elsewhere) == ([], [])


def test_a_refused_event_says_what_to_change_and_is_tried_until_it_is_green(sit: Sit) -> None:
    desk = sit()
    desk.running.post("/v1/batch", {"batch": [{"type": "track", "userId": "u1", "properties": {"a": 1}}]})
    page = desk.look("/refused")

    page.locator("#rows").get_by_role("link", name="missing_event").click()
    page.wait_for_url("**/refused/*")
    hint = page.locator(".lead").inner_text()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#verdict")).to_contain_text("missing_event")
    body = page.get_by_role("textbox", name="Body")
    body.fill(body.input_value().replace("{", '{"event": "Hello",', 1))
    page.get_by_role("button", name="Try again").click()

    assert "a track event without a name in event; add it" in hint.lower()
    expect(page.locator("#verdict")).to_contain_text("It would be accepted")
    assert page.locator("mark").inner_text() == '"event": …'
    assert desk.faults == []


def test_consent_keeps_an_event_from_a_sink_and_its_page_says_which(sit: Sit) -> None:
    desk = sit('[sinks.ads]\nkind = "null"\nconsent = ["analytics", "advertising"]')
    consent = {"categoryPreferences": {"analytics": True, "advertising": False}}
    desk.send(context={"consent": consent})
    desk.running.delivered(1)

    page = desk.look("/events/0/0")

    fate = page.locator("#fates li", has_text="ads")
    expect(fate).to_contain_text("filtered")
    expect(fate).to_contain_text("because of its consent: advertising not granted")
    assert desk.faults == []


def test_a_target_goes_away_and_comes_back(sit: Sit) -> None:
    with Target(503) as target:
        desk = sit(target.sink)
        page = desk.look("/")
        desk.send()

        expect(page.get_by_role("heading", level=1)).to_have_text("Sink target needs attention.")
        target.status = 200
        expect(page.get_by_role("heading", level=1)).to_have_text("All is well.")

    assert desk.faults == []


def test_a_dead_letter_is_found_retried_and_gone(sit: Sit) -> None:
    with Target(422) as target:
        desk = sit(target.sink)
        desk.send(event="Refused there")
        page = desk.look("/sinks/target")
        page.locator("#issue-rows").get_by_role("link", name="refused").click()
        page.get_by_role("link", name="Refused there").click()
        expect(page.locator("main")).to_contain_text("422")

        target.status = 200
        page.get_by_role("button", name="Retry").click()

        expect(page.get_by_role("status")).to_have_text("1 letter will be sent again.")
        until(lambda: "No dead letters" in desk.look("/dead").inner_text("main"))
        expect(desk.look("/sinks/target").locator("#state")).to_contain_text(
            "Delivered\n1", use_inner_text=True
        )
        assert desk.faults == []


def test_dead_letters_are_dropped_many_at_once_but_never_unasked(sit: Sit) -> None:
    with Target(422) as target:
        desk = sit(target.sink)
        for _ in range(3):
            desk.send()
        until(lambda: desk.look("/dead").locator(".letters > li").count() == 3)
        page = desk.page

        page.get_by_label("everything that matches").check()
        page.get_by_role("button", name="Drop").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Drop 3 dead letters?")
        page.get_by_role("link", name="Keep them").click()
        expect(page.locator(".letters > li")).to_have_count(3)
        page.locator(".letters input").first.check()
        page.get_by_role("button", name="Drop").click()
        page.get_by_role("button", name="Drop 1 letter").click()

        expect(page.get_by_role("status")).to_have_text("1 letter dropped.")
        expect(page.locator(".letters > li")).to_have_count(2)
        assert desk.faults == []


def test_a_sink_is_paused_and_resumed(sit: Sit) -> None:
    desk = sit()
    page = desk.look("/sinks/events")

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#state")).to_contain_text("paused")
    desk.send()
    expect(page.locator("#state")).to_contain_text("the oldest for")
    page.get_by_role("button", name="Resume").click()

    assert len(desk.running.delivered(1)) == 1
    expect(page.locator("#state")).to_contain_text("up")
    assert desk.faults == []


def test_a_page_that_answers_a_form_stays_new(sit: Sit) -> None:
    desk = sit()
    page = desk.look("/sinks/events?span=1h")

    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_role("status")).to_contain_text("The test went well")
    desk.send()

    assert len(desk.running.delivered(1)) == 1
    expect(page.locator("#state")).to_contain_text("Delivered\n1", use_inner_text=True)
    expect(page.get_by_role("status")).to_contain_text("The test went well")
    assert desk.faults == []


def test_pending_events_are_skipped_only_after_they_were_counted(sit: Sit) -> None:
    desk = sit()
    page = desk.look("/sinks/events")
    page.get_by_role("button", name="Pause").click()
    for _ in range(2):
        desk.send()

    page.get_by_text("Skip pending events").click()
    page.get_by_role("button", name="Count them").click()
    expect(page.locator("form.notice")).to_contain_text("2 pending events would be passed over")
    page.get_by_role("button", name="Skip 2 events").click()

    expect(page.locator(".notice")).to_be_visible()
    assert desk.running.events() == []
    assert desk.faults == []


def test_an_event_is_sent_again(sit: Sit) -> None:
    desk = sit()
    desk.send()
    desk.running.delivered(1)
    page = desk.look("/events/0/0")

    page.get_by_role("button", name="Send again").click()

    expect(page.get_by_role("status")).to_have_text("The event is being sent again.")
    assert desk.faults == []


def test_write_keys_are_seen_only_on_demand(sit: Sit) -> None:
    desk = sit()
    page = desk.look("/sources/website")
    before = page.inner_text("main")

    page.get_by_role("button", name="Show the write keys").click()

    assert not re.search(r"\bdev\b", before)
    expect(page.get_by_role("status")).to_have_text("The write key: dev")
    assert desk.faults == []


def test_the_operator_logs_in_after_a_mistake_and_out(sit: Sit) -> None:
    desk = sit('token = "correct-horse"')
    page = desk.look("/sources/website")

    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    page.get_by_label("Token").fill("correct-horse")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("website")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")

    assert desk.look("/sources").url.endswith("/login?next=%2Fsources")
    assert page.context.cookies() == []
    # The browser itself writes a line for the 403.
    assert [each for each in desk.faults if "403" not in each] == []
