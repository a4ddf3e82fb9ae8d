"""Helpers to run commands as an operator or a script does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli.journal.group import journal
from tests.build import JOURNAL
from tests.journal.crafted import chunk_of

ID = JOURNAL.hex()
HOUR = 3_600_000
EPOCH = 2**62 + 1
TEN_AN_HOUR = [chunk_of(hour * 10, hour * 10 + 10, epoch=EPOCH, at=hour * HOUR) for hour in range(49)]
"""Return chunks of two days."""
FAULT = "a chunk's checksum is wrong; 3 events cannot be read: 0/2 to 0/4"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(journal, list(map(str, arguments)), env={"GATEWAY_CONFIG": ""})


def start(*arguments: str | Path, **streams: Any) -> subprocess.Popen[bytes]:
    """Start a command in a separate process, with buffered output."""
    program = "from gateway.cli.journal.group import journal; journal()"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, **streams)


def objects(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]
