"""
Puts the real clients of the tests where the tests find them: `python -m tests.clients.install`.

They are other people's code, so they live outside the tree. Each folder is named after what is in it, so
that another version is installed anew, and gets its name only once it is complete.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "event-gateway/clients"
LOCK = Path(__file__).with_name("package-lock.json")
NODE = CACHE / f"node-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
"""Has `node_modules` in it, for `NODE_PATH`."""
PYTHON = ("segment-analytics-python==2.3.5", "segment-analytics-python==2.2.3", "rudder-sdk-python==2.1.9")
"""The others, of which each needs a `PYTHONPATH` of its own."""


def python(requirement: str) -> Path:
    """Where a client from PyPI is, for this version of Python."""
    return CACHE / f"python{sys.version_info[0]}.{sys.version_info[1]}-{requirement.replace('==', '-')}"


def main() -> None:
    """Install what is missing, or fail."""
    for requirement in PYTHON:
        complete(python(requirement), partial(_pip, requirement))
    complete(NODE, _npm)


def complete(folder: Path, install: Callable[[Path], object]) -> None:
    """Let `install` fill a folder, unless it was filled before; one it has half filled is never seen."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as parent:
        unfinished = Path(parent) / folder.name
        unfinished.mkdir()
        install(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # else somebody else has installed the same meanwhile
                raise
    print(folder)


def _pip(requirement: str, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--target", folder, requirement], check=True)


def _npm(folder: Path) -> None:
    if not shutil.which("npm"):
        sys.exit("The clients of Node need Node and npm.")
    for file in (LOCK, LOCK.with_name("package.json")):
        shutil.copy(file, folder)
    # What packages would run on being installed fetches more from elsewhere, which no test needs.
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)


if __name__ == "__main__":
    main()
