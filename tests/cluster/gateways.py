"""Real gateways that share a journal and a state, each in a folder of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

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

    def rows(self, sql: str = "SELECT message_id, user_id, position FROM events ORDER BY position") -> list[Any]:
        database = self.target.rpartition("/")[2]
        return postgres_server().run(sql, database=database)

    def ids(self) -> list[str]:
        """Return the message ids of what has been delivered, each as often as it was."""
        return sorted(row["message_id"] for row in self.rows())

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
