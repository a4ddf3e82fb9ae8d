"""Searching a large journal: what the index costs, and how soon questions are answered."""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator

from gateway.config.tables import Config, Delivery, Inspector, Journal, Server
from gateway.home import Home
from gateway.inspector.queries import events, overview
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search import building
from gateway.inspector.search.index import Index
from gateway.journal.segments.log import SegmentLog
from tests.bench import cpu
from tests.bench import events as examples
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ()
_CHUNK = 500  # events
_EVENTS_A_USER = 20
_RARE = 1_000_000  # events, of which one has a name of its own
_QUESTIONS = 20
_GOAL = "≤ 1 s"


def measure(options: Options) -> Iterator[Row]:
    journal = SegmentLog(options.folder, journal=bytes(16))
    users = max(1, options.search // _EVENTS_A_USER)
    fill(journal, options.search, users)
    folder = options.folder / "search"
    begun, spent = time.perf_counter(), time.process_time()
    building.build(journal, folder, lambda _: False, linger=0.0)
    begun, spent = time.perf_counter() - begun, time.process_time() - spent
    yield Row(
        f"search index, {options.search:,} events, an event",
        wall=f"{begun / options.search * 1e6:.1f} µs",
        cpu=f"{spent / options.search * 1e6:.1f} µs",
    )
    size = sum(path.stat().st_size for path in (folder / "0").iterdir())
    ratio = f"{size / journal.size():.1%} of the journal"
    yield Row("  on disk, an event", wall=f"{size / options.search:.1f} bytes", ratio=ratio)
    yield Row("  memory of the process that builds it", wall=f"{cpu.resident(os.getpid()):.0f} MB")
    config = Config(Server(), Inspector(), Journal(), Delivery(), {}, {})
    inspection = Inspection(Home(options.folder), journal, lambda: config, Index(folder))
    chance = random.Random(1)
    questions: dict[str, Callable[[], Filter]] = {
        "message id": lambda: Filter(message_id=message_id(chance.randrange(options.search))),
        "message id that is not there": lambda: Filter(message_id="nowhere"),
        "user": lambda: Filter(user=f"user-{chance.randrange(users)}"),
        "user and event": lambda: Filter(user=f"user-{chance.randrange(users)}", event="Order Completed"),
        "user of a tenth of the events": lambda: Filter(user="busy"),
        "rare event": lambda: Filter(event="Rare"),
        "event of all": lambda: Filter(event="Order Completed"),
        "hour": lambda: Filter(since="2h", until="1h"),
        "text that is not there, a page": lambda: Filter(text="nowhere at all"),
    }
    for name, question in questions.items():
        yield _asked(f"search for {name}", lambda ask=question: events.events(inspection, ask()), _GOAL)  # type: ignore[misc]
    yield _asked("overview", lambda: overview.overview(inspection), "≤ 300 ms")


def fill(journal: SegmentLog, count: int, users: int) -> None:
    """Create a partition of so many events."""
    (journal.folder / "0").mkdir(parents=True)
    partition = journal.partition("0")
    partition.recover()
    chance = random.Random(0)
    template = examples.canonical().replace(b'"userId":"u1"', b'"userId":"%b"')
    template = template.replace(b"60f87c96-4c84-4b78-bdd3-5eb31edbc020", b"%b-4c84-4b78-bdd3-5eb31edbc020")
    template = template.replace(b'"event":"Order Completed"', b'"event":"%b"')
    before, _, after = template.partition(examples.MARK.encode())
    template = before + b"%016d" + after
    for start in range(0, count, _CHUNK):
        lines = []
        for number in range(start, min(start + _CHUNK, count)):
            user = b"user-%d" % chance.randrange(users) if number % 10 else b"busy"
            name = b"Rare" if number % _RARE == _RARE // 2 else b"Order Completed"
            lines.append(template % (number, user, user, name))
        partition.write(lines, carries=0)
    partition.close()


def message_id(number: int) -> str:
    """Return the id of an event by its number."""
    return examples.segment()["messageId"].replace(examples.MARK, f"{number:016d}")  # type: ignore[no-any-return]


def _asked(work: str, ask: Callable[[], object], goal: str) -> Row:
    took = []
    for _ in range(_QUESTIONS):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1000)
    text = f"{statistics.median(took):.0f} ms, at most {max(took):.0f} ms"
    return Row(work, wall=text, goal=goal)
