"""Rescue removed files, and move foreign files and damaged bytes to the quarantine. Nothing is deleted."""

import os
import time
from pathlib import Path

import structlog

from gateway import durable, metrics
from gateway.journal.segments import files

log = structlog.get_logger()

_COPY_BYTES = 1024 * 1024


def restore(path: Path, descriptor: int, size: int, quarantine: Path) -> None:
    """
    Write the first `size` bytes of an open file that was removed or replaced to `path` again.

    A file that has taken its place is set aside. An OSError is logged: the events are then lost.
    """
    copy = path.with_name("rescued")
    try:
        durable.make_folder(path.parent)
        if path.exists():
            set_aside(path, quarantine, "it replaced a file of the journal")
        target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            offset = 0
            while offset < size:
                data = os.pread(descriptor, min(_COPY_BYTES, size - offset), offset)
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
        log.error("journal file removed, its events are lost", file=str(path), error=str(error))
    else:
        log.error("journal file removed or replaced, restored", file=str(path), bytes=offset)


def set_aside(path: Path, quarantine: Path, reason: str) -> None:
    """Move a file that does not belong to its partition to the quarantine. Raises OSError."""
    durable.make_folder(quarantine)
    kept = quarantine / f"{path.parent.name}-{path.stem}-{time.time_ns()}{path.suffix}"
    path.rename(kept)
    metrics.JOURNAL_INCIDENTS.labels("file_set_aside").inc()
    log.error("journal file set aside", file=str(path), reason=reason, kept=str(kept))


def keep(quarantine: Path, name: str, data: bytes) -> Path | None:
    """
    Save damaged bytes in the quarantine for inspection, and return the path of the copy.

    Returns None if `name` already exists, or if the file cannot be created, which is logged.
    """
    kept = quarantine / name
    try:
        durable.make_folder(quarantine)
        target = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return None
    except OSError as error:
        log.warning("damaged bytes not saved", file=str(kept), error=str(error))
        return None
    try:
        files.write_all(target, data, 0)
    except OSError as error:
        log.warning("damaged bytes not saved", file=str(kept), error=str(error))
    finally:
        os.close(target)
    return kept
