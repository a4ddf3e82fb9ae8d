"""Requirements of tests: a test without them is skipped, or fails in CI."""

import os
import shutil
from pathlib import Path

import pytest


def need(there: object, what: str) -> None:
    """Skip a test that lacks a requirement; with GATEWAY_CI=1 in the environment, fail it."""
    if there:
        return
    if os.environ.get("GATEWAY_CI") == "1":
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")


def root() -> None:
    need(os.geteuid() == 0, "root")


def program(name: str) -> str:
    """Return the path of a program."""
    path = shutil.which(name)
    need(path, f"the program {name}")
    return path or ""


def client(folder: Path) -> Path:
    """Return the path of a real client, by its name in tests/clients/install.py."""
    need(folder.is_dir(), "real clients: python -m tests.clients.install")
    return folder
