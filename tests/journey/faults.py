"""
Faults as a machine has them: full disks, failing ones, power cuts, files that cannot grow, and a kill at an
exact system call.
"""

import fcntl
import os
import re
import resource
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Self

from gateway.journal.segments.files import START
from tests.gateway import PATIENCE, Gateway, alive, until
from tests.journey import needs

MEGABYTE = 1024 * 1024

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
_NO_LOG_FLUSH = 2  # and nothing that is still in memory reaches the disk


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory, mounted on a new folder."""
    needs.root()
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


class Ballast:
    """A file that somebody else has on the same disk."""

    def __init__(self, disk: Path, size: int = 0) -> None:
        self.path = disk / "ballast"
        self.path.write_bytes(b"x" * size)

    def fill(self) -> None:
        """Let it take all the room there is left."""
        with self.path.open("ab", buffering=0) as file:
            for block in (MEGABYTE, 4096, 1):
                try:
                    while file.write(b"x" * block):
                        pass
                except OSError:
                    pass

    def remove(self) -> None:
        self.path.unlink()


class Disk:
    """An ext4 file system of its own, whose power can be cut."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "disk.img"
        self.folder = folder / "disk"

    def __enter__(self) -> Self:
        needs.root()
        for name in ("mkfs.ext4", "losetup"):
            needs.program(name)
        self.folder.mkdir()
        with self.image.open("wb") as image:
            image.truncate(256 * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], check=True)
        self._attach()
        return self

    def __exit__(self, *error: object) -> None:
        _unmount(self.folder)

    def cut(self) -> None:
        """From now on nothing is written any more, and what was not synced is gone."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def replug(self) -> None:
        """As after the reboot; nobody may use it any more."""
        _unmount(self.folder)
        self._attach()

    def _attach(self) -> None:
        _mount("-o", "loop", str(self.image), str(self.folder))


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    needs.need(done.returncode == 0, f"the right to mount: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    # A process that has just ended may hold it for another moment.
    until(lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0)


class Tampering:
    """strace on a running process and its threads, for as long as the block lasts; `options` are its own."""

    def __init__(self, pid: int, notes: Path, *options: str) -> None:
        self.pid = pid
        self.notes = notes
        self.command = ["strace", "-f", "-y", "-p", str(pid), "-o", str(notes), *options]

    def __enter__(self) -> Self:
        needs.program("strace")
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        said = self.process.stderr.readline()
        if " attached" not in said:
            self.process.wait()
        needs.need(" attached" in said, f"the right to trace processes: {said.strip()}")
        return self

    def __exit__(self, *error: object) -> None:
        # strace that is told to stop while a process dies can wait for it for ever; it ends with it anyway.
        if alive(self.pid):
            self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=PATIENCE)

    def calls(self) -> list[str]:
        """What was seen so far, a line a system call."""
        return self.notes.read_text(errors="replace").splitlines()


class ShortFiles:
    """
    A running process that can write no file longer than its log is, too short for any of the journal's,
    until it is `over`. It needs no rights, and takes effect at once.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        _, self.most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (START, self.most))

    def over(self) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (self.most, self.most))


def kill_at(pid: int, call: str, when: int, notes: Path) -> str:
    """
    Let a process be killed as it begins a system call for the `when`th time, and return that call.

    Somebody else must give it work to do.
    """
    notes.unlink(missing_ok=True)
    injection = f"inject={call}:signal=SIGKILL:when={when}"
    with Tampering(pid, notes, "-e", f"trace={call}", "-e", injection) as tampering:
        until(lambda: not alive(pid))
    lines = tampering.calls()
    return next(line for line in reversed(lines) if re.match(rf"\d+ +{call}\(", line))


def kill(running: Gateway, victim: str) -> float:
    """Kill a process without warning; the seconds until the gateway is ready again, and all of it."""
    started = time.monotonic()
    if victim == "supervisor":
        running.crash()
        running.start()
        until(lambda: is_ready(running))
    else:
        pid = running.children()[victim]
        os.kill(pid, signal.SIGKILL)
        await_successor(running, victim, pid)
    return time.monotonic() - started


def await_successor(running: Gateway, victim: str, pid: int) -> None:
    """Return when a child that was killed has another in its place, and all of the gateway is ready."""
    until(lambda: running.children().get(victim) not in (None, pid))
    until(lambda: is_ready(running))


def is_ready(running: Gateway) -> bool:
    try:
        inspector = running.request("GET", "/metrics", port=running.inspector_port)
        return running.request("GET", "/readyz").status == inspector.status == 200
    except (OSError, HTTPException):  # it reached the process that was killed
        return False
