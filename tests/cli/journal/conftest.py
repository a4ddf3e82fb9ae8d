"""Shared fixtures."""

from pathlib import Path

import pytest

from tests.build import event_lines, keep
from tests.journal.breaking import flip


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A file whose second chunk (events 2 to 4) is damaged."""
    file = keep(tmp_path / "journal/0", event_lines(0, 2), event_lines(2, 5), event_lines(5, 6))
    flip(file, b"m3")
    return file
