"""The ledger balances: for each sink, the journal's events equal all outcomes plus pending events."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.errors import JournalUnavailable, StateUnavailable
from gateway.inspector.ledger import Ledger
from gateway.journal import chunk
from gateway.journal.base import Position
from gateway.journal.segments import files, scan
from gateway.state.tally import Tally
from tests.build import event_line, event_lines, keep, open_log, open_partition
from tests.delivery.work import deliver, make, open_state
from tests.fakes import ScriptedSink
from tests.gateway import PATIENCE
from tests.journal.breaking import crashed, failing_sync, flip

pytestmark = pytest.mark.anyio


class Books:
    """A journal, its state, and the samples of their ledger."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal"
        self.state = folder / "state.db"
        self.records = open_state(folder)

    async def deliver(self, sink: ScriptedSink | None = None, name: str = "sink") -> None:
        """Deliver everything to one sink."""
        await deliver(make(sink or ScriptedSink(), self.journal, self.records, name))

    def samples(self, *sinks: str) -> dict[str, float]:
        """Return all samples by name, with labels after a colon."""
        found = {}
        for metric in Ledger(open_log(self.journal), self.state, sinks or ("sink",)).collect():
            for sample in metric.samples:
                key = ":".join([sample.name.removeprefix("gateway_"), *filter(None, sample.labels.values())])
                found[key] = sample.value
        return found

    def balance(self, sink: str = "sink") -> tuple[float, float]:
        """Return the number of the journal's events, and the sum of the ledger."""
        samples = self.samples(sink)
        known = (n for key, n in samples.items() if key.startswith(f"sink_events_total:{sink}:"))
        return samples["journal_events_total"], samples[f"sink_pending_events:{sink}"] + sum(known)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books(tmp_path)
    yield opened
    opened.records.close()


def fail(folder: Path) -> None:
    """Append two events, two that a failing disk refuses, and one more."""
    partition = open_partition(folder)
    partition.write(event_lines(0, 2))
    failing_sync(folder / files.name(0))
    with pytest.raises(JournalUnavailable):
        partition.write(event_lines(2, 4))
    partition.write(event_lines(4, 5))
    partition.close()


def test_without_a_journal_there_are_no_counts(tmp_path: Path) -> None:
    ledger = Ledger(open_log(tmp_path / "journal"), tmp_path / "state.db", ["sink"])

    samples = [sample for metric in ledger.collect() for sample in metric.samples]

    assert [(sample.name, sample.value) for sample in samples] == [
        ("gateway_journal_events_total", 0),
        ("gateway_journal_bytes", 0),
    ]


def test_an_undelivered_event_is_pending_at_every_sink(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 3))
    keep(books.journal / "1", event_lines(0, 2))

    assert books.samples("a", "b")["sink_pending_events:a"] == 5
    assert books.samples("a", "b")["sink_pending_events:b"] == 5
    assert books.balance("a") == (5, 5)


async def test_a_delivered_event_is_not_pending(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 3))

    await books.deliver()

    samples = books.samples()
    assert samples["sink_events_total:sink:delivered"] == 3
    assert (samples["sink_pending_events:sink"], samples["sink_lag_seconds:sink"]) == (0, 0)
    assert books.balance() == (3, 3)


async def test_the_ledger_balances_during_delivery(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 3))
    await books.deliver()

    keep(books.journal / "0", event_lines(3, 5))

    assert books.samples()["sink_pending_events:sink"] == 2
    assert books.balance() == (5, 5)


async def test_filtered_events_are_counted_by_reason(books: Books) -> None:
    keep(books.journal / "0", [event_line(0), event_line(1, type="page"), event_line(2, type="alias")])

    await books.deliver(ScriptedSink(types=("track",)))

    assert books.samples()["sink_events_total:sink:filtered:type"] == 2
    assert books.balance() == (3, 3)


async def test_damaged_events_count_as_dead(books: Books) -> None:
    file = keep(books.journal / "0", event_lines(0, 2), [event_line(2, event="Damaged"), event_line(3)])
    flip(file, b"Damaged")

    await books.deliver()

    assert books.samples()["sink_events_total:sink:dead:damaged"] == 2
    assert books.balance() == (4, 4)


async def test_the_events_of_a_vanished_file_count_as_dead(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 2))
    gone = keep(books.journal / "0", event_lines(2, 5))
    keep(books.journal / "0", event_lines(5, 6))
    gone.unlink()

    await books.deliver()

    assert books.samples()["sink_events_total:sink:dead:damaged"] == 3
    assert books.balance() == (6, 6)


async def test_a_late_sink_has_skipped_events_no_longer_retained(books: Books) -> None:
    gone = keep(books.journal / "0", event_lines(0, 3))
    keep(books.journal / "0", event_lines(3, 5))
    await books.deliver()
    gone.unlink()

    await books.deliver(name="late")

    assert books.samples("late")["sink_events_total:late:skipped:before_sink"] == 3
    assert (books.balance(), books.balance("late")) == ((5, 5), (5, 5))


async def test_each_sink_has_its_own_counts(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 3))
    await books.deliver(name="a")
    keep(books.journal / "0", event_lines(3, 5))
    await books.deliver(ScriptedSink(types=("page",)), name="b")

    assert (books.balance("a"), books.balance("b")) == ((5, 5), (5, 5))
    assert books.samples("a", "b")["sink_pending_events:a"] == 2


async def test_the_partitions_of_former_workers_count(books: Books) -> None:
    for partition in ("0", "1", "7"):
        keep(books.journal / partition, event_lines(0, 3))

    await books.deliver()

    assert books.balance() == (9, 9)


async def test_a_sink_that_is_no_longer_configured_is_not_listed(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 3))
    await books.deliver(name="former")

    assert [key for key in books.samples() if "former" in key] == []


async def test_a_crash_of_the_writer_changes_no_sum(books: Books, tmp_path: Path) -> None:
    live = open_partition(tmp_path / "live/0")
    live.write(event_lines(0, 3))
    keep(crashed(tmp_path / "live/0", books.journal), event_lines(3, 4))

    await books.deliver()

    assert books.balance() == (4, 4)


async def test_an_event_refused_by_a_failing_disk_is_not_counted(books: Books) -> None:
    fail(books.journal / "0")

    await books.deliver()

    assert books.samples()["sink_events_total:sink:delivered"] == 3
    assert books.balance() == (3, 3)


def test_an_event_refused_by_a_failing_disk_is_not_pending(books: Books) -> None:
    fail(books.journal / "0")
    books.records.record("sink", "0", Position(0), Tally())

    assert books.balance() == (3, 3)


async def test_an_event_refused_by_a_failing_disk_is_not_skipped(books: Books) -> None:
    fail(books.journal / "0")
    (books.journal / "0" / files.name(0)).unlink()

    await books.deliver(name="late")

    assert books.balance("late") == (3, 3)


def make_older(file: Path, age: int) -> None:
    """Rewrite the chunks of a file with a commit time earlier by some milliseconds."""
    descriptor = os.open(file, os.O_RDWR)
    for found in list(scan.chunks(descriptor, files.START, file.stat().st_size, 0)):
        older = msgspec.structs.replace(found.chunk, received_at=found.chunk.received_at - age)
        os.pwrite(descriptor, chunk.encode_header(older), found.offset)
    os.close(descriptor)


def test_the_lag_is_the_age_of_the_oldest_pending_event_of_all_partitions(books: Books) -> None:
    for partition, age in (("0", 0), ("1", 3600_000), ("2", 60_000)):
        make_older(keep(books.journal / partition, event_lines(0, 2), event_lines(2, 3)), age)
    books.records.record("sink", "0", Position(3), Tally())

    lag = books.samples()["sink_lag_seconds:sink"]

    assert 3600 <= lag < 3600 + PATIENCE


def test_the_journal_size_is_its_size_on_disk(books: Books) -> None:
    keep(books.journal / "0", event_lines(0, 3))

    assert books.samples()["journal_bytes"] == open_log(books.journal).size() > 0


def test_a_state_that_cannot_be_read_is_an_error_and_one_that_is_missing_is_not(
    tmp_path: Path,
) -> None:
    keep(tmp_path / "journal/0", event_lines(0, 2))
    state = tmp_path / "state.db"
    ledger = Ledger(open_log(tmp_path / "journal"), state, ("sink",))

    assert any(each.samples for each in ledger.collect())
    state.write_bytes(b"no database" * 1000)
    with pytest.raises(StateUnavailable):
        list(ledger.collect())
