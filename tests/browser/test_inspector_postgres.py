"""The story of an operator whose PostgreSQL goes away, in a real browser."""

import time
from collections.abc import Iterator

import pytest

from tests.browser.desk import Desk, Sit, expect
from tests.gateway import PATIENCE, until
from tests.sinks.postgres_server import PostgresServer


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server for this story alone, since it is stopped."""
    server = PostgresServer()
    yield server
    server.remove()


def stored(server: PostgresServer) -> list[str]:
    return [row["event"] for row in server.run("SELECT event FROM events ORDER BY received_at")]


def headline(desk: Desk, text: str) -> None:
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(text, timeout=PATIENCE * 1000)


def test_postgres_goes_away_and_comes_back_and_the_overview_says_so(sit: Sit, server: PostgresServer) -> None:
    desk = sit(f'[sinks.warehouse]\nkind = "postgres"\ndsn = "{server.dsn()}"')
    desk.send(event="before")
    desk.running.delivered(1)
    page = desk.look("/")
    headline(desk, "All is well.")

    server.stop()
    desk.send(event="meanwhile")
    stopped = time.monotonic()
    headline(desk, "Sink warehouse needs attention.")
    print(f"said so after {time.monotonic() - stopped:.1f} s; 5 are promised")
    expect(page.locator("#verdict")).to_contain_text("retrying")
    expect(page.locator("#sink-rows li", has_text="warehouse")).to_contain_text("1 event behind")
    server.start()
    headline(desk, "All is well.")

    until(lambda: stored(server) == ["before", "meanwhile"])
    expect(page.locator("#sink-rows li", has_text="warehouse")).to_contain_text("has everything")
    assert desk.faults == []
