"""A real Kafka server of one node, from its jars, for the tests of this process."""

import atexit
import hashlib
import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from confluent_kafka.cimpl import NewTopic

from tests.gateway import PATIENCE, free_ports, until
from tests.journey.needs import need, program
from tests.sinks import kafka_jars
from tests.sinks.kafka_gate import KafkaGate

USER, PASSWORD = "tests", "s3cr3t-of-the-test"

_LISTENERS = ("CONTROLLER", "PLAIN", "GATED", "SASL", "TLS", "SCRAM")
_SETTINGS = {
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,GATED:PLAINTEXT,"
    "SASL:SASL_PLAINTEXT,TLS:SSL,SCRAM:SASL_SSL",
    "inter.broker.listener.name": "PLAIN",
    "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl.plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule"
    f' required user_{USER}="{PASSWORD}";',
    "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.scram.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram"
    ".ScramLoginModule required;",
    "ssl.keystore.type": "PEM",
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "300",
    "broker.session.timeout.ms": "2000",  # a server that was killed registers again only after it
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}
_JAVA = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class KafkaServer:
    """
    A broker on loopback, with a listener for each kind of security and one behind a gate.

    It can be killed and started again, with its data.
    """

    def __init__(self) -> None:
        need(kafka_jars.HOME.is_dir(), "Apache Kafka: python -m tests.sinks.kafka_jars")
        self._java = program("java")
        self.folder = Path(tempfile.mkdtemp(prefix="kafka-"))
        shutil.copytree(kafka_jars.FORMATTED, self.folder / "data")
        ports = [port for _ in range(3) for port in free_ports()][: len(_LISTENERS)]
        self._ports = dict(zip(_LISTENERS, ports, strict=True))
        self.gate = KafkaGate(self._ports["GATED"])
        self.certificate = self.folder / "certificate.pem"
        """For 127.0.0.1, signed by itself."""
        self._write_certificate()
        self._write_properties()
        self.start()
        atexit.register(self.remove)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._ports['PLAIN']}"

    @property
    def gated(self) -> str:
        return f"127.0.0.1:{self.gate.port}"

    @property
    def with_password(self) -> str:
        return f"127.0.0.1:{self._ports['SASL']}"

    @property
    def with_tls(self) -> str:
        return f"127.0.0.1:{self._ports['TLS']}"

    @property
    def with_both(self) -> str:
        """Of the listener with TLS and SCRAM-SHA-512, once `add_user` was called."""
        return f"127.0.0.1:{self._ports['SCRAM']}"

    def add_user(self) -> None:
        """Let USER in by SCRAM-SHA-512 too."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        admin.alter_user_scram_credentials([user])[USER].result(PATIENCE)

    def start(self) -> None:
        """Return once it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._java, *_JAVA, "-cp", f"{kafka_jars.JARS}/*", "kafka.Kafka", "server.properties"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        until(self._answers)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def crash(self) -> None:
        """Kill it, and start it again."""
        self.kill()
        self.start()

    def remove(self) -> None:
        self.kill()
        self.gate.close()
        shutil.rmtree(self.folder)

    def make_topic(self, folder: Path, partitions: int = 1, suffix: str = "", **config: str) -> str:
        """Create a topic that is named after the folder of a test, and return its name."""
        name = f"t-{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}{suffix}"
        names = {key.replace("_", "."): value for key, value in config.items()}
        topic = NewTopic(name, partitions, 1, config=names)
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        admin.create_topics([topic])[name].result(PATIENCE)
        until(lambda: len(admin.list_topics(name, PATIENCE).topics[name].partitions) == partitions)
        return name

    def read(self, topic: str, **settings: Any) -> list[Message]:
        """Return the messages of a topic that a consumer of committed ones sees, by partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "tests",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "log_level": 0,
                **settings,
            }
        )
        try:
            partitions = consumer.list_topics(topic, PATIENCE).topics[topic].partitions
            found = []
            for number in sorted(partitions):
                consumer.assign([TopicPartition(topic, number, 0)])
                while message := consumer.poll(PATIENCE):
                    if message.error():
                        break
                    found.append(message)
            return found
        finally:
            consumer.close()

    def ids(self, topic: str) -> list[str]:
        """Return the messageIds of the events in a topic."""
        return [json.loads(message.value() or b"")["messageId"] for message in self.read(topic)]

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()[-4000:]
        try:
            return bool(Producer({"bootstrap.servers": self.address, "log_level": 0}).list_topics(None, 0.2))
        except KafkaException:
            return False

    def _write_certificate(self) -> None:
        key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem")
        names = ("-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1")
        command = [program("openssl"), "req", "-x509", *key, *names, "-out", "certificate.pem"]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True)
        both = (self.folder / "key.pem").read_text() + self.certificate.read_text()
        (self.folder / "both.pem").write_text(both)

    def _write_properties(self) -> None:
        places = {name: f"{name}://127.0.0.1:{port}" for name, port in self._ports.items()}
        advertised = {**places, "GATED": f"GATED://127.0.0.1:{self.gate.port}"}
        settings = {
            **_SETTINGS,
            "listeners": ",".join(places.values()),
            "advertised.listeners": ",".join(list(advertised.values())[1:]),
            "controller.quorum.voters": f"1@127.0.0.1:{self._ports['CONTROLLER']}",
            "log.dirs": str(self.folder / "data"),
            "ssl.keystore.location": str(self.folder / "both.pem"),
        }
        lines = [kafka_jars.NODE, *(f"{name}={value}\n" for name, value in settings.items())]
        (self.folder / "server.properties").write_text("".join(lines))


@cache
def kafka_server() -> KafkaServer:
    """Return the server that the tests of this process share; it is started for the first of them."""
    return KafkaServer()
