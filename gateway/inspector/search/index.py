"""The search index, as searches read it: the runs of each partition."""

from pathlib import Path
from threading import Lock

from gateway.inspector.search import runs
from gateway.inspector.search.runs import Run
from gateway.journal.base import Reader


class Index:
    """The files of the index in a folder, which need not exist and may change. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._open: dict[str, dict[tuple[Path, int], Run | None]] = {}
        """Open runs by partition, path and inode; None for an unusable file."""

    def runs(self, partition: str, reader: Reader) -> list[Run]:
        """
        Return the runs of a partition that belong to its reader's history, in order.

        There may be none, and the newest events are not in any run. Raises OSError.
        """
        with self._lock:
            known = self._open.get(partition, {})
            found = {
                file: known[file] if file in known else open_run(file[0])
                for file in runs.listing(self.folder / partition)
            }
            self._open[partition] = found
        return runs.continuous((run for run in found.values() if run), reader.accepts)


def open_run(path: Path) -> Run | None:
    """Open a run, or return None for one that is damaged or gone."""
    try:
        return Run(path)
    except (OSError, ValueError):
        return None
