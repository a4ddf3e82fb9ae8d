"""A journal with its state and search index, as the inspector's queries see it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.config.tables import Config, Delivery, Inspector, Journal, Server
from gateway.home import Home
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search import building
from gateway.inspector.search.building import Sizes
from gateway.inspector.search.index import Index
from gateway.journal.chunk import Chunk
from gateway.journal.segments.files import Header
from gateway.raw import timestamps
from gateway.sinks.base import Sink
from tests.build import JOURNAL, event_line, keep, open_log
from tests.journal.crafted import write_file


def inspection(folder: Path, mask: tuple[str, ...] = (), **sinks: Sink) -> Inspection:
    """The inspection of a gateway with these sinks whose data is in `folder`."""
    config = Config(Server(), Inspector(mask=mask), Journal(), Delivery(), {}, sinks)
    return Inspection(Home(folder), open_log(folder), lambda: config, Index(folder / "search"))


def fill(folder: Path, lines: Iterable[bytes], *, partition: str = "0", chunk: int = 100) -> None:
    """Append events to a partition, so many a chunk, in one file."""
    events = list(lines)
    keep(folder / partition, *(events[at : at + chunk] for at in range(0, len(events), chunk)))


def write_events_at(folder: Path, times: Sequence[int], partition: int = 0) -> None:
    """Create a partition of one event a chunk, received at these times in milliseconds since 1970."""
    chunks = [
        Chunk(number, 1, 7, at, 0, event_line(number, receivedAt=timestamps.write(at)) + b"\n")
        for number, at in enumerate(times)
    ]
    write_file(folder / str(partition), Header(JOURNAL, partition, 7, 0, 0), *chunks)


EVERYTHING = Sizes(min_events=1)


def index(folder: Path, sizes: Sizes = EVERYTHING) -> None:
    """Index all events, in large runs unless the sizes say otherwise."""
    building.build(open_log(folder), folder / "search", lambda _: False, 0.0, sizes)
