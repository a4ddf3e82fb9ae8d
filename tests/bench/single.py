"""Single events, as many as are answered: beside a bare server that reads the body and answers 200."""

from collections.abc import Iterator

from tests.bench import commits, compare, events, pinned, wrk
from tests.bench.compare import Pair
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ("wrk",)
_CONFIG = config({"events": "json_lines"})


def measure(options: Options) -> Iterator[Row]:
    folder = options.folder
    found: list[list[Pair]] = [[] for _ in events.DIALECTS]
    alone: list[list[Pair]] = [[] for _ in events.DIALECTS]
    with (
        pinned.bare() as bare,
        pinned.gateway(folder / "whole", _CONFIG) as gateway,
        pinned.gateway(folder / "halted", _CONFIG) as halted,
        pinned.alone(halted) as intake,
        commits.counted(gateway) as sizes,
    ):
        for _ in range(options.rounds):
            for whole, own, dialect in zip(found, alone, events.DIALECTS, strict=True):
                body = events.single(dialect.make)
                its, ours, only = (
                    wrk.load(each, dialect.single, body, options.seconds, folder)
                    for each in (bare, pinned.intake(gateway), intake)
                )
                whole.append(Pair(its, ours))
                own.append(Pair(its, only))
    for pairs, own, dialect in zip(found, alone, events.DIALECTS, strict=True):
        path = dialect.single.partition("?")[0]
        work = f"POST {path}, 0.75 KB, {wrk.CONNECTIONS} connections"
        first = dialect is events.DIALECTS[0]
        goals = ("≥ 0.75", "≤ 1.2") if first else ("", "")
        yield from compare.rows(work, pairs, as_rate=True, goal=goals[0], cpu_goal=goals[1])
        work = "  the same while delivery stands still"
        yield from compare.rows(work, own, as_rate=True, goal=goals[0], cpu_goal=goals[1])
    yield Row(
        "  the last, of the first", ratio=f"{1 / compare.walls_of(found[-1], found[0]):.2f}", goal="≥ 0.85"
    )
    yield from sizes
