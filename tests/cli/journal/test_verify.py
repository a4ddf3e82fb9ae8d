"""`gateway journal verify`."""

import os
from pathlib import Path

from tests.build import event_lines, keep
from tests.cli.journal.calling import FAULT, ID, objects, run, start
from tests.gateway import PATIENCE
from tests.journal.crafted import offsets


def test_an_intact_journal_is_reported_without_faults(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "1", event_lines(0, 1))

    result = run("verify", tmp_path)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"3 events in 2 files of 2 partitions, journal {ID}, no faults\n"


def test_each_fault_is_one_line(damaged: Path) -> None:
    result = run("verify", damaged.parents[1])

    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        f"fault  {damaged}: offset {offsets(damaged)[1]}: {FAULT}",
        f"3 events in 1 file of 1 partition, journal {ID}: 1 fault, 3 events cannot be read",
    ]


def test_faults_and_totals_can_be_printed_as_json(damaged: Path) -> None:
    result = run("verify", damaged, "--json")

    assert result.exit_code == 1
    assert objects(result) == [
        {
            "code": "chunk_damaged",
            "fault": True,
            "partition": "0",
            "file": str(damaged),
            "offset": offsets(damaged)[1],
            "position": "0/2",
            "events": 3,
            "message": FAULT,
        },
        {
            "journal": ID,
            "format": 1,
            "partitions": 1,
            "files": 1,
            "bytes": damaged.stat().st_size,
            "events": 3,
            "lost": 3,
            "faults": 1,
            "whole": False,
        },
    ]


def test_a_terminal_shows_progress_below_the_faults(damaged: Path) -> None:
    terminal, program_side = os.openpty()
    with start("verify", damaged, stdout=program_side, stderr=program_side) as process:
        os.close(program_side)
        shown = read_terminal(terminal)
        process.wait(PATIENCE)

    bar, fault, rest = shown.partition(b"\r\x1b[K\x1b[31mfault\x1b[0m  ")
    assert process.returncode == 1
    assert b"Verifying" in bar
    assert fault
    assert b"100%" in rest


def read_terminal(descriptor: int) -> bytes:
    """Return everything that a program prints on a terminal until it ends."""
    shown = b""
    try:
        while data := os.read(descriptor, 65536):
            shown += data
    except OSError:
        pass  # the other side is closed
    os.close(descriptor)
    return shown
