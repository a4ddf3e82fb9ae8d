"""
The paths of one gateway: everything it owns is in the folder that `[journal] path` names.

Gateways with different folders share nothing. The process that has locked LOCK owns the whole folder.
"""

import fcntl
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from gateway import durable, sqlite
from gateway.config.secret import Secret
from gateway.errors import ConfigError
from gateway.postgresql.place import Place, Remote

log = structlog.get_logger()

_FORMAT = 1
_ID_BYTES = 16
_LOCK_TIMEOUT_SECONDS = 2.0
"""The children of a killed gateway may still hold the lock for this long."""
_PROBE = bytes(4096)


_NO_DATABASE = Secret("")


class _Identity(msgspec.Struct):
    format: int
    journal: Any = ""
    """The journal's id in hexadecimal; other formats may have another type here."""


_decode = msgspec.json.Decoder(_Identity).decode


class Home:
    """
    The paths of the gateway that owns `folder`. Not thread-safe.

    With the address of a database, `state`, `people` and `products` are in that database.
    """

    def __init__(self, folder: Path, database: Secret = _NO_DATABASE) -> None:
        self.folder = folder
        self.identity = folder / "identity.json"
        """Holds the journal's id, as does every file of the journal."""
        self.lock = folder / "LOCK"
        self.quarantine = folder / "quarantine"
        """Holds damaged chunks of the journal and files that were set aside, for inspection."""
        self.state: Place = Remote(database, "state") if database else folder / "state.db"
        """Holds the state of delivery, see state/."""
        self.duplicates = folder / "duplicates"
        """Holds the index of duplicates, which can be rebuilt from the journal."""
        self.people: Place = Remote(database, "people") if database else folder / "people.db"
        self.products: Place = Remote(database, "products") if database else folder / "products.db"
        places = (self.state, self.people, self.products)
        self.databases = tuple(place for place in places if isinstance(place, Path))
        self.diagnostics = folder / "diagnostics"
        """Holds what else the inspector shows, see diagnostics/. It may be deleted."""
        self.locked: int | None = None
        """The descriptor of LOCK while this process owns the folder."""
        self._journal: bytes | None = None

    def partition(self, number: int) -> Path:
        """Return the folder of one partition of the journal."""
        return self.folder / str(number)

    def partitions(self) -> list[Path]:
        """Return the folders of all partitions, including those without a worker. Raises OSError."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.name.isdigit() and path.is_dir())
        except FileNotFoundError:
            return []

    @property
    def journal(self) -> bytes:
        """The journal's id, 16 bytes. Raises ConfigError if no gateway has ever run here."""
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
        Lock the folder for the duration of the block; create it if necessary, and check that it is usable.

        `known` returns the journal's id as the log has it; it is called if identity.json is missing or
        unreadable. `timeout` is how long to wait for the lock, in seconds. Raises ConfigError, in
        one line, if another gateway owns the folder, or if the folder cannot be used.
        """
        with self._translated_errors():
            self._check_path()
            durable.make_folder(self.folder)
            self.locked = self._lock_within(timeout)
        try:
            with self._translated_errors():
                self._check_partitions()
                self._restrict_permissions()
                self._check_writable()
                self._ensure_identity(known)
            yield
        finally:
            os.close(self.locked)
            self.locked = None

    @contextmanager
    def inherit(self, locked: int, journal: bytes) -> Iterator[None]:
        """Own the folder for the duration of the block, by the descriptor of a lock that is already held."""
        self.locked, self._journal = locked, journal
        try:
            yield
        finally:
            os.close(self.locked)
            self.locked = None

    def lost(self) -> list[str]:
        """Return which of LOCK and identity.json were removed or replaced since `own`."""
        try:
            named = self._read_identity() == self._journal
        except (ConfigError, OSError):
            named = False
        ours = {self.lock.name: self._has_lock(), self.identity.name: named}
        return [name for name, kept in ours.items() if not kept]

    def reclaim(self) -> bool:
        """
        Recreate what was lost, including the folder; return False if another gateway has locked LOCK.

        Raises OSError; it may then be called again.
        """
        durable.make_folder(self.folder)
        if not self._has_lock():
            try:
                locked = self._try_lock()
            except BlockingIOError:
                return False
            if self.locked is not None:
                os.close(self.locked)
            self.locked = locked
        self._write_identity(self.journal)
        return True

    def __str__(self) -> str:
        return _printable(self.folder)

    def _has_lock(self) -> bool:
        return self.locked is not None and _has_name(self.locked, self.lock)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn an OSError into a ConfigError with one line for the operator."""
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
            raise ConfigError(f"[journal] path: {self} is not valid UTF-8, which SQLite requires") from None
        databases = (*self.databases, self.diagnostics / "deliveries.db")
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
        """Return a locked descriptor of LOCK. Raises BlockingIOError if another process has it."""
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
            os.close(descriptor)  # LOCK was removed between the open and the lock

    def _check_partitions(self) -> None:
        for folder in self.partitions():
            for file in folder.glob("*.db"):
                raise ConfigError(
                    f"[journal] path: {self} holds the journal of an earlier version,"
                    f" {folder.name}/{file.name}: move the folder away, or choose another path"
                )

    def _restrict_permissions(self) -> None:
        """Remove other users' access to files that earlier versions or operators created."""
        foreign = []
        for path in self._files():
            try:
                mode = path.lstat().st_mode
                if mode & 0o077 and not stat.S_ISLNK(mode):
                    path.chmod(stat.S_IMODE(mode) & ~0o077)
            except FileNotFoundError:  # a database's log, which its last user has just deleted
                pass
            except PermissionError:  # for example the root of a volume, which belongs to a group
                foreign.append(path)
        if foreign:
            log.warning(
                "files of another user remain accessible to others", first=str(foreign[0]), files=len(foreign)
            )

    def _files(self) -> Iterator[Path]:
        """Yield the gateway's own files and folders, and no others from the folder."""
        yield self.folder
        databases = tuple(path.name for path in self.databases)
        for path in self.folder.iterdir():
            if path in (self.lock, self.identity) or path.name.startswith(databases):
                yield path
        for folder in (*self.partitions(), self.quarantine, self.diagnostics):
            if folder.is_dir():
                yield folder
                yield from folder.iterdir()

    def _check_writable(self) -> None:
        probe = self.folder / "probe"
        durable.write_file(probe, _PROBE)
        probe.unlink()
        for path in self.databases:
            if path.exists():
                sqlite.check_writable(path)

    def _ensure_identity(self, known: Callable[[], bytes | None]) -> None:
        self._journal = self._read_identity()
        if self._journal is not None:
            return
        found = known()
        if self.identity.exists() or any(any(folder.iterdir()) for folder in self.partitions()):
            log.warning(
                "journal identity lost", file=_printable(self.identity), known_by_its_files=found is not None
            )
        self._write_identity(found or uuid.uuid4().bytes)

    def _read_identity(self) -> bytes | None:
        """Return the journal's id, or None if the file is missing or unreadable. Raises ConfigError."""
        try:
            found = _decode(self.identity.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        if found.format != _FORMAT:
            raise ConfigError(
                f"[journal] path: {self} has format {found.format}; this version reads format {_FORMAT}:"
                " move the folder away, or choose another path"
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


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
