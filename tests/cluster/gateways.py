"""Real gateways that share a journal and a state, each in a folder of its own."""

import json
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import asyncpg

from gateway.config.secret import Secret
from gateway.state.nodes import find_nodes
from tests import databases
from tests.gateway import Gateway, until
from tests.sinks.postgres_server import postgres_server

PARTITIONS = 4

CONFIG = """
[server]
port = 0
node = "{node}"
[inspector]
port = 0
[journal]
{journal}
partitions = {partitions}
[state]
url = "{state}"
[sources.default]
write_keys = ["dev"]
{sinks}
"""
WAREHOUSE = """
[sinks.warehouse]
kind = "postgres"
dsn = "{dsn}?sslmode=disable"
"""
"""A sink that writes once, by position."""


class Cluster:
    """Gateways that are started as they are asked for."""

    def __init__(self, folder: Path, journal: str, state: str, target: str, sinks: str) -> None:
        self.folder = folder
        self.state = state
        self.target = target
        self._journal = journal
        self._sinks = sinks or WAREHOUSE.format(dsn=target)
        self._running = ExitStack()

    def configure(self, node: str) -> Path:
        """Write the configuration of a gateway, and return its file."""
        folder = self.folder / node
        folder.mkdir(exist_ok=True)
        text = CONFIG.format(
            node=node, journal=self._journal, partitions=PARTITIONS, state=self.state, sinks=self._sinks
        )
        (folder / "gateway.toml").write_text(text)
        return folder / "gateway.toml"

    def start(self, node: str) -> Gateway:
        file = self.configure(node)
        return self._running.enter_context(Gateway(file.parent, file.read_text()))

    def command(self, node: str, *words: str) -> list[dict[str, Any]]:
        """Run a command as on the machine of a gateway, and return what it prints."""
        command = [sys.executable, "-m", "gateway", *words, "--json", "--config", self.configure(node)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def leases(self, sink: str = "warehouse") -> dict[str, list[str]]:
        """Return the partitions of a sink by gateway."""
        return {
            node.name: node.leases[sink]
            for node in find_nodes(Secret(self.state))
            if node.alive and node.leases.get(sink)
        }

    def share(self, *nodes: str) -> None:
        """Return once these gateways and no others share all partitions, evenly."""

        def is_shared() -> bool:
            held = self.leases()
            sizes = [len(held.get(node, ())) for node in nodes]
            whole = sorted(each for partitions in held.values() for each in partitions)
            return len(whole) == PARTITIONS and sum(sizes) == PARTITIONS and max(sizes) - min(sizes) <= 1

        until(is_shared)

    def rows(self) -> list[dict[str, Any]]:
        """Return what the warehouse has, once it has its table."""
        database = self.target.rpartition("/")[2]
        try:
            return postgres_server().run("SELECT id, user_id, position FROM events", database=database)
        except asyncpg.UndefinedTableError:
            return []

    def ids(self) -> list[str]:
        """Return the message ids of what the warehouse has, each as often as it has it."""
        return sorted(row["id"] for row in self.rows())

    def delivered(self, ids: Collection[str]) -> list[str]:
        """The same, once all of `ids` are there."""
        until(lambda: set(self.ids()) >= set(ids))
        return self.ids()

    def ledger(self, node: str) -> dict[str, Any]:
        """Return the ledger, once nothing is pending."""
        found: list[dict[str, Any]] = []

        def is_drained() -> bool:
            found[:] = self.command(node, "ledger")
            return all(not sink["pending"] for sink in found[0]["sinks"].values())

        until(is_drained)
        return found[0]

    def close(self) -> None:
        self._running.close()


@contextmanager
def cluster(folder: Path, journal: str, sinks: str = "") -> Iterator[Cluster]:
    """Lend a cluster without a gateway, on a journal as `[journal]` describes it."""
    with databases.database() as state, databases.database() as target:
        made = Cluster(folder, journal, state, target, sinks)
        try:
            yield made
        finally:
            made.close()


def event(number: int, people: int = 20) -> Mapping[str, Any]:
    return {"userId": f"u{number % people}", "event": "x", "messageId": f"m{number:05}"}


def send(gateway: Gateway, first: int, end: int) -> list[str]:
    """Send events in batches; return the ids of those that were acknowledged."""
    found = []
    for start in range(first, end, 50):
        batch = [{"type": "track", **event(number)} for number in range(start, min(start + 50, end))]
        if gateway.post("/v1/batch", {"batch": batch}).status == 200:
            found += [each["messageId"] for each in batch]
    return found


class Load:
    """Sends events to gateways in turn, for the duration of a block; `ids` are those that were acknowledged."""

    def __init__(self, *gateways: Gateway) -> None:
        self.ids: list[str] = []
        self._gateways = gateways
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()

    def more(self, events: int = 500) -> None:
        """Return once so many more events were acknowledged."""
        enough = len(self.ids) + events
        until(lambda: len(self.ids) >= enough)

    def _run(self) -> None:
        number = 0
        while not self._ends.is_set():
            for gateway in self._gateways:
                with suppress(OSError, HTTPException):  # it was killed
                    self.ids += send(gateway, number, number + 50)
                number += 50
