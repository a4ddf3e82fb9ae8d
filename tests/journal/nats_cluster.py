"""Three real NATS servers that replicate streams, for faults of single nodes."""

import asyncio
import atexit
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error

from gateway.config.secret import Secret
from gateway.config.tables import Journal
from gateway.config.units import Size
from tests.gateway import PATIENCE, free_ports, halt, until
from tests.network import Network
from tests.sinks.nats_server import PASSWORD, USER

_T = TypeVar("_T")

NODES = 3
_LAME_SECONDS = 5  # in which its leaders have moved
_REQUEST_SECONDS = 2


class Node:
    """One server of a cluster. It can be killed, stopped for a while, and started again."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f"n{number}"
        self.folder = folder / self.name
        self.folder.mkdir()
        self.store = self.folder
        self.port, self.route_port = free_ports()
        self.monitor_port, _ = free_ports()

    def configure(self, routes: list[int], sync: str) -> None:
        others = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        (self.folder / "nats.conf").write_text(
            f"""
            server_name: {self.name}
            listen: "127.0.0.1:{self.port}"
            http: "127.0.0.1:{self.monitor_port}"
            jetstream {{store_dir: "{self.store}", sync_interval: "{sync}", max_file_store: 100GB}}
            cluster {{
              name: tests, listen: "127.0.0.1:{self.route_port}", routes: [{others}], no_advertise: true
            }}
            lame_duck_grace_period: "1s"
            lame_duck_duration: "30s"
            authorization {{users: [{{user: {USER}, password: "{PASSWORD}"}}]}}
            """
        )

    def start(self) -> None:
        path = shutil.which("nats-server") or str(Path(sys.executable).with_name("nats-server"))
        with (self.folder / "log").open("ab") as log:
            command = [path, "-c", str(self.folder / "nats.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def leave(self) -> None:
        """End as an operator has it end: its leaders move first."""
        self.process.send_signal(signal.SIGUSR2)
        with suppress(subprocess.TimeoutExpired):  # it waits half a minute for clients to leave
            self.process.wait(_LAME_SECONDS)
        self.process.terminate()
        self.process.wait(PATIENCE)

    def pause(self) -> None:
        halt(self.process.pid)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class NatsCluster:
    """
    The servers, each in a folder of its own, or on `disks`. `sync` is their sync_interval.

    In a `network` they reach each other by its gates, by their names n0, n1 and n2.
    """

    def __init__(
        self, sync: str = "always", disks: Sequence[Path] = (), network: Network | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nats-cluster-"))
        self.nodes = [Node(number, self.folder) for number in range(NODES)]
        for node, disk in zip(self.nodes, disks, strict=False):
            node.store = disk
        for node in self.nodes:
            routes = {each.name: each.route_port for each in self.nodes if not network or each is not node}
            if network:
                routes = {name: network.port(node.name, name, port) for name, port in routes.items()}
            node.configure([*routes.values()], sync)
            node.start()
        atexit.register(self.remove)
        self.settle()

    def journal(self, **changes: object) -> Journal:
        """Return the configuration of a journal on this cluster."""
        defaults = {
            "engine": "jetstream",
            "servers": tuple(f"nats://127.0.0.1:{node.port}" for node in self.nodes),
            "monitor": tuple(f"http://127.0.0.1:{node.monitor_port}" for node in self.nodes),
            "name": "cluster",
            "partitions": 2,
            "user": USER,
            "password": Secret(PASSWORD),
            "max_size": Size(2**30),
        }
        return Journal(**{**defaults, **changes})  # type: ignore[arg-type]

    def settle(self) -> None:
        """Return once each node answers for JetStream."""
        until(lambda: all(map(self._answers, self.nodes)))

    def leader(self, stream: str) -> Node:
        """Return the node that leads a stream, once there is one."""

        async def asked() -> str:
            client = await self._connect(self.nodes[0].port)
            try:
                info = await client.jetstream(timeout=_REQUEST_SECONDS).stream_info(stream)
                return (info.cluster and info.cluster.leader) or ""
            finally:
                await client.close()

        found: list[Node] = []

        def is_found() -> bool:
            with suppress(OSError, Error):
                name = _run(asked)
                found.extend(node for node in self.nodes if node.name == name)
            return bool(found)

        until(is_found)
        return found[0]

    def remove(self) -> None:
        atexit.unregister(self.remove)
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder)

    def _answers(self, node: Node) -> bool:
        assert node.process.poll() is None, (node.folder / "log").read_text()[-2000:]

        async def asked() -> bool:
            client = await self._connect(node.port)
            try:
                return bool(await client.jetstream(timeout=2).account_info())
            finally:
                await client.close()

        try:
            return bool(_run(asked))
        except (OSError, Error):
            return False

    async def _connect(self, port: int) -> Client:
        return await nats.connect(
            f"nats://127.0.0.1:{port}",
            user=USER,
            password=PASSWORD,
            error_cb=_ignore,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
        )


async def _ignore(error: Exception) -> None:
    """It is raised too."""


def _run(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop
        return thread.submit(asyncio.run, work()).result()
