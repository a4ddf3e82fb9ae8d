"""How a child process hears that its supervisor is gone."""

import subprocess
import sys

CHILD = """
from multiprocessing import Pipe
from gateway.processes.control import Control
supervisors, own = Pipe()
supervisors.close()
Control(own).ready()
"""


def test_a_process_that_is_ready_after_its_supervisor_was_killed_ends_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (1, b"")
