"""Processes on cores of their own: what is measured on the first, everything else on the others."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.gateway import Gateway

ALL = os.sched_getaffinity(0)
MEASURED = {min(ALL)}
REST = ALL - MEASURED or MEASURED


class Server(NamedTuple):
    """What requests are sent to."""

    port: int
    pid: int
    """Of the process that answers."""


def run_on(cores: set[int]) -> tuple[str, ...]:
    """What to put before a command so that it runs on these cores."""
    return ("taskset", "-c", ",".join(map(str, sorted(cores))))


@contextmanager
def bare(cores: set[int] = MEASURED) -> Iterator[Server]:
    """The bare server, alone on the measured core or on others."""
    process = subprocess.Popen(
        [*run_on(cores), sys.executable, "-m", "tests.bench.bare"], stdout=subprocess.PIPE
    )
    assert process.stdout
    try:
        yield Server(int(process.stdout.readline()), process.pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def gateway(folder: Path, config: str) -> Iterator[Gateway]:
    """A gateway whose intake is alone on the measured core."""
    folder.mkdir(exist_ok=True)
    with Gateway(folder, config) as running:
        place(running)
        yield running


def place(running: Gateway) -> None:
    """Move the intake of a gateway to the measured core, and its other processes to the rest."""
    for name, pid in running.children().items():
        pin(pid, MEASURED if name.startswith("intake") else REST)
    pin(running.process.pid, REST)


def intake(running: Gateway) -> Server:
    return Server(running.port, running.children()["intake-0"])


@contextmanager
def alone(running: Gateway) -> Iterator[Server]:
    """The intake of a gateway, whose other processes stand still meanwhile."""
    its = intake(running)
    others = [pid for pid in running.children().values() if pid != its.pid]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield its
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def pin(pid: int, cores: set[int]) -> None:
    """Every thread of a process, and those that they will start."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def measured() -> Iterator[None]:
    """This thread, and those that it starts meanwhile, on the measured core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, MEASURED)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
