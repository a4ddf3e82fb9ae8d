"""Helpers for tests that own the folder of a gateway."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway import sqlite
from gateway.errors import ConfigError
from gateway.home import Home

ROOT = Path(__file__).parents[1]


def start(folder: Path) -> None:
    """Own a folder, and give it up."""
    with Home(folder).own(timeout=0):
        pass


def refused(folder: Path) -> str:
    """Try to own a folder, and return the error."""
    with pytest.raises(ConfigError) as error:
        start(folder)
    [line] = error.value.mistakes
    assert "\n" not in line
    return line.removeprefix("[journal] path: ")


@contextmanager
def rival(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that owns a folder until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.homes", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def no_space() -> Iterator[None]:
    """Keep this process from extending files for the duration of the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@contextmanager
def unprivileged_user() -> Iterator[Path]:
    """Create a folder owned by an unprivileged user, and become that user for the duration of the block."""
    folder = Path(tempfile.mkdtemp())
    try:
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)
    finally:
        shutil.rmtree(folder)


def make_database(path: Path) -> None:
    with closing(sqlite.open_for_writing(path, create=True)) as connection:
        connection.execute("CREATE TABLE words (word TEXT)")


if __name__ == "__main__":
    with Home(Path(sys.argv[1])).own():
        print(flush=True)
        input()
