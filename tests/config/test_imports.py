"""Importing: a configuration loads no sink that it does not name, and no web framework."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.sinks import KINDS
from tests.config.texts import mistakes, write

LOAD = """
import sys
from pathlib import Path
from gateway.config.file import load
load(Path(sys.argv[1]), None, {})
print(*sorted(sys.modules))
"""


def test_only_the_sinks_of_the_configuration_are_imported(file: Path) -> None:
    write(file, sinks__archive='kind = "null"')

    done = subprocess.run([sys.executable, "-c", LOAD, str(file)], capture_output=True, text=True, check=True)

    modules = done.stdout.split()
    assert "gateway.sinks.null" in modules
    assert {"gateway.sinks.json_lines", "gateway.sinks.stdout", "starlette", "uvicorn"}.isdisjoint(modules)


def test_a_missing_driver_is_told_with_the_command_that_installs_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gateway.sinks.null", None)  # as if its import failed
    write(file, sinks__archive='kind = "null"', sinks__other='kind = "nul"')

    found = mistakes(file)

    assert found == [
        "[sinks.archive] kind: gateway.sinks.null is missing: pip install 'event-gateway[null]'",
        f"[sinks.other] kind: expected one of {', '.join(KINDS)}; did you mean null?",
    ]
