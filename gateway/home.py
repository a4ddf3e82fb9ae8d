"""
Every path of one gateway: all that it owns lies in the folder that `[journal] path` names.

So two gateways whose folders are neighbours share nothing, and whoever has locked LOCK owns everything.
"""

import fcntl
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import structlog

from gateway import durable, sqlite
from gateway.errors import ConfigError

log = structlog.get_logger()

_FORMAT = 1
_ID_BYTES = 16
_LOCK_TIMEOUT_SECONDS = 2.0
"""Seconds for which the children of a gateway that was killed may still hold the lock."""
_PROBE = bytes(4096)


class _Identity(msgspec.Struct):
    format: int
    journal: Any = ""
    """The journal's id, a text in hexadecimal; other formats may have something else here."""


_decode = msgspec.json.Decoder(_Identity).decode


class Home:
    """The paths of the gateway whose folder this is. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = folder / "identity.json"
        """Names the journal, as every file of it does."""
        self.lock = folder / "LOCK"
        self.quarantine = folder / "quarantine"
        """Holds damaged chunks of the journal, for somebody to look at."""
        self.state = folder / "state.db"
        """Holds what delivery remembers."""
        self.people = folder / "people.db"
        self.products = folder / "products.db"
        self._locked: int | None = None
        self._journal: bytes | None = None

    def partition(self, number: int) -> Path:
        """Return the folder of one partition of the journal."""
        return self.folder / str(number)

    def partitions(self) -> list[Path]:
        """Return the folders of all partitions, of workers past and present. OSError."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.name.isdigit() and path.is_dir())
        except FileNotFoundError:
            return []

    @property
    def journal(self) -> bytes:
        """The journal's id, 16 bytes; ConfigError if no gateway has ever run here."""
        if self._journal is None:
            with self._translated_errors():
                self._journal = self._read_identity()
        if self._journal is None:
            raise ConfigError(
                f"[journal] path: {self} has no {self.identity.name}; has the gateway ever run?"
            )
        return self._journal

    @contextmanager
    def own(
        self, known: Callable[[], bytes | None] = lambda: None, timeout: float = _LOCK_TIMEOUT_SECONDS
    ) -> Iterator[None]:
        """
        Own the folder for as long as the block lasts; it is made if need be, and tried.

        `known` is asked for the journal's id where the folder has partitions but no identity: their files
        repeat it. `timeout` is how long to wait for the lock, in seconds. ConfigError, one line, if
        another gateway has the folder, or this machine cannot do in it what a gateway must.
        """
        with self._translated_errors():
            self._check_path()
            durable.make_folder(self.folder)
            self._locked = self._lock_within(timeout)
        try:
            with self._translated_errors():
                self._check_partitions()
                self._restrict_permissions()
                self._check_writable()
                self._ensure_identity(known)
            yield
        finally:
            os.close(self._locked)
            self._locked = None

    def lost(self) -> list[str]:
        """Return which of LOCK and identity.json are not those of this owner any more."""
        try:
            named = self._read_identity() == self._journal
        except (ConfigError, OSError):
            named = False
        ours = {self.lock.name: self._has_lock(), self.identity.name: named}
        return [name for name, kept in ours.items() if not kept]

    def reclaim(self) -> bool:
        """
        Make again what was lost, the folder included; False if another gateway has LOCK.

        OSError if it cannot be made now.
        """
        durable.make_folder(self.folder)
        if not self._has_lock():
            try:
                locked = self._try_lock()
            except BlockingIOError:
                return False
            if self._locked is not None:
                os.close(self._locked)
            self._locked = locked
        self._write_identity(self.journal)
        return True

    def __str__(self) -> str:
        return _printable(self.folder)

    def _has_lock(self) -> bool:
        return self._locked is not None and _has_name(self._locked, self.lock)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn what the system refuses into one line for the operator."""
        try:
            yield
        except BlockingIOError:
            raise ConfigError(f"[journal] path: another gateway uses {self}") from None
        except OSError as error:
            path = _printable(Path(error.filename or self.folder))
            raise ConfigError(f"[journal] path: {path}: {error.strerror}") from error

    def _check_path(self) -> None:
        try:
            os.fspath(self.folder).encode()
        except UnicodeEncodeError:
            raise ConfigError(f"[journal] path: {self} is not UTF-8, as SQLite needs it") from None
        databases = (self.state, self.people, self.products)
        excess = max(len(os.fsencode(os.path.realpath(path))) for path in databases) - sqlite.MAX_PATH_BYTES
        if excess > 0:
            raise ConfigError(f"[journal] path: {self} is {excess} bytes too long for SQLite")

    def _lock_within(self, timeout: float) -> int:
        end = time.monotonic() + timeout
        while True:
            try:
                return self._try_lock()
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def _try_lock(self) -> int:
        """Return a descriptor of LOCK, locked; BlockingIOError if another process has it."""
        while True:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.fchmod(descriptor, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _has_name(descriptor, self.lock):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # it was removed at this moment, and there may be another

    def _check_partitions(self) -> None:
        for folder in self.partitions():
            for file in folder.glob("*.db"):
                raise ConfigError(
                    f"[journal] path: {self} holds the journal of an earlier version,"
                    f" {folder.name}/{file.name}: move the folder away, or name another path"
                )

    def _restrict_permissions(self) -> None:
        """Take away what others may do with files that were made by earlier versions, or by hand."""
        foreign = []
        for path in self._files():
            try:
                mode = path.lstat().st_mode
                if mode & 0o077 and not stat.S_ISLNK(mode):
                    path.chmod(stat.S_IMODE(mode) & ~0o077)
            except FileNotFoundError:  # a database's log, whose last user has just closed it
                pass
            except PermissionError:  # such as the root of a volume, which its group may use
                foreign.append(path)
        if foreign:
            log.warning(
                "files of another user stay open to others", first=str(foreign[0]), files=len(foreign)
            )

    def _files(self) -> Iterator[Path]:
        """All that is the gateway's own, and nothing else that may lie in the folder."""
        yield self.folder
        databases = (self.state.name, self.people.name, self.products.name)
        for path in self.folder.iterdir():
            if path in (self.lock, self.identity) or path.name.startswith(databases):
                yield path
        for folder in (*self.partitions(), self.quarantine):
            if folder.is_dir():
                yield folder
                yield from folder.iterdir()

    def _check_writable(self) -> None:
        probe = self.folder / "probe"
        durable.write_file(probe, _PROBE)
        probe.unlink()
        for path in (self.state, self.people, self.products):
            if path.exists():
                _check_database(path)

    def _ensure_identity(self, known: Callable[[], bytes | None]) -> None:
        self._journal = self._read_identity()
        if self._journal is not None:
            return
        found = None
        if self.identity.exists() or any(any(folder.iterdir()) for folder in self.partitions()):
            found = known()
            log.warning(
                "journal identity lost", file=_printable(self.identity), known_by_its_files=found is not None
            )
        self._write_identity(found or uuid.uuid4().bytes)

    def _read_identity(self) -> bytes | None:
        """Return the journal's id; None if it is missing or unreadable."""
        try:
            found = _decode(self.identity.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        if found.format != _FORMAT:
            raise ConfigError(
                f"[journal] path: {self} has format {found.format}, and this version format {_FORMAT}:"
                " move the folder away, or name another path"
            )
        try:
            journal = bytes.fromhex(str(found.journal))
        except ValueError:
            return None
        return journal if len(journal) == _ID_BYTES else None

    def _write_identity(self, journal: bytes) -> None:
        content = msgspec.json.encode(_Identity(_FORMAT, journal.hex()))
        durable.write_file(self.identity, content + b"\n")
        self._journal = journal


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _check_database(path: Path) -> None:
    """ConfigError if a database cannot be written here, or by this user."""
    try:
        with closing(sqlite.open_for_writing(path, busy_timeout=0)) as connection:
            if connection.readonly("main"):  # which BEGIN IMMEDIATE does not mind
                raise ConfigError(f"[journal] path: {path}: this user cannot write it")
            connection.execute("BEGIN IMMEDIATE; ROLLBACK")
    except (apsw.BusyError, *sqlite.DAMAGE):
        pass  # another process writes; and damage is for those to judge who use it
    except apsw.Error as error:
        raise ConfigError(f"[journal] path: {path}: {error}") from error


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
