"""What all tests share."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("tests", deadline=None)  # a machine may stand still at any time
settings.load_profile("tests")

# Their assertions explain themselves too.
pytest.register_assert_rewrite("tests.gateway", "tests.journey.books", "tests.cluster.gateways")

from tests.gateway import Gateway  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, help="how many kills and power cuts; else as many as are quick")
    parser.addoption("--seed", type=int, help="what decides the random moments; each run prints its own")


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


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int | None:
    """What --rounds asks for."""
    given: int | None = request.config.getoption("--rounds")
    return given


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chance that can be repeated: a test that fails shows its seed, to be given as --seed."""
    seed = request.config.getoption("--seed")
    seed = random.randrange(10**6) if seed is None else seed
    print(f"--seed {seed}")
    return random.Random(seed)
