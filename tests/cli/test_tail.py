"""`gateway tail`: canonical events as they come, beside a gateway that may be at work."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.journal.follow import Wanted, follow
from tests.build import event_line, event_lines, keep, open_log, open_partition
from tests.gateway import PATIENCE, until

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def tail(tmp_path: Path) -> Iterator[Start]:
    """Starts the command on the journal in data/journal."""
    (tmp_path / "data/journal/0").mkdir(parents=True)
    with ExitStack() as running:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "gateway", "tail", "--data", "data", *arguments]
            process = running.enter_context(
                subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            )
            running.callback(process.kill)
            return process

        yield start


def printed(process: subprocess.Popen[bytes], count: int) -> list[bytes]:
    assert process.stdout
    return [process.stdout.readline().rstrip(b"\n") for _ in range(count)]


def shown(journal: Path, count: int, **wanted: Any) -> list[bytes]:
    """The first of the events that are shown, of all that are there."""
    return list(islice(follow(open_log(journal), Wanted(**wanted), last=1000), count))


def test_it_prints_what_is_there_and_what_comes(tmp_path: Path, tail: Start) -> None:
    partition = open_partition(tmp_path / "data/journal/0")
    partition.write(event_lines(0, 5))

    process = tail("-n", "2")
    before = printed(process, 2)
    partition.write(event_lines(5, 7))
    after = printed(process, 2)

    assert before + after == event_lines(3, 7)


def test_it_ends_with_ctrl_c_and_without_a_word(tmp_path: Path, tail: Start) -> None:
    keep(tmp_path / "data/journal/0", event_lines(0, 1))
    process = tail("-n", "1")
    printed(process, 1)

    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=PATIENCE)

    assert (process.returncode, rest) == (0, (b"", b""))


def test_it_ends_quietly_when_its_reader_has_had_enough(tmp_path: Path, tail: Start) -> None:
    partition = open_partition(tmp_path / "data/journal/0")
    partition.write(event_lines(0, 1))
    process = tail("-n", "1")
    printed(process, 1)
    assert process.stdout
    assert process.stderr
    process.stdout.close()

    def ended() -> bool:
        partition.write(event_lines(0, 1))
        return process.poll() is not None

    until(ended)
    assert (process.returncode, process.stderr.read()) == (0, b"")


def test_only_what_is_wanted_is_printed(tmp_path: Path, tail: Start) -> None:
    keep(
        tmp_path / "data/journal/0", [event_line(0, type="page"), event_line(1), event_line(2, event="Paid")]
    )

    process = tail("-n", "9", "--type", "track", "--event", "Paid", "--user", "u1", "--source", "default")

    assert printed(process, 1) == [event_line(2, event="Paid")]


def test_it_needs_a_journal(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["tail", "--data", str(tmp_path / "none")], env={"GATEWAY_CONFIG": ""})

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"gateway: [journal] path: {tmp_path}/none/journal is not there; has the gateway ever run?"
    ]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        pytest.param({}, [0, 1, 2, 3], id="everything"),
        pytest.param({"source": "shop"}, [1], id="a source"),
        pytest.param({"type": "page"}, [2], id="a type"),
        pytest.param({"event": "Paid"}, [1, 3], id="an event"),
        pytest.param({"user": "u2"}, [2], id="a userId"),
        pytest.param({"user": "a1"}, [3], id="an anonymousId"),
        pytest.param({"event": "Paid", "user": "a1"}, [3], id="all of several"),
    ],
)
def test_events_are_chosen_by_what_they_have(
    tmp_path: Path, wanted: dict[str, str], numbers: list[int]
) -> None:
    lines = [
        event_line(0),
        event_line(1, event="Paid", source={"name": "shop", "dialect": "segment"}),
        event_line(2, type="page", userId="u2"),
        event_line(3, event="Paid", anonymousId="a1"),
    ]
    keep(tmp_path / "0", lines)

    assert shown(tmp_path, len(numbers), **wanted) == [lines[number] for number in numbers]


def test_all_partitions_are_followed_and_files_that_go_on_too(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 4))
    keep(tmp_path / "1", event_lines(10, 12))

    found = shown(tmp_path, 6)

    assert sorted(found) == sorted(event_lines(0, 4) + event_lines(10, 12))


def test_a_partition_that_comes_later_is_shown_from_its_beginning(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    following = follow(open_log(tmp_path), Wanted(), last=1)
    first = next(following)

    keep(tmp_path / "1", event_lines(10, 12))

    assert [first, *islice(following, 2)] == [event_line(1), *event_lines(10, 12)]


def test_asking_for_more_than_there_is_gives_what_there_is(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "0", event_lines(3, 5))
    gone.unlink()

    assert shown(tmp_path, 2) == event_lines(3, 5)
