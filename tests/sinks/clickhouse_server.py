"""A ClickHouse server for the tests of this process: its engine in a process of its own."""

import atexit
import shutil
import socket
import subprocess
import sys
import tempfile
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec

from gateway.config.secret import Secret
from gateway.sinks.clickhouse import ClickHouse
from tests.gateway import PATIENCE, free_ports, until

DATABASE = "tests"
USER, PASSWORD = "tests", "pässword-of-the-test"


def login(user: str, password: str) -> str:
    """Return the header by which a user logs in."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class ClickHouseServer:
    """It can be stopped and started again, and keeps its data."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clickhouse-"))
        self.port = free_ports()[0]
        self.start()
        atexit.register(self.remove)
        self.run(f"CREATE DATABASE {DATABASE}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.sinks.clickhouse_engine", str(self.folder), str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=log, stderr=log)
        until(self._answers)

    def stop(self) -> None:
        """End it at once, as in a crash."""
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        atexit.unregister(self.remove)
        self.stop()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    def run(self, statement: str) -> list[dict[str, Any]]:
        """Run a statement, and return the rows of a query."""
        is_query = statement.startswith("SELECT")
        body = f"{statement} FORMAT JSONEachRow" if is_query else statement
        query = urlencode({"output_format_json_quote_64bit_integers": "0"}) if is_query else ""
        request = Request(f"{self.url}/?{query}", body.encode(), {"Authorization": login(USER, PASSWORD)})
        with urlopen(request, timeout=PATIENCE) as answer:
            return msgspec.json.Decoder(dict[str, Any]).decode_lines(answer.read())

    def sink(self, table: str, **keys: Any) -> ClickHouse:
        """Return a sink that inserts into a table of the server."""
        given = {"url": self.url, "database": DATABASE, "user": USER, "password": Secret(PASSWORD), **keys}
        return ClickHouse(table=table, **given)


@cache
def clickhouse_server() -> ClickHouseServer:
    """Return the server that the tests of this process share; it is started for the first of them."""
    return ClickHouseServer()
