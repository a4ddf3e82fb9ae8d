"""The sink that keeps nothing."""

from pathlib import Path

import pytest

from gateway.sinks.base import Sink
from gateway.sinks.null import Null
from tests.build import event_lines


def example(folder: Path) -> Sink:
    """One to hold to the contract of the family."""
    return Null()


@pytest.mark.anyio
async def test_everything_is_taken_and_nothing_is_kept(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    async with Null().connect(b"") as write:
        notes = await write(event_lines(0, 3))

    assert notes == b""
    assert capfdbinary.readouterr() == (b"", b"")
