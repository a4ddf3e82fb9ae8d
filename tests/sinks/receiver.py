"""A receiver of requests that recognizes what it has, wants a password, and refuses events named "Poison"."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from gateway.config.units import Duration
from gateway.sinks.base import Sink
from tests.sinks import chaos
from tests.sinks.chaos import Behaviour, Request, Target
from tests.sinks.contract import POISON, Example

PASSWORD = "password-of-the-receiver"
WRONG_PASSWORD = "another-password"

_FAULTS = {"gone": chaos.half_a_head, "slow": chaos.never_answer, "full": chaos.answer(507, b"disk full")}
_TIMEOUT = Duration(0.3)
_SPELLINGS = (PASSWORD, b64encode(f"{PASSWORD}:".encode()).decode())


class Receiver(Example):
    """An Example of a sink that sends requests; `arrived` is what is left once copies are recognized."""

    refuses = True
    has_credentials = True
    faults = ("gone", "slow", "full")

    id_header: ClassVar[str] = ""
    """The header by which requests are recognized; empty: events are, by `id_of`."""

    def __init__(self, folder: Path) -> None:
        self.target = Target(self._decide)
        self._behaviour: Behaviour | None = None
        self._known: dict[str, bytes] = {}
        self._arrived: list[str] = []

    def __enter__(self) -> Self:
        self.target.__enter__()
        self.sink = self.make(PASSWORD)
        return self

    def __exit__(self, *error: object) -> None:
        self.target.__exit__()

    def make(self, password: str) -> Sink:
        """Return a sink that sends to the target."""
        raise NotImplementedError

    def id_of(self, event: dict[str, Any]) -> str:
        """Return the id by which the receiver recognizes an event."""
        return str(event["messageId"])

    def events(self, body: bytes) -> list[dict[str, Any]]:
        """Return the events of a request."""
        found: list[dict[str, Any]] = json.loads(body)["batch"]
        return found

    def refuse(self, events: list[dict[str, Any]], culprits: list[int]) -> Behaviour:
        """Answer a request of which some events are refused."""
        return chaos.answer(400, b"it is poison")

    def store(self, events: list[dict[str, Any]]) -> None:
        """Store those events that are not known by their id."""
        for event in events:
            if self._is_new(self.id_of(event), b""):
                self._arrived.append(str(self.id_of(event)))

    def arrived(self) -> list[str]:
        return [*self._arrived]

    def spoil(self, line: bytes) -> bytes:
        return json.dumps({**json.loads(line), "event": POISON}).encode()

    def denied(self) -> Sink:
        return self.make(WRONG_PASSWORD)

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        self._behaviour = _FAULTS[fault]
        yield msgspec.structs.replace(self.sink, timeout=_TIMEOUT)
        self._behaviour = None

    def _decide(self, request: Request) -> Behaviour:
        if not any(each in f"{request.target} {request.headers}" for each in _SPELLINGS):
            return chaos.answer(401, b"who are you?")
        events = self.events(request.body)
        culprits = [index for index, event in enumerate(events) if POISON in event.values()]
        if culprits:
            return self.refuse(events, culprits)
        if self._behaviour is _FAULTS["full"]:
            return self._behaviour
        if not self.id_header:
            self.store(events)
        elif self._is_new(request.headers[self.id_header], request.body):
            self._arrived += map(self.id_of, events)
        return self._behaviour or chaos.ACCEPT

    def _is_new(self, id: str, content: bytes) -> bool:
        """Remember an id with its content; a second content of the same id shows among the arrived."""
        if id not in self._known:
            self._known[id] = content
            return True
        if self._known[id] != content:
            self._arrived.append(f"another content of {id}")
        return False
