"""Building the index: it goes on after every end, and follows the journal."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.inspector.search import building
from gateway.inspector.search.building import Sizes, build
from gateway.inspector.search.index import Index
from gateway.inspector.search.runs import Run
from gateway.journal.segments import files
from tests.build import event_line, event_lines, keep, open_log
from tests.inspector.inspecting import fill, index
from tests.journey import needs

SMALL = Sizes(min_events=1, granule_bytes=2000, run_entries=100, unwritten_events=1)
"""Granulees of some 7 events, and runs of some 90."""


def runs(folder: Path, partition: str = "0") -> list[Run]:
    return Index(folder / "search").runs(partition, open_log(folder).reader(partition))


def ends(folder: Path) -> list[tuple[int, int]]:
    return [(run.first, run.end.number) for run in runs(folder)]


def test_runs_cover_all_events_one_after_the_other(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 500), chunk=5)

    index(tmp_path, SMALL)

    found = ends(tmp_path)
    assert len(found) > 3
    assert [first for first, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == 500


def test_each_partition_has_runs_of_its_own(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 10))
    fill(tmp_path, event_lines(10, 30), partition="1")

    index(tmp_path)

    assert [run.end.number for run in runs(tmp_path, "0") + runs(tmp_path, "1")] == [10, 20]


def test_a_run_tells_in_which_granules_a_term_occurs(tmp_path: Path) -> None:
    lines = event_lines(0, 50)
    lines[33] = event_line(33, userId="someone else", event="Left")
    fill(tmp_path, lines, chunk=5)
    index(tmp_path, SMALL._replace(run_entries=10**6))

    [run] = runs(tmp_path)

    for term in (("user", "someone else"), ("event", "Left"), ("message_id", "m33")):
        [granule] = run.granules([term])
        assert 33 in granule
    assert run.granules([("user", "nobody")]) == []
    assert run.granules([("event", "someone else")]) == []
    assert len(run.granules([("user", "u1")])) == len(run.granules([])) > 4


def test_another_process_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 100), chunk=5)
    index(tmp_path, SMALL)
    before = ends(tmp_path)

    fill(tmp_path, event_lines(100, 200), chunk=5)
    index(tmp_path, SMALL)

    after = ends(tmp_path)
    assert after[: len(before) - 1] == before[:-1]
    assert after[-1][1] == 200
    assert [first for first, _ in after] == [0, *(end for _, end in after[:-1])]


def test_a_run_is_continued_until_it_is_full(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 20))
    index(tmp_path)

    fill(tmp_path, event_lines(20, 40))
    index(tmp_path)

    assert ends(tmp_path) == [(0, 40)]


def test_what_a_killed_process_has_not_finished_is_deleted(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 20))
    index(tmp_path)
    (tmp_path / "search/0/00000000000000000007.new").write_bytes(b"cut o")

    index(tmp_path)

    assert [path.name for path in (tmp_path / "search/0").iterdir()] == ["00000000000000000000.run"]


def test_few_new_events_are_left_to_searches(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 999))

    index(tmp_path, Sizes())

    assert ends(tmp_path) == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "removed"])
def test_a_damaged_run_is_made_again(tmp_path: Path, damage: str) -> None:
    fill(tmp_path, event_lines(0, 300), chunk=5)
    index(tmp_path, SMALL)
    whole = ends(tmp_path)
    file = sorted((tmp_path / "search/0").iterdir())[1]
    content = bytearray(file.read_bytes())
    if damage == "removed":
        file.unlink()
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes({"cut": bytes(content[:-8]), "flipped": bytes(content), "emptied": b""}[damage])
    left = ends(tmp_path)

    index(tmp_path, SMALL)

    assert left == whole[:1]
    assert ends(tmp_path)[-1][1] == 300
    assert len(ends(tmp_path)) == len(whole)


def test_runs_of_another_history_are_made_again(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 60), chunk=5)
    index(tmp_path, SMALL)
    shutil.rmtree(tmp_path / "0")
    fill(tmp_path, [event_line(number, userId="other") for number in range(100)], chunk=5)
    stale = ends(tmp_path)

    index(tmp_path, SMALL)

    assert stale == []
    assert ends(tmp_path)[-1][1] == 100
    assert all(run.granules([("user", "u1")]) == [] for run in runs(tmp_path))


def test_runs_of_events_that_the_journal_has_released_are_deleted(tmp_path: Path) -> None:
    for start in range(0, 400, 100):
        fill(tmp_path, event_lines(start, start + 100), chunk=5)
    index(tmp_path, SMALL)
    for first in (0, 100):
        (tmp_path / "0" / files.name(first)).unlink()

    index(tmp_path, SMALL)

    found = ends(tmp_path)
    assert found[0][0] <= 200 < found[0][1]
    assert found[-1][1] == 400


def test_damaged_events_are_indexed_as_none(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 100), chunk=5)
    file = tmp_path / "0" / files.name(0)
    content = bytearray(file.read_bytes())
    content[content.find(b'"m52"')] ^= 1
    file.write_bytes(content)

    index(tmp_path, SMALL)

    assert ends(tmp_path)[-1][1] == 100


def test_an_event_that_cannot_be_decoded_costs_no_other(tmp_path: Path) -> None:
    fill(tmp_path, [event_line(0), b'{"type":7}', b'{"type":"track","userId":"\xff"}', event_line(3)])

    index(tmp_path)

    [run] = runs(tmp_path)
    assert run.end.number == 4
    assert len(run.granules([("message_id", "m0"), ("message_id", "m3")])) == 1


def test_an_error_of_the_disk_is_tried_again(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 100), chunk=5)
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / "0").touch()  # where a folder should be

    def fix(_: float) -> bool:
        if (folder / "0").is_file():
            (folder / "0").unlink()
        return False

    build(open_log(tmp_path), folder, fix, 0.001, SMALL)

    assert ends(tmp_path)[-1][1] == 100


def test_an_error_that_stays_ends_it(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 100), chunk=5)
    (tmp_path / "search").mkdir()
    (tmp_path / "search/0").touch()

    with pytest.raises(OSError, match="search/0"):
        build(open_log(tmp_path), tmp_path / "search", lambda _: False, 60.0, SMALL)


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 100), chunk=5)

    build(open_log(tmp_path), tmp_path / "search", lambda _: True, sizes=SMALL)

    assert 0 < ends(tmp_path)[-1][1] < 100


def test_without_a_journal_there_is_nothing_to_do(tmp_path: Path) -> None:
    build(open_log(tmp_path / "journal"), tmp_path / "search", lambda _: False, 0.0)

    assert list(tmp_path.iterdir()) == []


def test_hashes_of_two_runs_have_nothing_in_common(tmp_path: Path) -> None:
    for partition in ("0", "1"):
        keep(tmp_path / partition, event_lines(0, 10))

    index(tmp_path)

    one, other = ({entry >> 16 for entry in runs(tmp_path, partition)[0].entries} for partition in ("0", "1"))
    assert one.isdisjoint(other)


def test_a_process_that_may_not_lower_its_priority_builds_all_the_same(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 1000))
    denied = (needs.program("strace"), "-f", "-e", "inject=setpriority:error=EPERM", "-o", "/dev/null")
    command = (*denied, sys.executable, "-m", building.__name__, tmp_path, tmp_path / "search")

    ended = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)  # it ends with its input

    assert ended.returncode == 0
    assert ends(tmp_path)
