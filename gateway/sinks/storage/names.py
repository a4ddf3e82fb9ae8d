"""Names of the files of batches: the folders of a partition, and a name unique to its content."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from gateway.sinks.base import Batch
from gateway.sinks.rows.envelope import Column

FIELDS = ("date", "hour", "source", "type", "event")
"""What a template may have in braces; date and hour are those of the receipt, in UTC."""

_SEGMENT = re.compile(r"(?:[\w.=-]|\{[a-z]+\})+", re.ASCII)
_FIELD = re.compile(r"\{([a-z]+)\}")
_REPEATED = {"source={source}": "source", "type={type}": "type"}
"""Segments that hold a column's complete values, since these columns have few, short values."""

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, Spark, DuckDB and Arrow read as NULL."""

_MAX_VALUE_CHARACTERS = 120  # a name in a folder has at most 255 bytes


def mistakes(template: str, columns: Sequence[Column]) -> list[str]:
    """Return the text of each mistake in a template."""
    found = []
    for segment in template.split("/") if template else ():
        unknown = [field for field in _FIELD.findall(segment) if field not in FIELDS]
        if not _SEGMENT.fullmatch(segment) or segment in (".", "..") or unknown:
            allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
            found.append(
                f"{segment!r}: expected letters, digits, _ . - = and {allowed}, in folders parted by /"
            )
        elif segment not in _REPEATED and (key := _key(segment)) in {column.name for column in columns}:
            found.append(f"{segment!r}: the files have a column {key}, which readers would confuse with it")
    return found


def keys(template: str) -> set[str]:
    """Return the names of the columns that readers derive from the folders: date from "date={date}"."""
    return {_key(segment) for segment in template.split("/")} - {""}


def repeated(template: str) -> set[str]:
    """Return the columns that the folders hold, so that the files must not."""
    return {_REPEATED[segment] for segment in template.split("/") if segment in _REPEATED}


def _key(segment: str) -> str:
    key, equals, _ = segment.partition("=")
    return key if equals and "{" not in key else ""


class Folders:
    """Finds the folder of each row. Not thread-safe."""

    def __init__(self, template: str, columns: Sequence[Column]) -> None:
        index = {column.name: number for number, column in enumerate(columns)}
        fields = set(_FIELD.findall(template))
        self._template = template
        self._received = itemgetter(index["received_at"])
        self._fields = sorted(fields & index.keys())
        self._others = itemgetter(*(index[field] for field in self._fields)) if self._fields else None
        self._hours: dict[datetime, dict[Any, str]] = {}
        self._start = self._end = datetime.min.replace(tzinfo=UTC)
        """The hour of the previous row: most rows have the same, and comparing is cheaper than a lookup."""
        self._known: dict[Any, str] = {}
        """The folders of that hour, by the other values."""

    def find(self, row: tuple[Any, ...]) -> str:
        """Return the folder of a row, with a / at its end unless it is empty."""
        received = self._received(row)
        if not self._start <= received < self._end:
            self._start = received.replace(minute=0, second=0, microsecond=0)
            self._end = received.replace(minute=59, second=59, microsecond=999_999)
            self._known = self._hours.setdefault(self._start, {})
        others = self._others(row) if self._others else None
        folder = self._known.get(others)
        if folder is None:
            folder = self._known[others] = self._format(received, others)
        return folder

    def forget(self) -> None:
        """Clear the cache, so that many different events take up no memory between batches."""
        self._hours.clear()
        self._start = self._end

    def _format(self, received: datetime, others: Any) -> str:
        values = others if len(self._fields) > 1 else (others,)
        texts = {field: escape(value) for field, value in zip(self._fields, values, strict=False)}
        texts |= {"date": f"{received.date()}", "hour": f"{received.hour:02}"}
        return self._template.format_map(texts) + "/" if self._template else ""


def file_name(batch: Batch) -> str:
    """Return the name of a batch's files, made from its id and epoch and so unique to its content."""
    origin = "" if batch.origin == "live" else f"{batch.origin}-"
    run = f"{escape(batch.partition)}-{batch.first:020}-{batch.end:020}-{batch.epoch:016x}"
    suffix = escape(batch.suffix) if batch.suffix else ""
    return f"{origin}{escape(batch.sink)}-{run}{suffix}.parquet"


def escape(value: str | None) -> str:
    """
    Return a value as part of a name that works on any file system and in any bucket.

    It is percent-encoded, as readers expect; a long value is cut, and a digest keeps it unique.
    """
    if not value:
        return _NO_VALUE
    escaped = quote(value, safe="", errors="surrogatepass")
    if escaped.startswith("."):  # hidden, or the parent folder
        escaped = "%2E" + escaped[1:]
    if len(escaped) > _MAX_VALUE_CHARACTERS:
        digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        cut = re.sub(r"%[\dA-F]?$", "", escaped[: _MAX_VALUE_CHARACTERS - 17])
        return f"{cut}-{digest}"
    return escaped
