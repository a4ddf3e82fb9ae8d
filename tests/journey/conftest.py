"""What the tests of real clients share."""

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
"""

Arrived = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all, since each client's events can be told from those that came before."""
    with Gateway(tmp_path_factory.mktemp("live"), CONFIG) as running:
        yield running


@pytest.fixture
def arrived(running: Gateway) -> Arrived:
    """Everything that has arrived since the test began, once there is nothing more to come."""
    before = len(running.drained())
    return lambda: running.drained()[before:]
