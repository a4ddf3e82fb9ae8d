"""A real gateway that writes to a real PostgreSQL server, killed again and again."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from tests.build import track
from tests.gateway import Gateway, until
from tests.sinks.postgres_server import postgres_server
from tests.sinks.postgres_tables import run, sink_in

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "postgres"
dsn = "{dsn}"
table = "{table}"
batch_events = 20
columns = {{number = "properties.number: integer"}}
"""


def test_each_event_is_in_the_table_once_however_often_delivery_is_killed(
    gateway: Callable[..., Gateway], tmp_path: Path, rounds: int | None, chance: random.Random
) -> None:
    table = sink_in(tmp_path).table
    running = gateway(CONFIG.format(dsn=postgres_server().dsn(), table=table))
    sent, kills = 0, rounds or 2  # each takes seconds until another process is started

    for _ in range(kills):
        events = [track(properties={"number": number}) for number in range(sent, sent + 200)]
        assert running.post("/v1/batch", {"batch": events}).status == 200
        sent += 200
        wait_for_rows(table, sent - 200 + chance.randrange(200))
        kill_delivery(running)
    wait_for_rows(table, sent)

    rows = run(f"SELECT number, position FROM {table} ORDER BY ctid")
    assert [row["number"] for row in rows] == list(range(sent))
    assert [row["position"] for row in rows] == [f"0/{number}" for number in range(sent)]


def wait_for_rows(table: str, number: int) -> None:
    until(lambda: run(f"SELECT to_regclass('{table}')::text AS name")[0]["name"])
    until(lambda: run(f"SELECT count(*) FROM {table}")[0]["count"] >= number)


def kill_delivery(running: Gateway) -> None:
    """Kill the process that delivers, and return when there is another."""
    before = running.children()["delivery-0"]
    os.kill(before, signal.SIGKILL)
    until(lambda: running.children().get("delivery-0", before) != before)
