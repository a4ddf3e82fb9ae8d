"""A real gateway in processes of its own, started as a user would, for tests that look at it from outside."""

import http.client
import json
import os
import random
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

DEFAULTS = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""
"""A configuration for tests that need none of their own."""

PATIENCE = 60.0  # seconds after which a test gives up; nothing is ever expected to take as long


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """With lower-case names."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """
    `gateway serve` in `folder`, with the given configuration.

    `prefix` is put before the command; `program` is what Python runs, where it is not the gateway itself.
    """

    def __init__(
        self,
        folder: Path,
        config: str = "",
        *,
        prefix: tuple[str, ...] = (),
        program: tuple[str, ...] = ("-m", "gateway"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.file = folder / "gateway.toml"
        self.file.write_text(config or DEFAULTS)
        self.prefix = prefix
        self.program = program
        self.environment = {**os.environ, **(environment or {})}
        self.port = self.inspector_port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """
        Return once the gateway has announced itself.

        When it has ended, it may be started again; it is where it was if the configuration names its ports.
        """
        self.log = (self.folder / "gateway.log").open("ab")
        self.process = subprocess.Popen(
            [*self.prefix, sys.executable, *self.program, "serve", "--config", str(self.file)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert self.process.stdout
        announced = self.process.stdout.readline().decode() if speaks(self.process.stdout) else ""
        found = re.search(r"http://\S+?:(\d+), its inspector on http://\S+?:(\d+)/", announced)
        if not found:
            self.crash()
        assert found, f"{announced!r} {self.logged()}"
        self.port, self.inspector_port = int(found[1]), int(found[2])

    def logged(self) -> str:
        """What it has written on standard error so far."""
        return (self.folder / "gateway.log").read_text()

    def stop(self) -> int:
        """End it as an operator would, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self._close()
        return code

    def kill(self) -> None:
        """End it without warning, and return when its children, and theirs, have followed."""
        family = [*_descendants(self.process.pid)]
        self.crash()
        until(lambda: not any(map(alive, family)))

    def crash(self) -> None:
        """End it without warning; its children are about to follow."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout:
            self.process.stdout.close()
        self.log.close()

    def children(self) -> dict[str, int]:
        """The process numbers of its children by name: "intake-0", "delivery-0", "inspector"."""
        names = {_read(f"/proc/{pid}/comm").strip(): pid for pid in _children(self.process.pid)}
        return {name.removeprefix("gw-"): pid for name, pid in names.items() if name.startswith("gw-")}

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON with the key `dev`; a header's name has "_" for "-"."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, text, {"X-Write-Key": "dev", **named})

    def metrics(self) -> dict[str, float]:
        """All samples of /metrics, by name and labels as they are printed."""
        text = self.request("GET", "/metrics", port=self.inspector_port).body.decode()
        samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def events(self, file: str = "data/events.jsonl") -> list[dict[str, Any]]:
        """What a json_lines sink has written so far; a line that is still being written does not count."""
        path = self.folder / file
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def drained(self) -> list[dict[str, Any]]:
        """The same, once there is nothing more to come."""
        until(lambda: self.pending() == 0)
        return self.events()

    def pending(self, sink: str = "events") -> float:
        """Return how many events a sink has yet to get; -1 while that is not known."""
        return self.metrics().get(f'gateway_sink_pending_events{{sink="{sink}"}}', -1)

    def delivered(self, count: int, file: str = "data/events.jsonl") -> list[dict[str, Any]]:
        """The same, once there are as many."""
        until(lambda: len(self.events(file)) >= count)
        return self.events(file)


def _children(pid: int) -> list[int]:
    """The children of a process, whichever of its threads has started them."""
    found = (_read(str(path)) for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for children in found for child in children.split()]


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def alive(pid: int) -> bool:
    """Whether there is such a process, and not only what its parent has yet to hear of it."""
    return _state(f"/proc/{pid}/stat") not in "ZX"


def halt(pid: int) -> None:
    """Stop a process as SIGSTOP does, and return once all of its threads stand still, or have ended."""
    os.kill(pid, signal.SIGSTOP)
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    until(lambda: all(_state(f"{thread}/stat") in "TZX" for thread in threads))


def _state(path: str) -> str:
    """The state of a process or thread, in a letter; nothing if it is gone."""
    return _read(path).rpartition(")")[2][1:2]


def _read(path: str) -> str:
    """What the system says of a process; nothing if it has just ended."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def free_ports() -> tuple[int, int]:
    """
    Two ports to write into a configuration, for a gateway that is to be found where it was.

    They are none of those that the system gives to clients: one that tries to connect again and again
    would end up connected to itself. None is given twice, by whatever process of pytest-xdist.
    """
    return _free_port(), _free_port()


_given: set[int] = set()


def _free_port() -> int:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + 2_500 * (worker % 8)
    while True:
        port = random.randrange(first, first + 2_500)
        with socket.socket() as listener, suppress(OSError):
            if port not in _given:
                listener.bind(("127.0.0.1", port))
                _given.add(port)
                return port


def speaks(source: int | IO[bytes]) -> bool:
    """Whether a file has something to read, or has ended, before the patience does."""
    with selectors.DefaultSelector() as selector:  # unlike select(), it takes any number of open files
        selector.register(source, selectors.EVENT_READ)
        return bool(selector.select(PATIENCE))


def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds, and fail the test if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited for in vain"
        time.sleep(0.01)
