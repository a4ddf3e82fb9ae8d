"""A child process that cannot be started now is started later, and costs its supervisor nothing."""

import errno
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import chdir, suppress
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.processes.child import Child
from tests.build import track
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


@pytest.mark.parametrize(("name", "shared"), [("intake-0", 1), ("inspector", 1), ("delivery-0", 0)])
def test_a_child_holds_nothing_of_its_supervisor_but_its_own_listener(
    gateway: Callable[..., Gateway], name: str, shared: int
) -> None:
    running = gateway()

    held = open_files(running.children()[name])

    assert str(running.folder / "data/journal/LOCK") not in held
    assert (
        len({file for file in held & open_files(running.process.pid) if file.startswith("socket:")}) == shared
    )


def open_files(pid: int) -> set[str]:
    """Return what the descriptors of a process lead to."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(descriptor.readlink()))
    return found


def test_a_signal_to_a_child_is_none_to_its_supervisor(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    before = running.children()

    for name in ("inspector", "delivery-0", "intake-0"):
        os.kill(before[name], signal.SIGTERM)

    until(
        lambda: (
            len(running.children().keys()) == len(before)
            and not {*before.values()} & {*running.children().values()}
        )
    )
    assert running.post("/v1/track", track()).status == 200
    assert running.stop() == 0
