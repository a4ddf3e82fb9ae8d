"""
Faults of a machine: full and failing disks, power failures, file size limits, and a kill at an exact system
call.
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
_NO_LOG_FLUSH = 2  # data in memory is discarded


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system in memory on a new folder for the duration of the block."""
    needs.root()
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


class Ballast:
    """A file of another program on the same disk."""

    def __init__(self, disk: Path, size: int = 0) -> None:
        self.path = disk / "ballast"
        self.path.write_bytes(b"x" * size)

    def fill(self) -> None:
        """Fill the rest of the disk."""
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
    """A separate ext4 file system whose power can be cut."""

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
        """Cut the power: later writes fail, and unsynced data is lost."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def replug(self) -> None:
        """Mount it again, as after a reboot. No process may be using it."""
        _unmount(self.folder)
        self._attach()

    def _attach(self) -> None:
        _mount("-o", "loop", str(self.image), str(self.folder))


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    needs.need(done.returncode == 0, f"the right to mount: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    # A process that has just ended may keep it busy for a moment.
    until(lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0)


class Tampering:
    """strace on a running process and its threads for the duration of the block, with its `options`."""

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
        # strace that is interrupted while its process dies may hang; it ends with the process anyway.
        if alive(self.pid):
            self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=PATIENCE)

    def calls(self) -> list[str]:
        """The trace so far, one line per system call."""
        return self.notes.read_text(errors="replace").splitlines()


class ShortFiles:
    """
    A file size limit on a running process, the size of its log and too small for a journal file, until
    `over` is called. It needs no privileges and takes effect at once.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        _, self.most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (START, self.most))

    def over(self) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (self.most, self.most))


def kill_at(pid: int, call: str, when: int, notes: Path) -> str:
    """
    Kill a process as it enters a system call for the `when`th time, and return that call.

    Another client must keep the process working.
    """
    notes.unlink(missing_ok=True)
    injection = f"inject={call}:signal=SIGKILL:when={when}"
    with Tampering(pid, notes, "-e", f"trace={call}", "-e", injection) as tampering:
        until(lambda: not alive(pid))
    lines = tampering.calls()
    return next(line for line in reversed(lines) if re.match(rf"\d+ +{call}\(", line))


def kill(running: Gateway, victim: str) -> float:
    """Kill a process, and return the seconds until the gateway, with all its processes, is ready again."""
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
    """Wait until a killed child has been replaced and the gateway is ready."""
    until(lambda: running.children().get(victim) not in (None, pid))
    until(lambda: is_ready(running))


def is_ready(running: Gateway) -> bool:
    try:
        inspector = running.request("GET", "/metrics", port=running.inspector_port)
        return running.request("GET", "/readyz").status == inspector.status == 200
    except (OSError, HTTPException):  # answered by the killed process
        return False
