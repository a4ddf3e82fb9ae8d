"""The search index, as searches read it."""

from pathlib import Path


class Index:
    """The files of the index in a folder, which need not exist. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
