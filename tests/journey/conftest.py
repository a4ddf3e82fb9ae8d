"""Shared fixtures of the tests of real clients."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.gateway import DEFAULTS, Gateway

CONFIG = f"""{DEFAULTS}
[sources.strict]
write_keys = ["strict"]
multi_status = "always"
[sources.wide]
write_keys = ["wide"]
max_body = "8MB"
[delivery]
duplicates = "0s"
"""

Arrived = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all clients, because their events can be told apart."""
    with Gateway(tmp_path_factory.mktemp("live"), CONFIG) as running:
        yield running


@pytest.fixture
def arrived(running: Gateway) -> Arrived:
    """A function that waits for delivery and returns the events that arrived during the test."""
    before = len(running.drained())
    return lambda: running.drained()[before:]
