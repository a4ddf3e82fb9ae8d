"""`gateway journal dump`."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from gateway.journal.segments.files import Header
from tests.build import JOURNAL, event_line, event_lines, keep
from tests.cli.journal.calling import FAULT, HOUR, objects, run, start
from tests.gateway import PATIENCE
from tests.journal.crafted import chunk_of, offsets, write_file


def test_events_are_printed_unchanged(tmp_path: Path) -> None:
    lines = [event_line(0, name="é\u2028"), b'{"not":"\xff"}', b""]
    keep(tmp_path / "0", lines)

    result = run("dump", tmp_path)

    assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, b"\n".join([*lines, b""]), "")


def test_positions_precede_the_events(tmp_path: Path) -> None:
    keep(tmp_path / "3", event_lines(0, 2), event_lines(2, 3))

    result = run("dump", tmp_path, "--positions", "--from", "3/1")

    assert result.stdout_bytes == b"3/1\t%s\n3/2\t%s\n" % (event_line(1), event_line(2))


def test_json_lines_have_position_and_time(tmp_path: Path) -> None:
    write_file(tmp_path / "3", Header(JOURNAL, 3, 7, 0, 0), chunk_of(0, 2, at=1_700_000_000_123))

    result = run("dump", tmp_path, "--json", "--limit", "1")

    assert objects(result) == [
        {
            "position": "3/0",
            "partition": "3",
            "received_at": "2023-11-14T22:13:20.123Z",
            "canonical": json.loads(event_line(0)),
        }
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_the_number_of_events_can_be_limited(tmp_path: Path, limit: int) -> None:
    keep(tmp_path / "0", event_lines(0, 3), event_lines(3, 5))

    assert run("dump", tmp_path, "--limit", str(limit)).stdout_bytes.splitlines() == event_lines(
        0, min(limit, 5)
    )


def test_events_are_selected_by_partition_and_time(tmp_path: Path) -> None:
    for partition in (0, 1):
        chunks = [chunk_of(number, number + 1, at=number * HOUR) for number in range(200_000, 200_010)]
        write_file(tmp_path / str(partition), Header(JOURNAL, partition, 7, 200_000, 0), *chunks)

    since = f"{200_003 * HOUR}"
    until = "1992-10-25T21:00:00+05:00"
    result = run("dump", tmp_path, "--partition", "1", "--since", since, "--until", until, "--positions")

    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == [
        f"1/{number}" for number in range(200_003, 200_008)
    ]


def test_damage_is_reported_on_standard_error(damaged: Path) -> None:
    result = run("dump", damaged)

    assert result.exit_code == 1
    assert result.stdout_bytes.splitlines() == [*event_lines(0, 2), *event_lines(5, 6)]
    assert result.stderr == f"fault  {damaged}: offset {offsets(damaged)[1]}: {FAULT}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["--from", "7"], "--from: the partition is ambiguous; choose one of 0, 1", id="no partition"
        ),
        pytest.param(
            ["--from", "0/7", "--partition", "1"],
            "--from: the partition is ambiguous; choose one of 0, 1",
            id="two partitions",
        ),
        pytest.param(["--from", "2/0"], "has no partition 2, only 0, 1", id="another partition"),
        pytest.param(["--partition", "2"], "has no partition 2, only 0, 1", id="by its option"),
        pytest.param(["--from", "0/9"], "position 9 does not belong to this journal", id="past the end"),
        pytest.param(["--json", "--positions"], "omit --positions", id="positions twice"),
        pytest.param(["--since", "soon"], "an age such as \"2h\", got 'soon'", id="invalid time"),
    ],
)
def test_contradictory_options_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "1", event_lines(0, 2))

    result = run("dump", tmp_path, *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_partition_can_be_omitted_if_there_is_only_one(tmp_path: Path) -> None:
    keep(tmp_path / "4", event_lines(0, 2))

    assert run("dump", tmp_path, "--from", "1").stdout_bytes.splitlines() == event_lines(1, 2)


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--positions"]], ids=["plain", "json", "positions"])
def test_a_closed_output_pipe_ends_the_command_silently(tmp_path: Path, arguments: list[str]) -> None:
    write_file(
        tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), *(chunk_of(n, n + 100) for n in range(0, 5000, 100))
    )

    with start("dump", tmp_path, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(PATIENCE)

    assert (process.returncode, errors) == (0, b"")


def test_a_full_disk_behind_the_output_is_reported(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))

    with (
        Path("/dev/full").open("wb") as full,
        start("dump", tmp_path, stdout=full, stderr=subprocess.PIPE) as process,
    ):
        _, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, errors) == (2, b"gateway: No space left on device\n")


def test_ctrl_c_is_not_reported_as_damage(tmp_path: Path) -> None:
    write_file(
        tmp_path / "0", Header(JOURNAL, 0, 7, 0, 0), *(chunk_of(n, n + 100) for n in range(0, 5000, 100))
    )

    with start("dump", tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(signal.SIGINT)  # while it waits for its reader
        process.wait(PATIENCE)
        errors = process.stderr.read()

    assert (process.returncode, errors) == (2, b"gateway: interrupted\n")


def test_damage_after_the_last_requested_event_is_not_reported(damaged: Path) -> None:
    result = run("dump", damaged, "--limit", "2")

    assert (result.exit_code, result.stderr) == (0, "")
