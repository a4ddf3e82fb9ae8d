"""Indexers with a journal, a state and an index of their own, and their crashes."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from gateway.delivery.duplicates.indexer import Indexer
from gateway.errors import StateUnavailable
from gateway.journal.base import Log
from gateway.state.database import Database, prepare
from gateway.state.verdicts import Indexed, Verdicts
from tests.build import JOURNAL
from tests.delivery.duplicates.timed_log import HOUR

WINDOW = 24 * HOUR


class IndexingProcess:
    """The folder of a gateway; its state and index can be lost, copied and restored."""

    def __init__(self, folder: Path, journal: Log, window: float = WINDOW) -> None:
        self.folder = folder
        self.index = folder / "duplicates"
        self._journal = journal
        self._window = window
        self.open()

    def open(self, journal: bytes = JOURNAL) -> None:
        """Start the process; a missing state is created."""
        prepare(self.folder / "state.db", journal)
        self._database = Database.open(self.folder / "state.db", journal)
        self.verdicts = Verdicts(self._database)
        self.indexer = Indexer(self._journal, self.verdicts, self.index, self._window)

    def close(self) -> None:
        self.indexer.close()
        self._database.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def crash(self) -> None:
        """Kill the process and start it again: nothing that it had open is closed properly."""
        copy = self.folder / "killed"
        if self.index.exists():
            copy_folder(self.index, copy)
        self.close()
        if copy.exists():
            shutil.rmtree(self.index)
            copy.rename(self.index)
        self.open()

    def crash_before_recording(self) -> None:
        """Index one step and kill the process between its writes to the index and to the state."""
        self.indexer.close()
        self.indexer = Indexer(self._journal, _Unrecorded(self._database), self.index, self._window)
        try:
            self.indexer.step()
        except StateUnavailable:
            pass
        self.crash()

    def run(self) -> "IndexingProcess":
        """Index everything that is new."""
        while self.indexer.step():
            pass
        return self

    def duplicates(self) -> list[str]:
        """Return the duplicates of all partitions as PARTITION/NUMBER."""
        return [
            f"{partition}/{number}"
            for partition, end in sorted(self.verdicts.ends().items())
            for number in self.verdicts.duplicates(partition, 0, end)
        ]


class _Unrecorded(Verdicts):
    """Fails to record, as on a full disk."""

    def record(self, ranges: Iterable[Indexed]) -> None:
        raise StateUnavailable("disk full")


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder of RocksDB, which may delete a file of it in the background, as it is at one moment."""
    while True:
        try:
            shutil.copytree(source, target)
            return
        except shutil.Error:
            shutil.rmtree(target)
