"""A journal with its state and search index, as the inspector's queries see it."""

from collections.abc import Iterable
from pathlib import Path

from gateway.config.tables import Config, Delivery, Inspector, Journal, Server
from gateway.home import Home
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search import building
from gateway.inspector.search.building import Sizes
from gateway.inspector.search.index import Index
from gateway.sinks.base import Sink
from tests.build import keep, open_log


def inspection(folder: Path, **sinks: Sink) -> Inspection:
    """The inspection of a gateway with these sinks whose data is in `folder`."""
    config = Config(Server(), Inspector(), Journal(), Delivery(), {}, sinks)
    return Inspection(Home(folder), open_log(folder), lambda: config, Index(folder / "search"))


def fill(folder: Path, lines: Iterable[bytes], *, partition: str = "0", chunk: int = 100) -> None:
    """Append events to a partition, so many a chunk, in one file."""
    events = list(lines)
    keep(folder / partition, *(events[at : at + chunk] for at in range(0, len(events), chunk)))


EVERYTHING = Sizes(min_events=1)


def index(folder: Path, sizes: Sizes = EVERYTHING) -> None:
    """Index all events, in large runs unless the sizes say otherwise."""
    building.build(open_log(folder), folder / "search", lambda _: False, 0.0, sizes)
