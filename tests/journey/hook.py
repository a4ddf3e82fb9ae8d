"""A gateway with a webhook, what the webhook has got, and the commands that an operator uses meanwhile."""

import json
import math
from collections.abc import Callable
from itertools import chain
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.build import track
from tests.gateway import Gateway, free_ports, until
from tests.sinks import chaos
from tests.sinks.chaos import Behaviour, Request

POISON = "Poison"
PERSONS = 5


def config(url: str, **keys: Any) -> str:
    """Return a configuration with the sink `hook`, and the sink `events` beside it in the same process."""
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    public, private = free_ports()
    return f"""
[server]
port = {public}
[inspector]
port = {private}
[delivery]
processes = 1
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
[sinks.hook]
kind = "http"
url = "{url}"
allow_private = true
{table}"""


class Hook:
    """
    Decides how a Target answers: it refuses poison until it is fixed, and else behaves as `behave` says.

    `accepted` are those requests that it has answered with a success, by their webhook-id.
    """

    def __init__(self, behave: Callable[[], Behaviour] = lambda: chaos.ACCEPT) -> None:
        self.fixed = False
        self.accepted: dict[str, list[dict[str, Any]]] = {}
        self._behave = behave

    def __call__(self, request: Request) -> Behaviour:
        body = json.loads(request.body)
        events: list[dict[str, Any]] = body.get("batch", [body])
        poison = [event["messageId"] for event in events if event["event"] == POISON]
        if poison and not self.fixed:
            return chaos.answer(422, f"it is poison: {poison}".encode())
        behaviour = self._behave()
        if behaviour in chaos.SUCCESSES:
            self.accepted[request.headers["webhook-id"]] = events
        return behaviour

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that it has accepted, in order; an event that came under two ids is there twice."""
        return list(chain.from_iterable(self.accepted.values()))

    @property
    def names(self) -> list[str]:
        """Their messageIds."""
        return [event["messageId"] for event in self.events]


def send(
    running: Gateway,
    first: int,
    end: int,
    is_poison: Callable[[int], bool] = lambda number: False,
    *,
    padding: int = 0,
) -> None:
    """Send events of several persons, of which some are poison; their messageIds are "e0", "e1" and so on."""
    for start in range(first, end, 100):
        batch = [
            track(
                messageId=f"e{number}",
                userId=f"u{number % PERSONS}",
                event=POISON if is_poison(number) else "Ordered",
                properties={"padding": "x" * padding},
            )
            for number in range(start, min(start + 100, end))
        ]
        answer = running.post("/v1/batch", {"batch": batch})
        assert answer.status == 200, answer


def names(first: int, end: int) -> list[str]:
    return [f"e{number}" for number in range(first, end)]


def is_in_order(events: list[dict[str, Any]]) -> bool:
    """Return whether the events of each person are in the order in which they were sent."""
    last: dict[str, int] = {}
    for event in events:
        number = int(event["messageId"][1:])
        if number <= last.get(event["userId"], -1):
            return False
        last[event["userId"]] = number
    return True


def run(running: Gateway, *arguments: str) -> Result:
    """Run a command of `gateway`, as an operator beside the running gateway does."""
    return CliRunner().invoke(main, [*arguments, "--config", str(running.file)])


def objects(running: Gateway, *arguments: str) -> list[dict[str, Any]]:
    """Return what a command prints with --json."""
    return [json.loads(line) for line in run(running, *arguments, "--json").stdout.splitlines()]


def sink(running: Gateway, name: str = "hook") -> dict[str, Any]:
    """Return how a sink fares."""
    [found] = [each for each in objects(running, "sinks") if each["name"] == name]
    return found


def await_delivery(running: Gateway, name: str = "hook") -> None:
    """Wait until a sink has nothing pending, for as long as it makes progress."""

    left = math.inf

    def has_advanced() -> bool:
        nonlocal left
        before, now = left, running.pending(name)
        left = now if 0 <= now < before else before
        return left < before

    while left:
        until(has_advanced)


def balance(running: Gateway, name: str = "hook") -> dict[str, Any]:
    """Return the account of a sink in a ledger that balances."""
    found = run(running, "ledger", "--json")
    account = json.loads(found.stdout)
    assert (found.exit_code, account["balanced"], account["differences"]) == (0, True, [])
    counts: dict[str, Any] = account["sinks"][name]
    return counts
