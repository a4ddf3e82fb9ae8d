"""The null sink."""

from pathlib import Path

import pytest

from gateway.sinks.base import Sink
from gateway.sinks.null import Null
from tests.sinks.batches import batch, write
from tests.sinks.contract import Example


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return Null()


class Nowhere(Example):
    retains = False

    def __init__(self, folder: Path) -> None:
        self.sink = Null()


EXAMPLES = {"": Nowhere}


def test_every_batch_is_accepted_and_discarded(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    receipt = write(Null(), b"", batch(0, 3))

    assert receipt == b""
    assert capfdbinary.readouterr() == (b"", b"")
