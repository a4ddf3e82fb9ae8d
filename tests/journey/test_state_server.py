"""
A gateway whose state lies in PostgreSQL: killed, stopped and restarted under load, and used by operators.

`pytest tests/journey/test_state_server.py --rounds 30` repeats each fault 30 times.
"""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import databases
from tests.build import to_json, track
from tests.gateway import Gateway, halt, until
from tests.journey import hook
from tests.journey.hook import Hook
from tests.journey.load import NOTHING_WRONG, Load
from tests.sinks.chaos import Target
from tests.sinks.postgres_server import PASSWORD, PostgresServer

CONFIG = """
[server]
port = {port}
[inspector]
port = 0
[state]
url = "{url}"
[sources.default]
write_keys = ["dev"]
site_id = "29"
api_tokens = ["secret"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own, which the test may kill."""
    started = PostgresServer()
    yield started
    started.remove()


@contextmanager
def killed(server: PostgresServer) -> Iterator[None]:
    server.process.kill()
    server.process.wait()
    server.log.close()
    yield
    server.start()


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """Stop every process of the server, as if its machine had paused."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for pid in (server.process.pid, *map(int, children)):
        halt(pid)
    yield
    for pid in (server.process.pid, *map(int, children)):
        os.kill(pid, signal.SIGCONT)


@contextmanager
def restarted(server: PostgresServer) -> Iterator[None]:
    server.stop()
    server.start()
    yield


@pytest.mark.parametrize("fault", [killed, stopped, restarted], ids=lambda fault: fault.__name__)
def test_events_are_accepted_and_delivered_once_whatever_the_server_does(
    fault: Callable[[PostgresServer], Iterator[None]],
    gateway: Callable[..., Gateway],
    server: PostgresServer,
    chance: random.Random,
    rounds: int | None,
) -> None:
    running = gateway(CONFIG.format(port=0, url=server.dsn()))

    with Load(running.port, chance) as load:
        for _ in range(rounds or 2):
            load.advance(200 + chance.randrange(200))
            with fault(server):  # type: ignore[attr-defined]  # they are context managers
                load.advance(500)
    events = running.drained()

    assert load.unexpected == []
    assert load.compare(events) == NOTHING_WRONG
    ledger = hook.run(running, "ledger")
    assert (ledger.exit_code, ledger.stderr) == (0, "")
    assert PASSWORD not in running.logged()


def test_a_gateway_that_starts_while_the_server_is_away_accepts_events(
    gateway: Callable[..., Gateway], server: PostgresServer
) -> None:
    running = gateway(CONFIG.format(port=0, url=server.dsn()))
    running.post("/v1/batch", {"batch": [track(), track()]})
    running.delivered(2)
    running.stop()

    with killed(server):
        running.start()
        answer = running.post("/v1/batch", {"batch": [track()]})
        sinks = hook.run(running, "sinks")
        health = running.request("GET", "/api/health", port=running.inspector_port)

    assert answer.status == 200
    assert (sinks.exit_code, "PostgreSQL at" in sinks.stderr, PASSWORD in sinks.stderr) == (2, True, False)
    assert health.json["problems"][0]["subject"] == "state"
    assert len(running.delivered(3)) == 3
    assert "state unavailable" in running.logged()


def test_the_first_start_needs_the_server(tmp_path: Path, server: PostgresServer) -> None:
    running = Gateway(tmp_path, CONFIG.format(port=0, url=server.dsn(port=1)))

    with pytest.raises(AssertionError):
        running.start()

    assert "[state] url: PostgreSQL at 127.0.0.1:1" in running.logged()
    assert PASSWORD not in running.logged()


def test_operators_have_all_their_commands(gateway: Callable[..., Gateway]) -> None:
    webhook = Hook()
    with databases.database() as url, Target(webhook) as target:
        running = gateway(f'{hook.config(target.url)}[state]\nurl = "{url}"\n')
        hook.send(running, 0, 100, lambda number: number in (30, 60))
        until(lambda: hook.sink(running)["dead"])
        hook.await_delivery(running)
        webhook.fixed = True

        letters = hook.objects(running, "dead", "list", "hook")
        retry = hook.run(running, "dead", "retry", "hook", "--yes")
        replay = hook.run(running, "replay", "hook", "--yes")
        pause = hook.run(running, "sinks", "pause", "events", "--yes")
        hook.send(running, 100, 110)
        paused = hook.sink(running, "events")
        resume = hook.run(running, "sinks", "resume", "events", "--yes")
        hook.await_delivery(running, "events")
        hook.await_delivery(running, "hook")
        ledger = hook.run(running, "ledger")
        health = running.request("GET", "/api/health", port=running.inspector_port)
        page = running.request("GET", "/sinks/hook", port=running.inspector_port)

    assert len(letters) == 2
    assert [each.exit_code for each in (retry, replay, pause, resume, ledger)] == [0] * 5
    assert paused["state"] == "paused"
    assert sorted(set(webhook.names)) == sorted(hook.names(0, 110))
    assert (len(webhook.names), webhook.names.count("e0"), len(running.events())) == (210, 2, 110)
    assert (health.json["status"], page.status) == ("ok", 200)


def test_people_and_products_are_kept_in_the_database(gateway: Callable[..., Gateway]) -> None:
    with databases.database() as url:
        running = gateway(CONFIG.format(port=0, url=url))
        user = "/engage/user/?site=29&user_id=7&token=secret"
        product = {"id": "P1", "name": "Shirt", "brand": "B"}
        headers = {"Content-Type": "application/x-ndjson", "Authorization": "Bearer secret"}

        put = running.request("PUT", user, to_json({"person": {"firstname": "Ann"}}))
        bulk = running.request("POST", "/v2/29/products/bulk", to_json(product), headers)
        running.post("/v1/track", track(properties={"products": [{"product_id": "P1"}]}))
        delivered = running.delivered(2)
        person = running.request("GET", user)
        running.request("DELETE", user)
        removed = running.request("GET", user)

    assert (put.status, bulk.status, person.json, removed.status) == (
        200,
        202,
        {"person": {"firstname": "Ann"}},
        404,
    )
    assert delivered[1]["properties"]["products"] == [{"product_id": "P1", "name": "Shirt", "brand": "B"}]
    assert not (running.folder / "data/journal/people.db").exists()
    assert not (running.folder / "data/journal/state.db").exists()


def test_the_tables_can_be_made_by_a_command(tmp_path: Path) -> None:
    with databases.database() as url:
        running = Gateway(tmp_path, CONFIG.format(port=0, url=url))

        made, again = hook.run(running, "state", "migrate"), hook.run(running, "state", "migrate")

    assert (made.exit_code, again.exit_code) == (0, 0)
    assert "created" in made.stdout
    assert "already" in again.stdout


def test_a_state_in_a_file_needs_no_migration(tmp_path: Path) -> None:
    result = hook.run(Gateway(tmp_path), "state", "migrate")

    assert (result.exit_code, result.stderr.count("needs no migration")) == (2, 1)


def test_a_hook_gets_each_batch_once_while_the_server_is_killed(
    gateway: Callable[..., Gateway], server: PostgresServer, rounds: int | None
) -> None:
    webhook = Hook()
    with Target(webhook) as target:
        running = gateway(f'{hook.config(target.url)}[state]\nurl = "{server.dsn()}"\n')
        for number in range(rounds or 2):
            hook.send(running, number * 300, number * 300 + 200)
            with killed(server):
                hook.send(running, number * 300 + 200, number * 300 + 300)
                time.sleep(0.2)
        hook.await_delivery(running)

    assert sorted(webhook.names) == sorted(hook.names(0, 300 * (rounds or 2)))
    assert hook.is_in_order(webhook.events)
    assert json.loads(hook.run(running, "ledger", "--json").stdout.splitlines()[0])
