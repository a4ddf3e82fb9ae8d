"""What becomes of files that lost their name, and of what belongs to no partition: nothing is deleted."""

import os
import time
from pathlib import Path

import structlog

from gateway import durable, metrics
from gateway.journal.segments import files

log = structlog.get_logger()

_PIECE = 1024 * 1024


def restore(path: Path, descriptor: int, size: int, quarantine: Path) -> None:
    """
    Give the first `size` bytes of an open file that has lost its name a file of this name again.

    What has taken its place meanwhile is set aside. If that fails, the events in it are lost, and the log
    says so.
    """
    copy = path.with_name("rescued")
    try:
        durable.make_folder(path.parent)
        if path.exists():
            set_aside(path, quarantine, "another file had its name")
        target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            offset = 0
            while offset < size:
                data = os.pread(descriptor, min(_PIECE, size - offset), offset)
                if not data:
                    break
                files.write_all(target, data, offset)
                offset += len(data)
            durable.sync(target)
        finally:
            os.close(target)
        copy.rename(path)
        durable.sync_folder(path.parent)
    except OSError as error:
        log.error("journal file was removed, and its events are lost", file=str(path), error=str(error))
    else:
        log.error("journal file was removed or replaced; it was written again", file=str(path), bytes=offset)


def set_aside(path: Path, quarantine: Path, reason: str) -> None:
    """Move a file that is not believed out of the way. Raises OSError."""
    durable.make_folder(quarantine)
    kept = quarantine / f"{path.parent.name}-{path.stem}-{time.time_ns()}{path.suffix}"
    path.rename(kept)
    metrics.JOURNAL_INCIDENTS.labels("file_set_aside").inc()
    log.error("journal file set aside", file=str(path), reason=reason, kept=str(kept))


def keep(quarantine: Path, name: str, data: bytes) -> Path | None:
    """
    Keep bytes that are not believed for somebody to look at; None if they are kept already, or cannot be.
    """
    kept = quarantine / name
    try:
        durable.make_folder(quarantine)
        target = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return None
    except OSError as error:
        log.warning("damaged bytes not kept", file=str(kept), error=str(error))
        return None
    try:
        files.write_all(target, data, 0)
    except OSError as error:
        log.warning("damaged bytes not kept", file=str(kept), error=str(error))
    finally:
        os.close(target)
    return kept
