"""Single events, as many as are answered: beside a bare server that reads the body and answers 200."""

from collections.abc import Iterator

from tests.bench import commits, compare, events, pinned, wrk
from tests.bench.compare import Pair
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ("wrk",)


def measure(options: Options) -> Iterator[Row]:
    folder = options.folder
    found: list[list[Pair]] = [[] for _ in events.DIALECTS]
    with pinned.bare() as bare, pinned.gateway(folder, config({"events": "json_lines"})) as gateway:
        servers = (bare, pinned.intake(gateway))
        with commits.counted(gateway) as sizes:
            for _ in range(options.rounds):
                for pairs, dialect in zip(found, events.DIALECTS, strict=True):
                    body = events.single(dialect.make)
                    samples = [
                        wrk.load(each, dialect.single, body, options.seconds, folder) for each in servers
                    ]
                    pairs.append(Pair(*samples))
    for pairs, dialect in zip(found, events.DIALECTS, strict=True):
        work = f"POST {dialect.single.partition('?')[0]}, 0.75 KB, {wrk.CONNECTIONS} connections"
        first = dialect is events.DIALECTS[0]
        goals = ("≥ 0.75", "≤ 1.2") if first else ("", "")
        yield from compare.rows(work, pairs, as_rate=True, goal=goals[0], cpu_goal=goals[1])
    yield Row(
        "  the last, of the first", ratio=f"{1 / compare.walls_of(found[-1], found[0]):.2f}", goal="≥ 0.85"
    )
    yield from sizes
