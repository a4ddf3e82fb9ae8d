"""A real PostgreSQL server, of Debian's package, for the tests of this process."""

import asyncio
import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg

from tests.gateway import free_ports, until
from tests.journey.needs import need, program

PASSWORD = "s3cr3t-of-the-test"

_BINARIES = Path("/usr/lib/postgresql")  # of Debian
_SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "lc_messages": "C",
    "ssl": "on",
    "ssl_cert_file": "../certificate",
    "ssl_key_file": "../key",
}


class PostgresServer:
    """
    A server with a database and a superuser of the same name.

    It does not run as root, and asks for a password. It can be stopped, started and killed.
    """

    def __init__(self, **settings: str) -> None:
        """`settings` are written instead of those for tests, which do not survive a power cut."""
        self._settings = {**_SETTINGS, **settings}
        need(_BINARIES.exists(), "PostgreSQL")
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_ports()[0]
        self._data = self.folder / "data"
        self._binaries = max(_BINARIES.iterdir(), key=lambda path: int(path.name)) / "bin"
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, "postgres")
            shutil.chown(password, "postgres")
        options = ("--auth=scram-sha-256", "--username=tests", f"--pwfile={password}", "--encoding=UTF8")
        self._run("initdb", *options, "--no-sync")
        self.certificate = self.folder / "certificate"
        """For 127.0.0.1, signed by itself."""
        key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "key")
        names = ("-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1")
        command = [program("openssl"), "req", "-x509", *key, *names, "-out", "certificate"]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True, user=self._user)
        self.start()
        atexit.register(self.remove)
        self.run("CREATE DATABASE tests TEMPLATE template0", database="postgres")

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), "-D", str(self._data), *arguments]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True, user=self._user)

    def start(self) -> None:
        settings = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [str(self._binaries / "postgres"), "-D", str(self._data), *settings],
            cwd=self.folder,
            stdout=self.log,
            stderr=self.log,
            user=self._user,
        )
        until(self.answers)

    @property
    def settings(self) -> dict[str, str]:
        return {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.folder)}

    def answers(self) -> bool:
        try:
            self.run("SELECT 1", database="postgres")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def stop(self) -> None:
        """End it at once, as in a crash: every connection is cut."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        self.log.close()

    @contextmanager
    def holding(self, lock: str) -> Iterator[None]:
        """Hold a lock, which a statement acquires, for the duration of the block."""
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self.dsn(), ssl=False))
            runner.run(connection.execute("BEGIN"))
            runner.run(connection.execute(lock))
            try:
                yield
            finally:
                runner.run(connection.close())

    def signal_sessions(self, application: str, number: int) -> list[int]:
        """Send a signal to the server's processes of an application, and return their ids."""
        query = f"SELECT pid FROM pg_stat_activity WHERE application_name = '{application}'"
        found = [row["pid"] for row in self.run(query)]
        for pid in found:
            os.kill(pid, number)
        return found

    def processes(self) -> list[int]:
        """Return the ids of its processes, the first one first."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def remove(self) -> None:
        atexit.unregister(self.remove)
        self.stop()
        shutil.rmtree(self.folder)

    def dsn(
        self, *, user: str = "tests", password: str = PASSWORD, database: str = "tests", port: int = 0
    ) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def run(self, *statements: str, database: str = "tests") -> list[dict[str, Any]]:
        """Run statements as the superuser, each in a transaction of its own; return the rows of the last."""

        async def run_all() -> list[dict[str, Any]]:
            connection = await asyncpg.connect(self.dsn(database=database), ssl=False)
            try:
                for statement in statements[:-1]:
                    await connection.execute(statement)
                return [dict(record) for record in await connection.fetch(statements[-1])]
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop
            return thread.submit(asyncio.run, run_all()).result()


@cache
def postgres_server() -> PostgresServer:
    """Return the server that the tests of this process share; it is started for the first of them."""
    return PostgresServer()
