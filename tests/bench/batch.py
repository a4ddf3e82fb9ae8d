"""Batches, as many as are answered: an event beside the decoding and encoding of one."""

from collections.abc import Iterator

from tests.bench import commits, compare, events, loop, pinned, wrk
from tests.bench.compare import Pair
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ("wrk",)
_EVENTS = 100
_GOALS = ("≤ 1.6", "≤ 3")


def measure(options: Options) -> Iterator[Row]:
    folder, seconds = options.folder, options.seconds
    found: list[list[Pair]] = [[] for _ in events.DIALECTS]
    with pinned.gateway(folder, config({"events": "json_lines"})) as gateway:
        intake = pinned.intake(gateway)
        with commits.counted(gateway) as sizes:
            for _ in range(options.rounds):
                for pairs, dialect in zip(found, events.DIALECTS, strict=True):
                    body = events.batch(_EVENTS, dialect.make)
                    ceiling = loop.decode_and_encode(body, seconds / 2)
                    ours = wrk.load(intake, dialect.batch, body, seconds, folder)
                    pairs.append(Pair(ceiling.shared(_EVENTS), ours.shared(_EVENTS)))
    for pairs, dialect, goal in zip(found, events.DIALECTS, _GOALS, strict=True):
        work = f"POST {dialect.batch.partition('?')[0]}, {_EVENTS} of 0.75 KB, an event"
        yield from compare.rows(work, pairs, goal=goal)
    yield Row("  the last, of the first", ratio=f"{compare.walls_of(found[-1], found[0]):.2f}")
    yield from sizes
