"""Check, as far as possible, that a file is the operator's copy of analytics.js."""

from pathlib import Path

KEY = b'"__WRITE_KEY__"'
"""The placeholder for the write key in the script (@segment/analytics-next 1.84.3)."""


def check(script: Path) -> None:
    """Raise ValueError for a file that is not such a script."""
    try:
        if not script.is_file() and script.exists():  # a device may have no end
            raise ValueError(f"{script} is not a file")
        text = script.read_bytes()
    except OSError as error:
        raise ValueError(f"{script}: {error.strerror}") from error
    if KEY not in text:
        raise ValueError(f"{script} has no place for a key; it is not analytics-next's standalone.js")
