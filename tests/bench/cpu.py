"""What a process costs, as the kernel counts it."""

import re
from collections.abc import Iterable
from pathlib import Path


def seconds(pid: int) -> float:
    """CPU time of a process so far, in all its threads, the kernel's work for it included."""
    nanoseconds = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            pass
    return nanoseconds / 1e9


def resident_together(pids: Iterable[int]) -> float:
    """Megabytes of memory that processes take, in which what they share counts once."""
    texts = "".join(Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(map(int, re.findall(r"^Pss:\s+(\d+)", texts, re.MULTILINE))) / 1024


def resident(pid: int) -> float:
    """Megabytes of memory that a process takes."""
    return _megabytes(pid, "VmRSS")


def most_resident(pid: int) -> float:
    """Megabytes of memory that a process has taken at most."""
    return _megabytes(pid, "VmHWM")


def _megabytes(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
