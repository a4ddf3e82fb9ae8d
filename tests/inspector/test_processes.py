"""The metrics of processes and build."""

import os
import subprocess
from pathlib import Path

from gateway.inspector.processes import Processes
from tests.gateway import Gateway


def samples(supervisor: int) -> dict[str, float]:
    """Return the samples of a supervisor and its children, by name and process."""
    return {
        ":".join([sample.name, *filter(None, [sample.labels.get("process")])]): sample.value
        for metric in Processes(lambda: supervisor).collect()
        for sample in metric.samples
    }


def test_a_process_is_shown_with_what_it_uses() -> None:
    found = samples(os.getpid())

    assert found["gateway_process_cpu_seconds_total:supervisor"] > 0
    assert found["gateway_process_resident_memory_bytes:supervisor"] > 10_000_000
    assert found["gateway_process_open_fds:supervisor"] >= 3
    started = float(Path("/proc/self").stat().st_ctime)
    assert abs(found["gateway_process_start_time_seconds:supervisor"] - started) < 3600


def test_the_build_says_what_runs() -> None:
    [info] = [metric for metric in Processes().collect() if metric.name == "gateway_build_info"]

    [sample] = info.samples
    assert sample.value == 1
    assert sample.labels.keys() == {"version", "python", "sqlite"}
    assert all(sample.labels.values())


def test_a_supervisor_that_has_ended_is_not_shown() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()

    assert [name for name in samples(process.pid) if "process_" in name] == []


def test_all_processes_of_a_gateway_are_shown_and_those_of_others_are_not(tmp_path: Path) -> None:
    with Gateway(tmp_path) as running:
        own = samples(running.process.pid)
        scraped = running.metrics()
        children = running.children()

    shown = {name.rpartition(":")[2] for name in own if "_open_fds:" in name}
    assert shown == {"supervisor", *children}
    assert {name for name in scraped if name.startswith("gateway_process_open_fds{")} == {
        f'gateway_process_open_fds{{process="{each}"}}' for each in shown
    }
