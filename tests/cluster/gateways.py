"""Real gateways that share a journal and a state, each in a folder of its own."""

import json
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from itertools import count, groupby, pairwise
from pathlib import Path
from typing import Any, Self

import asyncpg

from gateway.config.secret import Secret
from gateway.state.nodes import find_nodes
from tests import databases
from tests.gateway import Gateway, until
from tests.journal.jetstream_engine import on, syncing_server
from tests.sinks.nats_server import PASSWORD, USER
from tests.sinks.postgres_server import postgres_server

PARTITIONS = ["0", "1", "2", "3"]
PEOPLE = 20

_CONFIG = """
[server]
port = 0
node = "{node}"
[inspector]
port = 0
[journal]
{journal}
[state]
url = "{state}"
[sources.default]
write_keys = ["dev"]
[sinks.warehouse]
kind = "postgres"
dsn = "{target}?sslmode=disable"
[sinks.archive]
kind = "json_lines"
path = "data/events.jsonl"
node = "two"
"""
_JETSTREAM = """
engine = "jetstream"
servers = ["{0.servers[0]}"]
name = "{0.name}"
partitions = 4
replicas = 1
max_size = "256MB"
require = "fsync"
monitor = ["{0.monitor[0]}"]
user = "{1}"
password = "{2}"
"""
_numbers = count()


class Cluster:
    """Gateways that share a journal, with a warehouse that writes once, by position, and a file of `two`."""

    def __init__(self, folder: Path, state: str, target: str, journal: str = "") -> None:
        """`journal` is the content of the table of this name, for an engine other than JetStream."""
        self._folder = folder
        self._journal = journal or _JETSTREAM.format(on(syncing_server()), USER, PASSWORD)
        self._state = state
        self._target = target
        self._gateways: dict[str, Gateway] = {}

    def journal(self, _node: str) -> str:
        """Return the content of a gateway's table of this name."""
        return self._journal

    def state(self, _node: str) -> str:
        """Return the address by which a gateway reaches the state."""
        return self._state

    def up(self, node: str, folder: str = "") -> Gateway:
        """Return the gateway in a folder, which is started unless it runs."""
        gateway = self._gateways.get(folder or node)
        if gateway is None:
            file = self.configure(node, folder)
            gateway = self._gateways[folder or node] = Gateway(file.parent, file.read_text())
            gateway.start()
        elif gateway.process.poll() is not None:
            gateway.start()
        return gateway

    def configure(self, node: str, folder: str = "") -> Path:
        """Write the configuration of a gateway, and return its file."""
        place = self._folder / (folder or node)
        place.mkdir(exist_ok=True)
        (place / "gateway.toml").write_text(
            _CONFIG.format(node=node, journal=self.journal(node), state=self.state(node), target=self._target)
        )
        return place / "gateway.toml"

    def command(self, node: str, *words: str) -> list[dict[str, Any]]:
        """Run a command as on the machine of a gateway, and return what it prints."""
        command = [sys.executable, "-m", "gateway", *words, "--json", "--config", str(self.configure(node))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def leases(self, sink: str = "warehouse") -> dict[str, list[str]]:
        """Return the partitions of a sink by gateway."""
        nodes = find_nodes(Secret(self._state))
        return {node.name: node.leases[sink] for node in nodes if node.alive and node.leases.get(sink)}

    def shared(self, *nodes: str) -> None:
        """Return once these gateways and no others share all partitions, evenly."""

        def are_shared() -> bool:
            held = self.leases()
            sizes = [len(partitions) for partitions in held.values()]
            whole = sorted(each for partitions in held.values() for each in partitions)
            return held.keys() == {*nodes} and whole == PARTITIONS and max(sizes) - min(sizes) <= 1

        until(are_shared)

    def rows(self) -> list[dict[str, Any]]:
        """Return what the warehouse has, once it has its table."""
        try:
            return postgres_server().run(
                "SELECT id, user_id, position FROM events", database=self._target.rpartition("/")[2]
            )
        except asyncpg.UndefinedTableError:
            return []

    def delivered(self, ids: Collection[str]) -> list[str]:
        """Return which of `ids` the warehouse has, each as often as it has it, once it has them all."""
        wanted = set(ids)

        def find() -> list[str]:
            return sorted(row["id"] for row in self.rows() if row["id"] in wanted)

        until(lambda: wanted <= set(find()))
        return find()

    def ledger(self, node: str) -> dict[str, Any]:
        """Return the ledger, once nothing is pending."""
        found: list[dict[str, Any]] = []

        def is_drained() -> bool:
            found[:] = self.command(node, "ledger")
            return all(not sink["pending"] for sink in found[0]["sinks"].values())

        until(is_drained)
        return found[0]

    def close(self) -> None:
        for gateway in self._gateways.values():
            if gateway.process.poll() is None:
                gateway.kill()


@contextmanager
def cluster(folder: Path, journal: str = "") -> Iterator[Cluster]:
    """Lend a cluster without a gateway."""
    with databases.database() as state, databases.database() as target:
        made = Cluster(folder, state, target, journal)
        try:
            yield made
        finally:
            made.close()


def send(gateway: Gateway, events: int) -> list[str]:
    """Send new events, 50 a request; return the ids of those that were acknowledged."""
    found = []
    for _ in range(0, events, 50):
        numbers = [next(_numbers) for _ in range(min(events, 50))]
        batch = [
            {"type": "track", "event": "x", "userId": f"u{number % PEOPLE}", "messageId": f"m{number:09}"}
            for number in numbers
        ]
        if gateway.post("/v1/batch", {"batch": batch}).status == 200:
            found += [f"m{number:09}" for number in numbers]
    return found


def assert_order(rows: Iterable[Mapping[str, Any]], sent: Collection[str]) -> None:
    """Check that events, sent one after the other, lie in this order in one partition for each person."""
    wanted = set(sent)
    found = [(row["user_id"], *row["position"].split("/"), row["id"]) for row in rows if row["id"] in wanted]
    found.sort(key=lambda row: (row[0], row[1], int(row[2])))
    for _, group in groupby(found, key=lambda row: row[0]):
        own = list(group)
        assert len({partition for _, partition, _, _ in own}) == 1
        assert [(one, other) for one, other in pairwise(own) if one[3] > other[3]] == []


class Load:
    """Sends events to gateways in turn, during a block; `ids` are those that were acknowledged."""

    def __init__(self, *gateways: Gateway) -> None:
        self.ids: list[str] = []
        self._gateways = gateways
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
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
        while not self._ends.is_set():
            for gateway in self._gateways:
                if gateway.process.poll() is not None:
                    continue  # its port may be another's by now
                try:
                    self.ids += send(gateway, 50)
                except (OSError, HTTPException):  # it was killed
                    self._ends.wait(0.05)
