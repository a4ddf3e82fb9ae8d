"""The files of a partition: names, limits, permissions and content."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.files import START, End
from gateway.journal.segments.log import SegmentLog
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from gateway.journal.segments.reader import Reader
from tests.build import JOURNAL, Read, event_line, event_lines, keep, open_log, open_partition, read_all
from tests.gateway import until
from tests.journal.breaking import crashed, opened, overwrite

ROOT = Path(__file__).parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def end_of(file: Path) -> End:
    with file.open("rb") as opened:
        found = files.read_end(opened.fileno())
    assert found
    return found


def test_a_file_is_named_after_its_first_event(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))

    keep(tmp_path / "0", event_lines(3, 4))

    assert names(tmp_path / "0") == ["00000000000000000000.log", "00000000000000000003.log"]


@pytest.mark.parametrize(
    ("limits", "finished"),
    [
        pytest.param({}, False, id="neither large nor old"),
        pytest.param({"largest": START + 1}, True, id="large"),
        pytest.param({"oldest": -1.0}, True, id="old"),
    ],
)
def test_a_file_is_finished_at_its_size_or_age_limit(
    tmp_path: Path, limits: dict[str, float], finished: bool
) -> None:
    partition = open_partition(tmp_path / "0", **limits)  # type: ignore[arg-type]  # each argument has the right type

    partition.write([event_line(0)])
    partition.roll_if_due()
    partition.write([event_line(1)])

    assert files.listing(tmp_path / "0") == ([0, 1] if finished else [0])
    assert read_all(tmp_path / "0") == Read(event_lines(0, 2), 0, 2)
    partition.close()


def test_an_empty_file_is_not_finished_at_its_age_limit(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", oldest=-1.0)
    [file] = (tmp_path / "0").iterdir()
    before = file.stat().st_ino

    partition.roll_if_due()

    assert (names(tmp_path / "0"), file.stat().st_ino) == ([file.name], before)
    partition.close()


def test_a_finished_file_has_no_preallocated_space(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 3))
    [file] = (tmp_path / "0").iterdir()
    until(lambda: file.stat().st_size == 2**20)

    partition.finish()

    size = file.stat().st_size
    assert end_of(file) == End(size, 3, finished=True)
    assert size < 2000 + START
    until(lambda: not opened(file))
    assert read_all(tmp_path / "0") == Read(event_lines(0, 3), 0, 3)
    partition.close()


def test_an_empty_file_is_replaced_by_the_next(tmp_path: Path) -> None:
    for _ in range(3):
        open_partition(tmp_path / "0").close()

    keep(tmp_path / "0", event_lines(0, 1))

    assert names(tmp_path / "0") == [files.name(0)]
    assert read_all(tmp_path / "0") == Read(event_lines(0, 1), 0, 1)


def test_after_a_crash_events_go_to_a_new_file(tmp_path: Path) -> None:
    live = open_partition(tmp_path / "0")
    live.write(event_lines(0, 3))
    found = crashed(tmp_path / "0", tmp_path / "copy")

    keep(found, event_lines(3, 4))

    assert names(found) == [files.name(0), files.name(3)]
    live.close()


def test_a_partition_without_its_older_files_continues_its_numbers(tmp_path: Path) -> None:
    old = keep(tmp_path / "0", event_lines(0, 3))
    open_partition(tmp_path / "0").close()
    old.unlink()  # as trim does once the file has a successor

    keep(tmp_path / "0", event_lines(3, 4))

    assert read_all(tmp_path / "0", 3) == Read(event_lines(3, 4), 0, 4)


def test_only_the_owner_can_read_the_journal_whatever_the_umask(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tests.build import *; os.umask(0);"
        "keep(Path(sys.argv[1]) / '0', event_lines(0, 3), event_lines(3, 5))"
    )

    subprocess.run([sys.executable, "-c", script, str(tmp_path / "data/journal")], cwd=ROOT, check=True)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").rglob("*")}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}


def test_only_the_owner_can_read_quarantined_files(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 3))
    overwrite(file, START + 60, b"?")
    before = os.umask(0)

    read_all(tmp_path / "0")

    os.umask(before)
    [kept] = (tmp_path / "quarantine").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_all_events_of_a_retired_partition_can_be_released(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    quota = Quota(tmp_path, 2**40)

    for _ in range(2):
        Partition(tmp_path / "0", JOURNAL, tmp_path / "quarantine", quota, 2**20, 1.0).retire()
    open_log(tmp_path).release({"0": 3}, float("inf"))

    reader = Reader(tmp_path / "0")
    assert names(tmp_path / "0") == [files.name(3)]
    assert (reader.oldest(), reader.newest(), reader.accepts(Position(3))) == (3, 3, True)


def test_blocks_of_several_events_become_one_chunk(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")

    partition.write([b"\n".join(event_lines(0, 3)), event_line(3)], count=4)
    partition.close()

    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)


def test_only_whole_files_are_released(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4))
    keep(tmp_path / "0", event_lines(4, 6))
    keep(tmp_path / "0", event_lines(6, 8))
    log = open_log(tmp_path)

    for position, left in ((3, [0, 4, 6]), (4, [4, 6]), (5, [4, 6]), (8, [6])):
        log.release({"0": position}, float("inf"))

        assert files.listing(tmp_path / "0") == left


def test_files_within_the_retention_time_are_not_released(tmp_path: Path) -> None:
    old, young = keep(tmp_path / "0", event_lines(0, 2)), keep(tmp_path / "0", event_lines(2, 4))
    keep(tmp_path / "0", event_lines(4, 6))
    os.utime(old, (1000, 1000))
    os.utime(young, (2000, 2000))

    open_log(tmp_path).release({"0": 6}, 1500)

    assert files.listing(tmp_path / "0") == [2, 4]


@pytest.fixture
def log(tmp_path: Path) -> SegmentLog:
    keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "1", event_lines(0, 3))
    return open_log(tmp_path)


def test_a_journal_of_this_version_is_accepted(log: SegmentLog) -> None:
    log.check()


def test_a_journal_of_a_later_version_is_refused(log: SegmentLog) -> None:
    overwrite(log.folder / "1" / files.name(0), 6, (2).to_bytes(2, "little"))

    with pytest.raises(ConfigError, match=f"{log.folder} has format 2, .* reads format 1"):
        log.check()


def test_a_partition_is_not_recovered_while_its_writer_is_running(log: SegmentLog) -> None:
    with log.writing("0"), pytest.raises(ConfigError, match="another gateway uses"):
        log.recover(timeout=0)

    log.recover(timeout=0)


def test_other_folders_are_not_partitions(log: SegmentLog) -> None:
    for name in ("quarantine", "1a", ".hidden", "²"):
        (log.folder / name).mkdir()
    (log.folder / "2").touch()

    log.check()
    assert log.partitions() == ["0", "1"]
    assert log.identity() == JOURNAL


def test_the_identity_is_that_of_most_files(log: SegmentLog, tmp_path: Path) -> None:
    overwrite(tmp_path / "0" / files.name(0), 0, bytes(START))

    assert log.identity() == JOURNAL
    assert open_log(tmp_path / "none").identity() is None


@pytest.mark.parametrize(
    "name", ["next", "rescued", "5.log", f"{5:020d}", f"{5:020d}.log.1", f"{5:020d}.bak", "²" * 20 + ".log"]
)
def test_files_with_other_names_are_not_journal_files(tmp_path: Path, name: str) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    (tmp_path / "0" / name).write_bytes(b"?")

    keep(tmp_path / "0", event_lines(3, 4))

    assert files.listing(tmp_path / "0") == [0, 3]
    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)


def test_the_size_is_the_sum_of_all_files(log: SegmentLog) -> None:
    sizes = [path.stat().st_size for path in log.folder.rglob("*.log")]

    assert (len(sizes), log.size()) == (2, sum(sizes))
