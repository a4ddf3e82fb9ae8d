"""A child process that cannot be started now is started later, and costs its supervisor nothing."""

import errno
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

from gateway.errors import ConfigError
from gateway.processes.child import Child
from tests.gateway import Gateway, until

FEW = 8  # descriptors: enough to wait for all processes, and fewer than are in use already


def test_one_that_cannot_be_started_is_due_again_later() -> None:
    def impossible() -> tuple[()]:
        raise OSError(errno.EMFILE, "Too many open files")

    child = Child("any", print, impossible)
    before = time.monotonic()

    child.start()

    assert not child.running
    assert child.due > before
    assert child.failing_since


def test_data_that_is_unusable_is_no_fault_of_the_system() -> None:
    def unusable() -> tuple[()]:
        raise ConfigError("[journal] path: state.db is a folder")

    child = Child("any", print, unusable)

    child.start()

    assert (child.running, child.failing_since) == (False, None)


def test_one_is_started_although_the_working_folder_was_removed(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    child = Child("any", print, tuple)

    with chdir(gone):
        gone.rmdir()
        child.start()

    assert child.running
    child.kill()


def test_the_gateway_goes_on_while_it_cannot_start_a_process(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    supervisor, victim = running.process.pid, running.children()["intake-0"]
    limits = resource.prlimit(supervisor, resource.RLIMIT_NOFILE)

    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (FEW, limits[1]))
    os.kill(victim, signal.SIGKILL)
    until(lambda: "process not started" in running.logged())
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, limits)
    until(lambda: "process started" in running.logged())

    until(lambda: running.children().get("intake-0") not in (None, victim))
    told = [json.loads(line) for line in running.logged().splitlines()]
    [trouble] = [line for line in told if line["event"].startswith("process not started")]
    assert (trouble["process"], trouble["error"]) == ("intake-0", "[Errno 24] Too many open files")
    assert running.stop() == 0
