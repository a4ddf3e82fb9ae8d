"""`/api`: sinks, dead letters and replays, and orders for them."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.build import event_line
from tests.cli.deliveries import WORDS, Stopped
from tests.gateway import DEFAULTS
from tests.inspector.visitor import visitor


class Operator:
    """A program that uses the API of a gateway which has delivered and is stopped."""

    def __init__(self, folder: Path) -> None:
        self.gateway = Stopped(folder)
        self.client: TestClient = visitor(folder, text=DEFAULTS)

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **order: Any) -> Any:
        answer = self.client.post(f"/api/{path}", json=order)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fail(self, method: str, path: str, order: Any = None) -> tuple[int, str]:
        """The status and the code of a call that is not carried out."""
        answer = self.client.request(method, f"/api/{path}", json=order)
        assert answer.json().keys() == {"error"}
        assert answer.json()["error"].keys() == {"code", "message"}
        return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_sinks_are_shown_as_the_command_shows_them(operator: Operator) -> None:
    shown = operator.get("sinks")
    printed = operator.gateway.run("sinks", "--json").output

    assert shown["items"] == [json.loads(printed)]
    assert operator.get("sinks/events") == shown["items"][0]


def test_a_sink_is_paused_and_resumed(operator: Operator) -> None:
    paused = operator.post("sinks/events/pause")
    shown = operator.get("sinks/events")["state"]
    resumed = operator.post("sinks/events/resume")

    assert paused == {"name": "events", "state": "paused"}
    assert shown == "paused"
    assert resumed == {"name": "events", "state": "up"}


def test_pending_events_are_counted_before_they_are_skipped(operator: Operator) -> None:
    operator.gateway.keep(10, 13)

    counted = operator.post("sinks/events/skip", to="0/12", dry_run=True)

    assert counted == {"name": "events", "events": 2, "done": False}
    assert operator.gateway.open().orders.pending(["events"]) == []


def test_there_may_be_nothing_to_skip(operator: Operator) -> None:
    assert operator.post("sinks/events/skip") == {"name": "events", "events": 0, "done": True}


def test_a_sink_is_tested(operator: Operator) -> None:
    assert operator.post("sinks/events/test") == {"name": "events", "usable": True, "message": "ok"}


def test_dead_letters_are_listed_page_by_page(operator: Operator) -> None:
    first = operator.get("dead?limit=1")
    second = operator.get(f"dead?limit=1&cursor={first['next']}")

    [letter] = first["items"]
    assert letter["position"] == "0/3"
    assert letter["answer"] == WORDS
    assert letter["canonical"] == json.loads(event_line(3, event="Order Completed"))
    assert [each["position"] for each in second["items"]] == ["0/7"]
    assert "next" not in second
    assert operator.get(f"dead/{letter['id']}") == letter


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("sink=events", ["0/3", "0/7"], id="sink"),
        pytest.param("code=expired", [], id="code"),
        pytest.param("message_id=m7", ["0/7"], id="message id"),
        pytest.param("event=Order+Completed&type=track", ["0/3", "0/7"], id="event and type"),
        pytest.param("text=ORDER+comp", ["0/3", "0/7"], id="text"),
        pytest.param("text=nowhere", [], id="text that is nowhere"),
        pytest.param("until=1h", [], id="time"),
    ],
)
def test_dead_letters_are_filtered(operator: Operator, query: str, expected: list[str]) -> None:
    assert [each["position"] for each in operator.get(f"dead?{query}")["items"]] == expected


def test_letters_are_retried(operator: Operator) -> None:
    counted = operator.post("dead/retry", sink="events", dry_run=True)
    retried = operator.post("dead/retry", ids=[2])

    assert counted == {"letters": 2, "jobs": []}
    assert retried == {"letters": 1, "jobs": [1]}
    sink = operator.gateway.deliver()
    assert [list(batch.positions) for batch in sink.batches] == [[7]]


def test_letters_are_dropped(operator: Operator) -> None:
    dropped = operator.post("dead/drop", message_id="m3")

    assert dropped == {"letters": 1}
    assert operator.get("sinks/events")["skipped"] == {"dropped": 1}


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({}, id="nothing, which is everything"),
        pytest.param({"dry_run": True}, id="no filter"),
        pytest.param({"code": ""}, id="an empty filter"),
        pytest.param({"ids": []}, id="no ids"),
        pytest.param({"cod": "refused"}, id="an unknown filter"),
        pytest.param({"since": "yesterday"}, id="no time"),
        pytest.param({"ids": [2**70]}, id="a huge id"),
        pytest.param({"sink": "events", "rate": 5}, id="a rate to drop at"),
        pytest.param([], id="a list"),
    ],
)
def test_nothing_is_dropped_by_mistake(operator: Operator, order: Any) -> None:
    assert operator.fail("POST", "dead/drop", order) == (400, "invalid_parameter")
    assert len(operator.get("dead")["items"]) == 2


def test_a_replay_is_ordered_shown_and_cancelled(operator: Operator) -> None:
    counted = operator.post("replays", sink="events", event="Signed Up", dry_run=True)
    ordered = operator.post("replays", sink="events", event="Signed Up")
    listed = operator.get("replays")
    cancelled = operator.client.delete("/api/replays/1").json()

    assert counted == {"sink": "events", "events": 5, "partial": False}
    assert (ordered["state"], ordered["filters"]) == ("running", {"event": "Signed Up"})
    assert "since" not in ordered
    assert listed["items"] == [ordered]
    assert cancelled == {**ordered, "state": "cancelled"} == operator.get("replays/1")


def test_replays_are_listed_page_by_page(operator: Operator) -> None:
    for _ in range(3):
        operator.post("replays", sink="events")

    first = operator.get("replays?limit=2")
    second = operator.get(f"replays?limit=2&cursor={first['next']}")

    assert [each["id"] for each in first["items"]] == [3, 2]
    assert [each["id"] for each in second["items"]] == [1]


def test_the_ledger_is_that_of_the_command(operator: Operator) -> None:
    assert operator.get("ledger") == json.loads(operator.gateway.run("ledger", "--json").output)


def test_health_names_what_is_wrong(operator: Operator) -> None:
    well = operator.get("health")
    (operator.gateway.home.folder / "state.db").unlink()

    ill = operator.get("health")

    assert well == {"status": "ok", "problems": []}
    assert (ill["status"], [each["subject"] for each in ill["problems"]]) == ("degraded", ["state"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "sinks/other"),
        ("POST", "sinks/other/pause"),
        ("POST", "sinks/other/test"),
        ("GET", "dead/0"),
        ("GET", "dead/99"),
        ("GET", "replays/99"),
        ("DELETE", "replays/99"),
        ("GET", "refused/99"),
        ("GET", "sources/other"),
        ("GET", "events/0/99"),
        ("GET", "events/7/0"),
        ("GET", "nothing"),
    ],
    ids=str,
)
def test_what_there_is_not_is_not_found(operator: Operator, method: str, path: str) -> None:
    assert operator.fail(method, path)[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [
        pytest.param("GET", "events?usr=1", None, id="an unknown parameter"),
        pytest.param("GET", "sinks?limit=5", None, id="a filter where there is none"),
        pytest.param("GET", "dead?limit=0", None, id="no items"),
        pytest.param("GET", "dead?limit=5000", None, id="too many items"),
        pytest.param("GET", "dead?limit=two", None, id="no number"),
        pytest.param("GET", "dead?cursor=x", None, id="no cursor"),
        pytest.param("GET", "dead?since=x", None, id="no time"),
        pytest.param("GET", "dead/x", None, id="no id"),
        pytest.param("GET", f"events?text={'x' * 1001}", None, id="a long text"),
        pytest.param("GET", "events/x", None, id="no position"),
        pytest.param("POST", "sinks/events/pause", {"x": 1}, id="an order with more words than it has"),
        pytest.param("POST", "sinks/events/skip", {"to": "x"}, id="no target"),
        pytest.param("POST", "replays", {}, id="no sink"),
        pytest.param("POST", "replays", {"sink": "events", "event": ""}, id="an empty filter"),
        pytest.param("POST", "replays", {"sink": "events", "rate": 0}, id="no rate"),
        pytest.param("POST", "dead/drop", {"code": "x" * 70_000}, id="a large body"),
    ],
)
def test_a_malformed_question_is_told_so(operator: Operator, method: str, path: str, order: Any) -> None:
    assert operator.fail(method, path, order) == (400, "invalid_parameter")


def test_without_a_state_it_cannot_be_answered_now(operator: Operator) -> None:
    (operator.gateway.home.folder / "state.db").unlink()

    assert operator.fail("GET", "sinks") == (503, "unavailable")


def test_another_method_is_not_allowed(operator: Operator) -> None:
    assert operator.fail("POST", "ledger")[0] == 405
