"""The open loop: a load on a fixed schedule, and how long the answers took from when each request was due."""

import subprocess
from pathlib import Path

import msgspec

from tests.bench import request
from tests.bench.events import MARK

COMPILER = "cc"
CONNECTIONS = 64

_SOURCE = Path(__file__).with_name("open_loop.c")


class Latencies(msgspec.Struct, frozen=True):
    """In milliseconds, of the requests that were accepted."""

    due: int
    """Requests."""
    accepted: int
    """Answered with 200, within 10 s of the last request's due time."""
    refused: int
    """Answered otherwise, within the same time."""
    seconds: float
    """Until the last answer."""
    p50: float
    p99: float
    p999: float
    refused_p99: float
    """Of the requests that were refused."""

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200."""
        return self.due - self.accepted


def build(folder: Path) -> Path:
    """Compile the generator into a folder; subprocess.CalledProcessError if that fails."""
    program = folder / "open_loop"
    subprocess.run([COMPILER, "-O2", "-Wall", "-o", program, _SOURCE, "-lm"], check=True)
    return program


def run(
    program: Path,
    port: int,
    path: str,
    body: bytes,
    rate: float,
    seconds: float,
    connections: int = CONNECTIONS,
    *,
    sleeps: bool = True,
) -> Latencies:
    """
    Send a request `rate` times a second; subprocess.CalledProcessError if the server hangs up.

    A generator that never sleeps needs a core of its own.
    """
    file = program.with_name("request")
    request.write(file, path, body)
    arguments = [port, rate, seconds, connections, file, MARK, request.first_number()]
    arguments.append("sleep" if sleeps else "poll")
    done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Latencies)
