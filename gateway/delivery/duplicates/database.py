"""The RocksDB database of the index: how it is opened and written, and how its errors are translated."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rocksdict import BlockBasedOptions, Cache, DbClosedError, DBCompressionType, Options, Rdict, WriteBatch

from gateway.errors import StateUnavailable

_MEMTABLE_BYTES = 8 * 1024 * 1024
_MAX_MEMTABLE_BYTES = 16 * 1024 * 1024  # of all tables
_MAX_WAL_BYTES = 32 * 1024 * 1024
_CACHE_BYTES = 8 * 1024 * 1024
_BLOCK_BYTES = 8 * 1024
_LOG_BYTES = 256 * 1024
_MAX_OPEN_FILES = 128
_OWN_TABLE = "default"


class IndexUnavailable(StateUnavailable):
    """RocksDB has reported an error; the index must be reopened, or is damaged."""


class IndexInUse(IndexUnavailable):
    """Another process, or another object in this process, has the index open."""


class Database:
    """
    A RocksDB database with tables of entries beside a table of its own, from keys to values, both bytes.

    Not thread-safe. Every method may raise IndexUnavailable. Writes are atomic, and a power failure can lose
    only the last ones.
    """

    def __init__(self, folder: Path) -> None:
        """Open the database in a folder with all its tables; create it if missing. Raises IndexInUse."""
        self._folder = folder
        self._cache = Cache(_CACHE_BYTES)
        with self._translated_errors():
            names = Rdict.list_cf(str(folder)) if (folder / "CURRENT").exists() else []
            tables = {name: self._options() for name in names if name != _OWN_TABLE}
            self._rocks = Rdict(str(folder), self._options(), tables)
            self._tables = {name: self._rocks.get_column_family(name) for name in tables}

    def tables(self) -> list[str]:
        """Return the names of the tables of entries."""
        return list(self._tables)

    def create(self, table: str) -> None:
        with self._translated_errors():
            self._tables[table] = self._rocks.create_column_family(table, self._options())

    def drop(self, table: str) -> None:
        with self._translated_errors():
            del self._tables[table]  # its files are deleted with the last reference to it
            self._rocks.drop_column_family(table)

    def count(self, table: str) -> int:
        """Return about how many keys a table has."""
        with self._translated_errors():
            return self._tables[table].property_int_value("rocksdb.estimate-num-keys") or 0

    def keys(self, table: str) -> Iterator[bytes]:
        """Yield all keys of a table."""
        with self._translated_errors():
            last = b""
            for last in self._tables[table].keys():  # type: ignore[assignment]  # noqa: SIM118  # no dict
                yield last
            rest = self._tables[table].iter()
            rest.seek(last + b"\0")
            rest.status()  # raises the error at which `keys` of rocksdict 0.3.29 stops as if it were done

    def find(self, table: str, keys: list[bytes]) -> list[bytes | None]:
        """Return the entry of each key, None where there is none."""
        with self._translated_errors():
            return self._tables[table].get(keys) or []  # type: ignore[arg-type]  # list is invariant

    def get(self, key: bytes) -> bytes | None:
        """Return a value of the database's own table."""
        with self._translated_errors():
            return self._rocks.get(key)

    def write(self, own: Mapping[bytes, bytes], table: str = "", entries: Mapping[bytes, bytes] = {}) -> None:
        """Put values into the database's own table and entries into another, atomically and without sync."""
        with self._translated_errors():
            batch = WriteBatch(raw_mode=True)
            for key, value in own.items():
                batch[key] = value
            if entries:
                batch.set_default_column_family(self._rocks.get_column_family_handle(table))
                for key in sorted(entries):  # neighbours in memory are inserted a third faster
                    batch[key] = entries[key]
            self._rocks.write(batch)

    def close(self) -> None:
        """Close the database. May be called twice."""
        self._tables.clear()
        with self._translated_errors(), suppress(DbClosedError):
            self._rocks.close()

    def _options(self) -> Options:
        """
        Return the options of the database and of each table: little memory, few threads.

        There is no compression, because keys are random, and no Bloom filter in the files, because the one in
        memory is asked first.
        """
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_max_background_jobs(2)
        options.set_allow_concurrent_memtable_write(False)  # there is one writer
        options.set_write_buffer_size(_MEMTABLE_BYTES)
        options.set_db_write_buffer_size(_MAX_MEMTABLE_BYTES)
        options.set_max_total_wal_size(_MAX_WAL_BYTES)
        options.set_max_open_files(_MAX_OPEN_FILES)
        options.set_compression_type(DBCompressionType.none())
        options.set_stats_dump_period_sec(0)
        options.set_stats_persist_period_sec(0)
        options.set_keep_log_file_num(1)
        options.set_max_log_file_size(_LOG_BYTES)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_block_size(_BLOCK_BYTES)
        blocks.set_cache_index_and_filter_blocks(True)
        options.set_block_based_table_factory(blocks)
        return options

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if type(error) not in (Exception, DbClosedError):  # rocksdict raises nothing more specific
                raise
            kind = IndexInUse if f"{self._folder}/LOCK: " in str(error) else IndexUnavailable
            raise kind(f"{self._folder}: {error}") from error
