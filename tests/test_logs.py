"""Lines of the log that several processes write to one standard error."""

import json
import os
import pty
import socket
import subprocess
import sys

PROGRAM = """
import structlog
from gateway import logs
logs.configure()
structlog.get_logger().info("first")
structlog.get_logger().info("second")
"""


def test_a_line_is_one_write_though_python_buffers_nothing() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    with ours, theirs:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        subprocess.run([sys.executable, "-c", PROGRAM], stderr=theirs.fileno(), env=environment, check=True)
        writes = [ours.recv(1000), ours.recv(1000)]

    assert [json.loads(write)["event"] for write in writes] == ["first", "second"]
    assert all(write.endswith(b"\n") for write in writes)


BUG = """
from gateway import logs
import structlog
logs.configure()
def fail(write_key):
    raise ValueError("a bug")
try:
    fail("hush" + "hush")
except ValueError as bug:
    structlog.get_logger().error("bug", exc_info=bug)
"""


def test_a_bug_on_a_terminal_shows_no_values_which_may_be_keys() -> None:
    ours, theirs = pty.openpty()

    try:
        subprocess.run([sys.executable, "-c", BUG], stderr=theirs, check=True)
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)

    assert "ValueError: a bug" in shown
    assert "hushhush" not in shown
