"""The first five minutes of a new user."""

from collections.abc import Callable

from tests.gateway import Gateway


def test_an_accepted_event_arrives_in_the_file(gateway: Callable[..., Gateway]) -> None:
    running = gateway()

    answer = running.post("/v1/track", {"userId": "u1", "event": "Hello", "properties": {"n": 1.50}})

    [event] = running.delivered(1)
    assert (answer.status, answer.json) == (200, {"success": True})
    assert answer.headers["x-durability"] == "fsync"
    assert (event["event"], event["userId"], event["properties"]) == ("Hello", "u1", {"n": 1.5})


def test_it_stops_cleanly_after_delivering_everything(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    for number in range(20):
        running.post("/v1/track", {"userId": f"u{number}", "event": "Hello"})

    code = running.stop()

    assert code == 0
    assert [event["userId"] for event in running.events()] == [f"u{number}" for number in range(20)]
