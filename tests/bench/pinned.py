"""Processes on cores of their own: what is measured on the first, everything else on the second."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateway import DEFAULTS, Gateway

MEASURED, REST = {0}, {1}
_TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def bare() -> Iterator[int]:
    """The bare server, alone on the measured core; its port."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", sys.executable, "-m", "tests.bench.bare"], stdout=subprocess.PIPE
    )
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def gateway(folder: Path) -> Iterator[Gateway]:
    """A gateway whose intake is alone on the measured core."""
    with Gateway(folder, DEFAULTS) as running:
        for name, pid in running.children().items():
            pin(pid, MEASURED if name.startswith("intake") else REST)
        pin(running.process.pid, REST)
        yield running


def pin(pid: int, cores: set[int]) -> None:
    """Every thread of a process, and those that they will start."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def ceiling(body: bytes, seconds: float = 1.5) -> float:
    """Microseconds that decoding and encoding these bytes takes, in a loop on the measured core."""
    program = (
        "import sys, time, msgspec\n"
        "body, end, n = sys.stdin.buffer.read(), time.perf_counter() + float(sys.argv[1]), 0\n"
        "start = time.perf_counter()\n"
        "while time.perf_counter() < end:\n"
        "    msgspec.json.encode(msgspec.json.decode(body)); n += 1\n"
        "print((time.perf_counter() - start) / n * 1e6)"
    )
    done = subprocess.run(
        ["taskset", "-c", "0", sys.executable, "-c", program, str(seconds)],
        input=body,
        capture_output=True,
        check=True,
    )
    return float(done.stdout)


def wrk(port: int, path: str, body: bytes, connections: int, seconds: int, folder: Path) -> float:
    """Requests a second that one wrk on the other core gets answered with 200."""
    (folder / "body").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        f'local file = io.open("{folder}/body", "rb")\n'
        'wrk.body = file:read("*a")\n'
        "file:close()\n"
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script)]
    done = subprocess.run(
        ["taskset", "-c", "1", *command, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def idle(pids: dict[str, int], seconds: float) -> dict[str, tuple[float, float]]:
    """Share of a core in percent, and resident megabytes, of processes that have nothing to do."""
    before = {name: _cpu(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    return {name: ((_cpu(pid) - before[name]) / seconds * 100, _resident(pid)) for name, pid in pids.items()}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
