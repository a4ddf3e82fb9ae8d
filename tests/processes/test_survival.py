"""What befalls the supervisor from outside: it goes on, or ends so that its manager starts it again."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build import track
from tests.gateway import PATIENCE, Gateway, until
from tests.processes.test_child import FEW

DEAF = ("sh", "-c", 'exec "$0" "$@" 2> "$LOG"')


def replaced(running: Gateway, victim: str) -> bool:
    """Kill a process, and return once another has its place and events are accepted again."""
    before = running.children()[victim]
    os.kill(before, signal.SIGKILL)
    until(lambda: running.children().get(victim, before) != before)
    return running.post("/v1/track", track()).status == 200


@pytest.fixture
def unheard(gateway: Callable[..., Gateway], tmp_path: Path) -> Gateway:
    """A gateway whose log has lost its reader."""
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    running = gateway(prefix=DEAF, environment={"LOG": str(pipe)})
    os.close(reader)
    return running


def test_without_a_reader_of_its_log_it_starts_processes_again_reloads_and_stops(unheard: Gateway) -> None:
    replaced(unheard, "intake-0")
    unheard.file.write_text(unheard.file.read_text().replace('"dev"', '"dev", "new"'))

    unheard.process.send_signal(signal.SIGHUP)

    until(lambda: unheard.post("/v1/track", track(writeKey="new")).status == 200)
    assert unheard.stop() == 0


def test_with_all_standard_streams_closed_it_does_the_same(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        '[server]\nport = 0\n[inspector]\nport = 0\n[sources.a]\nwrite_keys = ["a"]\n[sinks.b]\nkind = "null"'
    )
    serve = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]

    with subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *serve], cwd=tmp_path) as process:
        until((tmp_path / "data/journal/0").exists)
        process.terminate()
        code = process.wait(PATIENCE)

    assert code == 0


def test_in_a_removed_working_folder_it_starts_processes_again_and_stops(
    gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    running = gateway(prefix=("sh", "-c", f'cd {gone} && exec "$0" "$@"'))
    gone.rmdir()

    assert replaced(running, "intake-0")
    assert running.stop() == 0


def test_a_removed_folder_of_metrics_costs_counts_alone(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    [folder] = metrics_folders(running)
    shutil.rmtree(folder)

    assert replaced(running, "intake-0")
    assert replaced(running, "inspector")
    until(lambda: running.metrics().get("gateway_events_accepted_total", 0) >= 1)
    assert running.stop() == 0
    assert not folder.exists()


def metrics_folders(running: Gateway) -> set[Path]:
    """Return where the processes of the gateway count."""
    mapped = Path(f"/proc/{running.children()['intake-0']}/maps").read_text().splitlines()
    return {Path(line.split()[-1]).parent for line in mapped if "counter_intake-0.db" in line}


@pytest.mark.parametrize("name", ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"])
def test_a_folder_for_the_metrics_of_another_program_is_ignored(
    gateway: Callable[..., Gateway], tmp_path: Path, name: str
) -> None:
    foreign = tmp_path / "foreign"

    running = gateway(environment={name: str(foreign)})

    assert running.post("/v1/track", track()).status == 200
    until(lambda: running.metrics()["gateway_events_accepted_total"] == 1)
    assert not foreign.exists()


IMPATIENT = """
from gateway.processes import supervisor
from gateway.cli.main import main
supervisor.GIVE_UP_SECONDS = 0.5
main()
"""


def test_if_processes_cannot_be_started_for_long_it_ends_and_fails(gateway: Callable[..., Gateway]) -> None:
    running = gateway(program=("-c", IMPATIENT))
    limits = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)

    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (FEW, limits[1]))
    os.kill(running.children()["intake-0"], signal.SIGKILL)

    assert running.process.wait(PATIENCE) == 1
    assert "processes cannot be started, the gateway ends" in running.logged()


def test_a_reload_that_is_asked_for_during_the_start_does_not_end_it(tmp_path: Path) -> None:
    with Gateway(
        tmp_path,
        prefix=("sh", "-c", 'trap "" HUP; (while kill -HUP $$; do sleep 0.01; done) & exec "$0" "$@"'),
    ) as running:
        assert running.post("/v1/track", track()).status == 200
