"""A real NATS server, from its wheel, for the tests of this process."""

import asyncio
import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import nats
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tests.gateway import PATIENCE, free_ports, until
from tests.journey.needs import program
from tests.sinks.gate import Gate

USER, PASSWORD = "tests", "s3cr3t-of-the-test"
READER, READER_PASSWORD = "reader", "reader-secret"


class NatsServer:
    """A server with JetStream that asks for a password. It can be killed and started again."""

    def __init__(self, *, tls: bool = False, sync: str = "2m") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nats-"))
        self.port, self.monitor_port = free_ports()
        self.gate = Gate(self.port)
        self._tls = tls
        self._sync = sync
        self.certificate = self.folder / "certificate.pem"
        """For 127.0.0.1, signed by itself."""
        if tls:
            self._write_certificate()
        self._write_configuration()
        self.start()
        atexit.register(self.remove)

    @property
    def address(self) -> str:
        return f"{'tls' if self._tls else 'nats'}://127.0.0.1:{self.port}"

    @property
    def monitor(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    @property
    def gated(self) -> str:
        return f"nats://127.0.0.1:{self.gate.port}"

    def start(self) -> None:
        """Return once it answers."""
        path = shutil.which("nats-server") or str(Path(sys.executable).with_name("nats-server"))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([path, "-c", self.folder / "nats.conf"], stdout=log, stderr=log)
        until(self._answers)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        atexit.unregister(self.remove)
        self.kill()
        self.gate.close()
        shutil.rmtree(self.folder)

    def run(self, work: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
        """Do some work with the streams, and return its result."""

        async def connected() -> Any:
            client = await nats.connect(
                f"nats://127.0.0.1:{self.port}",
                user=USER,
                password=PASSWORD,
                error_cb=_ignore,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
            )
            try:
                return await work(client.jetstream(timeout=PATIENCE))
            finally:
                await client.close()

        with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop
            return thread.submit(asyncio.run, connected()).result()

    def messages(self, stream: str) -> list[Msg]:
        """Return the messages of a stream, in order."""

        async def read(streams: JetStreamContext) -> list[Msg]:
            try:
                count = (await streams.stream_info(stream)).state.messages
            except NotFoundError:
                return []
            found: list[Msg] = []
            if count:
                subscription = await streams.subscribe("", stream=stream, ordered_consumer=True)
                while len(found) < count:
                    found.append(await subscription.next_msg(PATIENCE))
            return found

        messages: list[Msg] = self.run(read)
        return messages

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        if self._tls:
            return "Server is ready" in (self.folder / "log").read_text()
        try:
            return bool(self.run(lambda streams: streams.account_info()))
        except (OSError, Error):
            return False

    def _write_configuration(self) -> None:
        tls = f'tls {{cert_file: "{self.certificate}", key_file: "{self.folder}/key.pem"}}'
        (self.folder / "nats.conf").write_text(
            f"""
            listen: "127.0.0.1:{self.port}"
            jetstream {{store_dir: "{self.folder}", sync_interval: "{self._sync}"}}
            http: "127.0.0.1:{self.monitor_port}"
            authorization {{users: [
              {{user: {USER}, password: "{PASSWORD}"}}
              {{user: {READER}, password: "{READER_PASSWORD}", permissions: {{publish: "$JS.API.>"}}}}
            ]}}
            {tls if self._tls else ""}
            """
        )

    def _write_certificate(self) -> None:
        key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem")
        names = ("-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1")
        command = [program("openssl"), "req", "-x509", *key, *names, "-out", "certificate.pem"]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True)


async def _ignore(error: Exception) -> None:
    """It is raised too."""


@cache
def nats_server() -> NatsServer:
    """Return the server that the tests of this process share; it is started for the first of them."""
    return NatsServer()
