"""
Export events of the journal to a file, part by part, so that an interrupted export is resumed.

Until the file is complete, its parts and the progress are kept in a folder beside it. The file appears only
when it is complete, and never replaces another.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway import durable
from gateway.analysis import blocks, forms
from gateway.analysis.blocks import Report
from gateway.errors import ConfigError
from gateway.journal.base import Log
from gateway.journal.follow import Wanted
from gateway.state.jobs import Span

_PART_EVENTS = 100_000
_PART_BYTES = 64 * 1024 * 1024


class Choice(msgspec.Struct, frozen=True):
    """The events to export, as the operator has chosen them."""

    wanted: Wanted
    since: str | None
    """The text of a time, which may be an age."""
    until: str | None


class Progress(msgspec.Struct):
    """The progress of an export, as stored in its file."""

    journal: str
    """The journal's id."""
    choice: Choice
    ranges: dict[str, Span]
    """What is left to read of each partition."""
    total: int
    """Events to read, before the filters."""
    parts: int = 0
    events: int = 0
    """Events that were written."""
    faults: int = 0
    """Reports of events that were left out."""

    @property
    def done(self) -> int:
        """Events that have been read."""
        return self.total - sum(span.end - span.next for span in self.ranges.values())


class Export:
    """
    One export to a file. Raises ConfigError if it cannot begin, and OSError.

    `journal` is the journal's id. A part has about `part_events` events, or 64 MB.
    """

    def __init__(
        self, file: Path, log: Log, journal: str, report: Report, part_events: int = _PART_EVENTS
    ) -> None:
        self._file = file
        self._log = log
        self._journal = journal
        self._report = report
        self._part_events = part_events
        self._form = forms.of(file)
        self._folder = file.with_name(f"{file.name}.partial")
        self._whole = self._folder / "whole"
        self._state = self._folder / "progress.json"
        self._faults = 0
        """Reports since the last part."""
        self.progress: Progress

    @contextmanager
    def begun(self, choice: Choice, since: int | None, until: int | None) -> Iterator[bool]:
        """
        Begin the export, or resume it, for the duration of the block; yield True if it is resumed.

        `since` and `until` are the times of the choice in milliseconds since 1970. An export that is resumed
        keeps those that it began with.
        """
        if self._file.exists() and not self._is_complete():
            raise ConfigError(f"{self._file} exists already")
        if not self._file.parent.is_dir():
            raise ConfigError(f"{self._file.parent} is not a folder")
        durable.make_folder(self._folder)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield self._load(choice, since, until)
        except BlockingIOError as error:
            raise ConfigError(f"another process exports to {self._file}") from error
        finally:
            os.close(descriptor)

    def run(self) -> Iterator[int]:
        """Export, and repeatedly yield the number of events read so far."""
        progress = self.progress
        done, events, size = progress.done, 0, 0
        reached: dict[str, int] = {}
        for block in blocks.read(self._log, progress.ranges, progress.choice.wanted, self._blame):
            events += self._form.add(block, self._blame)
            size += len(block.data)
            done += block.end - reached.get(block.partition, progress.ranges[block.partition].next)
            reached[block.partition] = block.end
            if events >= self._part_events or size >= _PART_BYTES:
                self._record(reached, events)
                events = size = 0
            yield done
        if events or not progress.parts:
            self._record(reached, events)
        self._complete()

    def _load(self, choice: Choice, since: int | None, until: int | None) -> bool:
        """Return True if the export was begun before."""
        try:
            self.progress = msgspec.json.decode(self._state.read_bytes(), type=Progress)
        except (FileNotFoundError, msgspec.DecodeError):  # nothing else is written before the progress
            ranges = blocks.spans(self._log, since, until)
            total = sum(span.end - span.next for span in ranges.values())
            self.progress = Progress(self._journal, choice, ranges, total)
            self._save()
            return False
        if (self.progress.journal, self.progress.choice) != (self._journal, choice):
            raise ConfigError(
                f"{self._folder} is an unfinished export of other events;"
                " repeat its options to finish it, or delete the folder"
            )
        return True

    def _record(self, reached: dict[str, int], events: int) -> None:
        """Make a part durable, then the progress that includes it."""
        progress = self.progress
        durable.write_file(self._part(progress.parts), self._form.encode())
        progress.parts += 1
        progress.events += events
        progress.faults, self._faults = progress.faults + self._faults, 0
        for partition, end in reached.items():
            progress.ranges[partition].next = end
        self._save()

    def _complete(self) -> None:
        """Put the file in its place, and remove the folder."""
        if not self._is_complete():
            descriptor = os.open(self._whole, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._form.join([self._part(number) for number in range(self.progress.parts)], self._whole)
                durable.sync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(self._whole, self._file)
            except FileExistsError as error:
                raise ConfigError(f"{self._file} exists already") from error
            durable.sync_folder(self._file.parent)
        shutil.rmtree(self._folder)

    def _is_complete(self) -> bool:
        """Return True if the file is in its place, and a crash has left the folder behind."""
        return self._whole.exists() and self._file.exists() and self._file.samefile(self._whole)

    def _blame(self, text: str) -> None:
        self._faults += 1
        self._report(text)

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:06}"

    def _save(self) -> None:
        durable.write_file(self._state, msgspec.json.encode(self.progress))
