"""Damage costs only the damaged events, each is counted, and none is invented."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.journal.segments import files, scan
from gateway.journal.segments.files import START
from gateway.journal.segments.recovery import recover
from tests.build import JOURNAL, Read, event_lines, keep, open_partition, read_all
from tests.journal.breaking import crashed, flip_bit, overwrite, truncate, zero

LINES = event_lines(100, 140)
"""The events of the partition before it is damaged; all of the same length."""

FIRST, LAST = (files.name(number) for number in (0, 20))
"""Its two files: a finished one, and one whose writer was killed."""

ROUNDS = 25
"""Functions that damage a file in one way."""

END_OF_END = 536
"""The end of the end record on the first page."""


class Place(NamedTuple):
    """The place of a chunk in its file."""

    start: int
    end: int
    numbers: set[int]
    """Event numbers."""


def places(file: Path) -> list[Place]:
    with file.open("rb") as opened:
        found = scan.chunks(opened.fileno(), START, file.stat().st_size, 0)
        return [Place(each.offset, each.end, set(range(each.chunk.first, each.chunk.end))) for each in found]


def overlapping(file: Path, start: int, end: int) -> set[int]:
    """Return the numbers of all events whose chunks overlap a range of the file."""
    return {
        number
        for place in places(file)
        if place.start < end and start < place.end
        for number in place.numbers
    }


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live") / "0"
    keep(folder, *(LINES[start : start + 2] for start in range(0, 20, 2)))
    partition = open_partition(folder)
    for start in range(20, 40, 2):
        partition.write(LINES[start : start + 2])
    return crashed(folder, tmp_path_factory.mktemp("crashed"))


@pytest.fixture
def copies(original: Path, tmp_path: Path) -> Iterator[Path]:
    """A function that restores the partition to its original content."""

    def each() -> Iterator[Path]:
        while True:
            shutil.rmtree(tmp_path / "journal", ignore_errors=True)
            yield crashed(original, tmp_path / "journal")

    return each()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def take_over(folder: Path) -> Read:
    """
    Read a partition, recover it, and return what is read afterwards.

    Checks that everything readable before is read again, and that recovery is idempotent.
    """
    before = read_all(folder)
    number = recover(folder, JOURNAL, folder.parent / "quarantine")
    after, found = read_all(folder), (contents(folder), contents(folder.parent / "quarantine"))
    assert (after.end, set(before.lines) <= set(after.lines)) == (number, True)
    assert recover(folder, JOURNAL, folder.parent / "quarantine") == number
    assert (contents(folder), contents(folder.parent / "quarantine")) == found
    return after


def without(hurt: set[int], upto: int = 40) -> Read:
    """Return the expected result of reading with damaged events, and without those from a number on."""
    left = [line for number, line in enumerate(LINES[:upto]) if number not in hurt]
    return Read(left, upto - len(left), upto)


def a_bit(file: Path, chance: random.Random) -> set[int]:
    place = chance.randrange(places(file)[-1].end)
    hurt = overlapping(file, place, place + 1)
    flip_bit(file, place * 8 + chance.randrange(8))
    return hurt


def a_range(file: Path, chance: random.Random) -> set[int]:
    start = chance.randrange(places(file)[-1].end)
    end = min(start + chance.choice([1, 100, 512, 4096]), places(file)[-1].end)
    changed = [place for place, byte in enumerate(file.read_bytes()[start:end], start) if byte]
    hurt = overlapping(file, changed[0], changed[-1] + 1) if changed else set()
    zero(file, start, end)
    return hurt


def the_rest(file: Path, chance: random.Random) -> set[int]:
    size = chance.randrange(END_OF_END, places(file)[-1].end)
    hurt = overlapping(file, size, places(file)[-1].end)
    truncate(file, size)
    return hurt


def a_neighbours_place(file: Path, chance: random.Random) -> set[int]:
    one, other = chance.sample(places(file), 2)
    overwrite(file, other.start, file.read_bytes()[one.start : one.end])
    return other.numbers


def a_chunk_of_another_file(file: Path, chance: random.Random) -> set[int]:
    other = file.with_name(FIRST if file.name == LAST else LAST)
    foreign, place = chance.choice(places(other)), chance.choice(places(file))
    overwrite(file, place.start, other.read_bytes()[foreign.start : foreign.end])
    return place.numbers


def the_order(file: Path, chance: random.Random) -> set[int]:
    content = file.read_bytes()
    one, other = chance.sample(places(file), 2)
    overwrite(file, one.start, content[other.start : other.end])
    overwrite(file, other.start, content[one.start : one.end])
    return set()


def the_whole_order(file: Path, chance: random.Random) -> set[int]:
    content = file.read_bytes()
    stand = places(file)
    chunks = [content[place.start : place.end] for place in stand]
    chance.shuffle(chunks)
    overwrite(file, START, b"".join(chunks))
    return set()


def the_first_page(file: Path, chance: random.Random) -> set[int]:
    overwrite(file, 0, chance.randbytes(START))
    return set()


@pytest.mark.parametrize(
    "damage",
    [
        a_bit,
        a_range,
        the_rest,
        a_neighbours_place,
        a_chunk_of_another_file,
        the_order,
        the_whole_order,
        the_first_page,
    ],
)
def test_damage_costs_only_the_damaged_events_and_each_is_counted(
    damage: Callable[[Path, random.Random], set[int]], copies: Iterator[Path], chance: random.Random
) -> None:
    for _ in range(ROUNDS):
        folder = next(copies)
        hurt = damage(folder / chance.choice([FIRST, LAST]), chance)

        assert take_over(folder) == without(hurt), hurt


def test_repeated_damage_costs_only_the_damaged_events(copies: Iterator[Path], chance: random.Random) -> None:
    for _ in range(ROUNDS):
        folder = next(copies)
        hurt: set[int] = set()
        for name in (FIRST, FIRST, LAST, LAST):
            start, end = sorted(chance.sample(range(START, 9000), 2))
            hurt |= overlapping(folder / name, start, end)
            zero(folder / name, start, end)

        assert take_over(folder) == without(hurt), hurt
