"""The machine that is measured on: without it a figure says little."""

import os
import platform
import re
import shlex
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.bench import pinned


def lines(folder: Path) -> Iterator[str]:
    """Describe the machine, and the disk below `folder`."""
    yield f"cores         {len(pinned.ALL)} of {os.cpu_count()}, measured on {_numbers(pinned.MEASURED)}"
    yield f"CPU           {_processor()}"
    yield f"kernel        {platform.release()}"
    yield f"Python        {platform.python_version()}, {platform.python_compiler()}, {_build()}"
    yield f"file system   {_file_system(folder)}"
    yield f"load average  {' '.join(f'{each:.2f}' for each in os.getloadavg())}"


def _numbers(cores: set[int]) -> str:
    return ",".join(map(str, sorted(cores)))


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _build() -> str:
    """What Python was configured with, but for paths: a build without optimisations is 10 to 30 % slower."""
    arguments = shlex.split(sysconfig.get_config_var("CONFIG_ARGS") or "")
    chosen = [each for each in arguments if re.match(r"--(enable|disable|with|without)-[^/]*$", each)]
    return f"configured with {' '.join(chosen) or 'no options'}"


def _file_system(folder: Path) -> str:
    """The type and device of the deepest mount that holds the folder."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [(where, kind, device) for device, where, kind, *_ in mounts if folder.is_relative_to(where)]
    _, kind, device = max(holding, key=lambda each: len(each[0]))
    return f"{kind} on {device}"
