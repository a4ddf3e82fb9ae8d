"""Shared fixtures: a journal with times, and a gateway's folder beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.duplicates.indexing import IndexingProcess
from tests.delivery.duplicates.timed_log import TimedLog


@pytest.fixture
def journal() -> TimedLog:
    return TimedLog()


@pytest.fixture
def process(tmp_path: Path, journal: TimedLog) -> Iterator[IndexingProcess]:
    opened = IndexingProcess(tmp_path, journal)
    yield opened
    opened.close()
