"""What all tests in a browser share."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.desk import Desk, Sit, configuration, expect
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.clients import install
from tests.gateway import PATIENCE, Gateway
from tests.journey import needs

# As on a machine without a network: Chromium looks for its maker's hosts otherwise.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """
    Debian's Chromium.

    Not for all tests: while Playwright runs, this thread is said to run a loop, and anyio's tests would fail.
    """
    executable = needs.program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    """A tab with a profile of its own."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    yield Tab(context.new_page())
    context.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(needs.client(install.NODE) / "node_modules") as site:
        yield site


@pytest.fixture
def sit(chromium: Browser, gateway: Callable[..., Gateway]) -> Iterator[Sit]:
    """Starts a gateway with more tables in its configuration, and sits down at its inspector."""
    expect.set_options(timeout=PATIENCE * 1000)
    contexts = []

    def sit(more: str = "", **options: object) -> Desk:
        running = gateway(configuration(more))
        context = chromium.new_context(**options)  # type: ignore[arg-type]  # options of Playwright
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        return Desk(context.new_page(), running)

    yield sit
    for context in contexts:
        context.close()
