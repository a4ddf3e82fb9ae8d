"""Metrics of the gateway's processes from the operating system, and of the build that they run."""

import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import apsw
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

_PROC = Path("/proc")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = resource.getpagesize()
_CHILD = "gw-"  # how the names of the supervisor's children begin (processes/control.py)


class Usage(NamedTuple):
    """What a process uses."""

    cpu_seconds: float
    started_ticks: int
    """Seconds since the machine was booted."""
    memory_bytes: int
    descriptors: int


class Processes(Collector):
    """
    Collects the metrics of a supervisor and its children at each scrape.

    `supervisor` returns the supervisor's process id: for a process of the gateway, its parent's.
    """

    def __init__(self, supervisor: Callable[[], int] = os.getppid) -> None:
        self._supervisor = supervisor
        # Only once, or start times would shift with each scrape. /proc/stat may be hidden from a service.
        self._booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

    def collect(self) -> Iterator[Metric]:
        build = {
            "version": version("event-gateway"),
            "python": platform.python_version(),
            "sqlite": apsw.sqlite_lib_version(),
        }
        info = GaugeMetricFamily("gateway_build_info", "Always 1; the labels say what runs", labels=[*build])
        info.add_metric([*build.values()], 1)
        cpu = CounterMetricFamily(
            "gateway_process_cpu_seconds", "Processor time of the process", labels=["process"]
        )
        memory = GaugeMetricFamily(
            "gateway_process_resident_memory_bytes", "Resident memory of the process", labels=["process"]
        )
        descriptors = GaugeMetricFamily(
            "gateway_process_open_fds", "Open file descriptors of the process", labels=["process"]
        )
        started = GaugeMetricFamily(
            "gateway_process_start_time_seconds",
            "Start of the process, in seconds since 1970",
            labels=["process"],
        )
        for name, pid in self._find():
            try:
                usage = _usage(_PROC / str(pid))
            except (OSError, ValueError, IndexError):  # it has ended
                continue
            cpu.add_metric([name], usage.cpu_seconds)
            memory.add_metric([name], usage.memory_bytes)
            descriptors.add_metric([name], usage.descriptors)
            started.add_metric([name], self._booted_at + usage.started_ticks / _TICKS_A_SECOND)
        yield from (info, cpu, memory, descriptors, started)

    def _find(self) -> Iterator[tuple[str, int]]:
        """Yield the name and id of each process."""
        pid = self._supervisor()
        yield "supervisor", pid
        try:
            children = (_PROC / f"{pid}/task/{pid}/children").read_text().split()
        except OSError:  # a kernel without this file
            return
        for child in children:
            try:
                name = (_PROC / child / "comm").read_text().strip()
            except OSError:  # it has ended
                continue
            if name.startswith(_CHILD):
                yield name.removeprefix(_CHILD), int(child)


def _usage(process: Path) -> Usage:
    # proc_pid_stat(5); the name in brackets, the second field, may hold anything.
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return Usage(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND,
        started_ticks=int(fields[19]),
        memory_bytes=int(fields[21]) * _PAGE_BYTES,
        descriptors=len(os.listdir(process / "fd")),  # noqa: PTH208  # names alone are enough
    )
