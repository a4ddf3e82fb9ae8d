"""
Compression of the files that a sink's rotation has set aside, in a thread parallel to writing.

The compressed file is synced before the plain one is removed, so that a crash leaves at least one complete
file. Interrupted work is done again at the next start.
"""

import gzip
import os
import re
from pathlib import Path
from threading import Event, Thread

from structlog.typing import FilteringBoundLogger

from gateway import durable

_CHUNK_BYTES = 1024 * 1024
_LEVEL = 6  # 9, Python's default, takes three times as long for 1 % less
_TIME = r"-\d{8}T\d{6}\.\d{6}Z"


class Compression:
    """Compresses the files set aside next to `path`. One thread, which lives until `stop`."""

    def __init__(self, path: Path, log: FilteringBoundLogger) -> None:
        """Start with the existing files."""
        self._folder = path.parent
        self._name = re.compile(re.escape(path.stem) + _TIME + re.escape(path.suffix))
        self._log = log
        self._stopping = False
        self._news = Event()
        self._news.set()
        self._thread = Thread(target=self._run, name="compression", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Compress what has been set aside since the last look."""
        self._news.set()

    def stop(self) -> None:
        """Return once the thread has ended; an unfinished file stays as it was."""
        self._stopping = True
        self._news.set()
        self._thread.join()

    def _run(self) -> None:
        while self._news.wait() and not self._stopping:
            self._news.clear()
            for file in sorted(self._folder.glob("*")):
                if self._name.fullmatch(file.name) and not self._stopping:
                    self._try_to_compress(file)

    def _try_to_compress(self, file: Path) -> None:
        """Replace the plain file by the compressed one; on an error, log it and leave the plain file."""
        new = file.with_name(f"{file.name}.gz.new")
        try:
            if self._write(file, new):
                new.replace(compressed(file))
                durable.sync_folder(file.parent)
                file.unlink(missing_ok=True)  # an operator may have been faster
        except OSError as error:  # tried again after the next rotation
            self._log.warning("file set aside is not compressed", aside=str(file), error=error.strerror)
        finally:
            new.unlink(missing_ok=True)

    def _write(self, file: Path, new: Path) -> bool:
        """Write the compressed file, and return True once it is complete and durable."""
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            with file.open("rb") as plain, gzip.GzipFile("", "wb", _LEVEL, target) as packed:
                while chunk := plain.read(_CHUNK_BYTES):
                    if self._stopping:
                        return False
                    packed.write(chunk)
            target.flush()
            durable.sync(descriptor)
        return True


def compressed(file: Path) -> Path:
    """Return the name of the compressed file that takes the place of a file."""
    return file.with_name(f"{file.name}.gz")
