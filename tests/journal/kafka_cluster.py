"""A real Kafka cluster of three nodes, from its jars, for tests that stop some of them."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.gateway import free_ports, halt
from tests.journey.needs import need, program
from tests.sinks import kafka_jars

NODES = (1, 2, 3)
PATIENCE = 120.0  # seconds
_SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT",
    "inter.broker.listener.name": "PLAIN",
    "auto.create.topics.enable": "false",
    # A node that does not answer is noticed sooner than with the defaults, of 9 s, 2 s and 30 s.
    "broker.heartbeat.interval.ms": "300",
    "broker.session.timeout.ms": "2000",
    "controller.quorum.fetch.timeout.ms": "1000",
    "controller.quorum.election.timeout.ms": "500",
    "replica.lag.time.max.ms": "2000",
    "offsets.topic.num.partitions": "1",
}
_JAVA = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class KafkaCluster:
    """Nodes on loopback for the duration of the block. Each is a broker and a controller."""

    def __enter__(self) -> Self:
        need(kafka_jars.HOME.is_dir(), "Apache Kafka: python -m tests.sinks.kafka_jars")
        self._java = program("java")
        self.folder = Path(tempfile.mkdtemp(prefix="kafka-cluster-"))
        ports = [port for _ in range(3) for port in free_ports()]
        self._ports = dict(zip(NODES, ports[:3], strict=True))
        controllers = dict(zip(NODES, ports[3:6], strict=True))
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        for node in NODES:
            self._prepare(node, controllers)
            self.start(node)
        try:
            _wait(lambda: len(self._alive()) == len(NODES))
        except AssertionError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    @property
    def servers(self) -> tuple[str, ...]:
        return tuple(f"127.0.0.1:{port}" for port in self._ports.values())

    def start(self, node: int) -> None:
        folder = self.folder / str(node)
        with (folder / "log").open("ab") as log:
            self._processes[node] = subprocess.Popen(
                [self._java, *_JAVA, "-cp", f"{kafka_jars.JARS}/*", "kafka.Kafka", "server.properties"],
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def kill(self, node: int) -> None:
        self._processes[node].kill()
        self._processes[node].wait()

    def stop(self, node: int) -> None:
        """Let it hand over what it leads, and end."""
        self._processes[node].terminate()
        self._processes[node].wait()

    def pause(self, node: int) -> None:
        halt(self._processes[node].pid)

    def resume(self, node: int) -> None:
        os.kill(self._processes[node].pid, signal.SIGCONT)

    def leader(self, topic: str, partition: int) -> int:
        """Return the node that leads a partition, as soon as one does."""
        found = -1

        def is_led() -> bool:
            nonlocal found
            with suppress(KafkaException):
                found = self._admin().list_topics(topic, 1).topics[topic].partitions[partition].leader
            return found >= 0

        _wait(is_led)
        return found

    def await_replicas(self, topic: str) -> None:
        """Wait until all replicas of a topic are in sync."""
        _wait(lambda: self._is_whole(topic))

    def _is_whole(self, topic: str) -> bool:
        with suppress(KafkaException):
            partitions = self._admin().list_topics(topic, 1).topics[topic].partitions.values()
            return bool(partitions) and all(len(each.isrs) == len(NODES) for each in partitions)
        return False

    def _alive(self) -> set[int]:
        """Return the nodes that the others count on."""
        with suppress(KafkaException):
            return set(self._admin().list_topics(timeout=1).brokers)
        return set()

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": ",".join(self.servers), "log_level": 0})

    def _prepare(self, node: int, controllers: dict[int, int]) -> None:
        folder = self.folder / str(node)
        shutil.copytree(kafka_jars.FORMATTED, folder / "data")
        meta = folder / "data/meta.properties"
        named = dict(line.split("=") for line in meta.read_text().splitlines() if "=" in line)
        named["node.id"] = str(node)
        named["directory.id"] = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        _write(meta, named)
        listener = f"PLAIN://127.0.0.1:{self._ports[node]}"
        voters = [f"{each}@127.0.0.1:{port}" for each, port in controllers.items()]
        settings = {
            **_SETTINGS,
            "node.id": str(node),
            "listeners": f"{listener},CONTROLLER://127.0.0.1:{controllers[node]}",
            "advertised.listeners": listener,
            "controller.quorum.voters": ",".join(voters),
            "log.dirs": str(folder / "data"),
        }
        _write(folder / "server.properties", settings)


def _write(file: Path, settings: dict[str, str]) -> None:
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def _wait(condition: Callable[[], bool]) -> None:
    """Wait for nodes, of which each takes some seconds of a core to start."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited for nodes in vain"
