"""Lines of the log that several processes write to one standard error."""

import json
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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


LINES = """
import sys, structlog
from gateway import logs
logs.configure()
log = structlog.get_logger()
def say(*lines):
    for line in lines:
        log.info(line)
    print("said", flush=True)
"""


def test_a_log_without_a_reader_costs_its_lines_alone() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-c", f"{LINES}say('a', 'b')"], stdout=subprocess.PIPE, stderr=writer, check=False
    )

    os.close(writer)
    assert (done.returncode, done.stdout) == (0, b"said\n")


def test_a_reader_that_stops_reading_stops_no_process_and_is_told_later_what_it_missed() -> None:
    many = "say(*['x' * 1000] * 200); input(); say('read again')"
    reader, writer = os.pipe()

    with subprocess.Popen(
        [sys.executable, "-c", LINES + many], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writer
    ) as process:
        os.close(writer)
        assert process.stdin
        assert process.stdout
        said = process.stdout.readline()
        with os.fdopen(reader, "rb") as log:
            full = [log.readline() for _ in range(20)]
            process.stdin.write(b"\n")
            process.stdin.flush()
            rest = log.readlines()

    [last] = [json.loads(line) for line in rest if b"read again" in line]
    assert said == b"said\n"
    assert last["lost_lines"] == 200 - len(full) - len(rest) + 1


@pytest.mark.parametrize("closed", ["2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_a_file_never_gets_the_number_of_a_standard_stream_that_was_closed(
    tmp_path: Path, closed: str
) -> None:
    file = tmp_path / "precious"
    program = f"{LINES}file = open({os.fspath(file)!r}, 'w'); say('a'); print('b', file=sys.stderr)"

    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, program], check=False)

    assert done.returncode == 0
    assert file.read_text() == ""


HIDDEN = """
import structlog
from gateway import logs
logs.configure()
logs.hide(["Email"])
structlog.get_logger().info("refused", email="jo@example.com", answer='{"email": "jo@example.com", "n": 1}')
"""


def test_masked_values_are_hidden_in_fields_and_in_what_targets_have_answered() -> None:
    shown = subprocess.run([sys.executable, "-c", HIDDEN], capture_output=True, check=True).stderr

    line = json.loads(shown)
    assert (line["email"], json.loads(line["answer"])) == ("***", {"email": "***", "n": 1})
