"""Events through the mapping of a vendor, and what a stand-in of the vendor says of the requests."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateway.destinations.answers import Verdict
from gateway.destinations.packing import Request
from gateway.destinations.planning import Plan, plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import built_in
from tests.build import event_line

NOW = 1767268860.0
"""A minute after the time of the events of tests, 2026-01-01T12:00:00Z."""

StandIn = Callable[[Request], list[str]]
"""Returns the published rules that a request breaks."""


every_view = pytest.mark.parametrize(
    ("fields", "name"),
    [
        pytest.param({"type": "page", "name": "Home"}, "Viewed Home", id="page"),
        pytest.param({"type": "page"}, "Viewed Page", id="page without a name"),
        pytest.param({"type": "screen", "name": "Home"}, "Viewed Home", id="screen"),
        pytest.param({"type": "screen"}, "Viewed Screen", id="screen without a name"),
    ],
)
"""Pages and screens, each with the name of the event that vendors of analytics make of it."""


class Mapped:
    """What became of events."""

    def __init__(self, planned: Plan) -> None:
        assert planned.failed == {}
        self.codes = [refused.code for _, refused in sorted(planned.refused.items())]
        """Of the events that were refused, in order."""
        self.requests = [request for lane in planned.lanes for request in lane]
        self.bodies = [content(request) for request in self.requests]

    @property
    def body(self) -> Any:
        """The body of the only request."""
        assert self.codes == []
        [body] = self.bodies
        return body


def content(request: Request) -> Any:
    """Return what a body says; of a form, its fields."""
    if request.call.form:
        return dict(parse_qsl(request.body.decode(), strict_parsing=True))
    return json.loads(request.body)


class Vendor:
    """A mapping that comes with the gateway, with the settings of tests and its stand-in."""

    def __init__(self, name: str, stand_in: StandIn, **settings: str) -> None:
        self.name = name
        self._stand_in = stand_in
        self._settings = settings
        self._programs: dict[tuple[tuple[str, str], ...], Program] = {}
        """By settings: to compile a mapping takes longer than a test."""

    def program(self, **settings: str) -> Program:
        key = tuple(sorted(settings.items()))
        if key not in self._programs:
            self._programs[key] = Program(built_in(self.name), self._settings | settings)
        return self._programs[key]

    def map(self, *events: dict[str, Any], now: float = NOW, **settings: Any) -> Mapped:
        """Return what events become; the stand-in must have nothing against it."""
        lines = [event_line(number, **event) for number, event in enumerate(events)]
        mapped = Mapped(plan(self.program(**settings), lines, 8, now))
        assert [problem for request in mapped.requests for problem in self._stand_in(request)] == []
        return mapped

    def judge(self, status: int, body: bytes, call: str = "send") -> Verdict:
        """Return what an answer to a call means."""
        return self.program().calls[call].answers.judge(status, body)


def hashed(text: str) -> str:
    """Return the SHA-256 that vendors compare."""
    return sha256(text.encode()).hexdigest()


def members(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value in a body that is no object and no list, with its path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from members(each, f"{path}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from members(each, path)
    else:
        yield path, value
