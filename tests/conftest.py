"""What all tests share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Gateway


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the gateway runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts real gateways in a folder of their own; arguments are those of `Gateway`."""
    with ExitStack() as running:

        def start(config: str = "", **arguments: Any) -> Gateway:
            return running.enter_context(Gateway(tmp_path, config, **arguments))

        yield start
