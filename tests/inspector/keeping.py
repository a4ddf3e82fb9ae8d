"""A gateway's data folder as the inspector's queries see it, filled by real parts of the gateway."""

import time
from pathlib import Path
from typing import Any

import msgspec

from gateway.config import file
from gateway.config.tables import Config
from gateway.home import Home
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search.index import Index
from gateway.intake.recorder import Recorder
from gateway.sources import Source, Sources
from tests.build import DEFAULT, Door, open_log


def inspect(folder: Path, *sources: Source, **inspector: Any) -> Inspection:
    """Return what queries ask about a gateway with these sources and this table `inspector`."""
    loaded = file.load(None, folder, {})
    config: Config = msgspec.structs.replace(
        loaded,
        sources={source.name: source for source in sources or (DEFAULT,)},
        inspector=msgspec.structs.replace(loaded.inspector, **inspector),
    )
    return Inspection(Home(folder), open_log(folder), lambda: config, Index(folder / "search"))


class RecordedDoor(Door):
    """A door with a recorder behind it, whose clock stands still unless a test moves it."""

    def __init__(self, folder: Path, *sources: Source) -> None:
        super().__init__(*sources)
        self.now = time.time()
        self.folder = folder / "diagnostics"
        self.recorder = Recorder(self.folder, self.recent, "0", lambda: self.now)
        self.recorder.use(Sources(sources or (DEFAULT,)))

    def write(self) -> None:
        """Write to disk what there is to write."""
        if findings := self.recorder.collect():
            self.recorder.write(findings)
