"""What the contract suite needs to know of a kind: how to make a sink, look at its target, and break it."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from gateway.sinks import KINDS
from gateway.sinks.base import Sink

POISON = "Poison"
"""The name of an event that a target of requests refuses."""


class Example:
    """
    A sink with a target of its own, for the duration of a block.

    The test module of a kind lists its examples by name in EXAMPLES.
    """

    once: ClassVar[bool] = True
    """True if the target has each event once, whatever is delivered again."""
    replays_once: ClassVar[bool] = False
    """True if the target gets no second copy of a replayed event that it has."""
    retains: ClassVar[bool] = True
    """True if the target can be looked at."""
    refuses: ClassVar[bool] = False
    """True if the target refuses what `spoil` returns."""
    has_credentials: ClassVar[bool] = False
    faults: ClassVar[tuple[str, ...]] = ()
    """
    How the target can be broken: gone (in the middle of an answer, or of a write), slow, full.
    """

    sink: Sink
    output: Path | None = None
    """The file that has to be the standard output of a process with the sink."""

    def __init__(self, folder: Path) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def arrived(self) -> list[str]:
        """Return the messageIds at the target, in order, and repeated where an event is repeated."""
        raise NotImplementedError

    def spoil(self, line: bytes) -> bytes:
        """Return an event that the target will never accept."""
        raise NotImplementedError

    def denied(self) -> Sink:
        """Return the sink with credentials that the target does not accept."""
        raise NotImplementedError

    def broken(self, fault: str) -> AbstractContextManager[Sink]:
        """Break the target for the duration of a block, and return the sink to deliver to meanwhile."""
        raise NotImplementedError


def examples() -> Mapping[str, type[Example]]:
    """Return the examples of all kinds by their names."""
    found: dict[str, type[Example]] = {}
    for kind in sorted(KINDS):
        tests = import_module(f"tests.sinks.test_{kind}")
        assert hasattr(tests, "EXAMPLES"), f"{tests.__name__} needs EXAMPLES: sinks for the contract suite"
        found |= {f"{kind}{f' {name}' if name else ''}": each for name, each in tests.EXAMPLES.items()}
    return found


def each_example(**flags: bool) -> pytest.MarkDecorator:
    """Parametrize `make` with the examples whose flags are as given."""
    chosen = {
        name: each
        for name, each in examples().items()
        if all(getattr(each, flag) is value for flag, value in flags.items())
    }
    return pytest.mark.parametrize("make", list(chosen.values()), ids=list(chosen))


def each_fault() -> pytest.MarkDecorator:
    """Parametrize `make` and `fault` with the faults of all examples."""
    chosen = [
        pytest.param(each, fault, id=f"{name}: {fault}")
        for name, each in examples().items()
        for fault in each.faults
    ]
    return pytest.mark.parametrize(("make", "fault"), chosen)


def id_of(line: bytes | str) -> str:
    """Return the messageId of an event."""
    event: dict[str, Any] = json.loads(line)
    return str(event["messageId"])
