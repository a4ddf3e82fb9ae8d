"""Watching: a file whose time tells the workers until when an operator is watching raw requests."""

import os
from pathlib import Path

WATCH_SECONDS = 30.0
"""How long workers write raw requests to disk after an operator last asked for some."""

_FILE = "watched"


def watch(folder: Path, now: float) -> None:
    """Have the workers write raw requests for some time from `now`, in seconds since 1970. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / _FILE
    path.touch(mode=0o600)
    os.utime(path, (now, now))


def is_watched(folder: Path, now: float) -> bool:
    """Return whether an operator has asked within WATCH_SECONDS before `now`."""
    try:
        return abs(now - (folder / _FILE).stat().st_mtime) < WATCH_SECONDS
    except OSError:
        return False
