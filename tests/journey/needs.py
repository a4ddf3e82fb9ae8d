"""What a test needs of its machine: it is skipped without, or fails where everything is said to be there."""

import os
import shutil
from pathlib import Path

import pytest


def need(there: object, what: str) -> None:
    """Skip a test that lacks something; with GATEWAY_CI=1 in the environment, fail it."""
    if there:
        return
    if os.environ.get("GATEWAY_CI") == "1":
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")


def root() -> None:
    need(os.geteuid() == 0, "root")


def program(name: str) -> str:
    """Where it is."""
    path = shutil.which(name)
    need(path, f"the program {name}")
    return path or ""


def client(folder: Path) -> Path:
    """Where a real client is, as tests/clients/install.py names it."""
    need(folder.is_dir(), "real clients: python -m tests.clients.install")
    return folder
