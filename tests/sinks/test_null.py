"""The sink that keeps nothing."""

from pathlib import Path

import pytest

from gateway.sinks.base import Sink
from gateway.sinks.null import Null
from tests.sinks.batches import batch, write


def example(folder: Path) -> Sink:
    """One to hold to the contract of the family."""
    return Null()


def test_every_batch_is_accepted_and_discarded(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    receipt = write(Null(), b"", batch(0, 3))

    assert receipt == b""
    assert capfdbinary.readouterr() == (b"", b"")
