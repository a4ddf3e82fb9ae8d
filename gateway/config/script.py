"""The operator's copy of analytics.js, as far as a configuration can tell that it is one."""

from pathlib import Path

from gateway.config.paths import read_file

_MAX_BYTES = 16 * 1024**2
KEY = b'"__WRITE_KEY__"'
"""The text that stands for the write key in the script (@segment/analytics-next 1.84.3)."""


def check(script: Path) -> None:
    """Raise the ValueError of a file that is not such a script."""
    if KEY not in read_file(script, _MAX_BYTES):
        raise ValueError(f"{script} has no place for a key; it is not analytics-next's standalone.js")
