"""Stateful test of crashes of json_lines: each event is written once, in order, and none is lost."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.config.units import Size
from gateway.sinks.json_lines import JsonLines, OwnedFile
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, lines, others

ROOM = 1000  # distance between the positions of two partitions


class Step(NamedTuple):
    """A batch and its fate; an unrecorded batch is followed by a crash."""

    partition: int
    events: int
    fate: Literal["recorded", "written", "torn"]
    torn_at: float


class Delivery:
    """Delivers to a file as a worker does, with crashes."""

    def __init__(self, sink: JsonLines) -> None:
        self.sink = sink
        self.receipt = b""
        self.recorded = [partition * ROOM for partition in range(3)]
        self.furthest = list(self.recorded)
        self.connect()

    def connect(self) -> None:
        self.file = OwnedFile(self.sink, "archive", self.receipt)
        self.receipt = self.file.initial_receipt or self.receipt

    def take(self, step: Step) -> None:
        first = self.recorded[step.partition]
        end = first + step.events
        before = self.sink.path.stat()
        receipt = self.file.append(batch(first, end, str(step.partition)))
        self.furthest[step.partition] = max(self.furthest[step.partition], end)
        if step.fate == "recorded":
            self.receipt, self.recorded[step.partition] = receipt, end
            return
        self.file.close()
        after = self.sink.path.stat()
        start = before.st_size if after.st_ino == before.st_ino else 0
        if step.fate == "torn":
            with self.sink.path.open("r+b") as file:
                file.truncate(start + int(step.torn_at * max(0, after.st_size - start)))
        self.connect()

    def finish(self) -> None:
        """Deliver up to the newest event."""
        for partition, (recorded, furthest) in enumerate(zip(self.recorded, self.furthest, strict=True)):
            self.take(Step(partition, furthest + 1 - recorded, "recorded", 0))
        self.file.close()


steps = st.builds(
    Step,
    st.integers(0, 2),
    st.integers(1, 5),
    st.sampled_from(["recorded", "written", "torn"]),
    st.floats(0, 1),
)


@given(
    earlier=st.integers(0, 3),
    steps=st.lists(steps, max_size=25),
    rotate_events=st.sampled_from([0, 0, 1, 7]),
)
@settings(max_examples=200, deadline=None)
def test_each_event_is_written_once_and_in_order_after_any_interruption(
    earlier: int, steps: list[Step], rotate_events: int
) -> None:
    with TemporaryDirectory() as folder, capture_logs():
        path = Path(folder) / "events.jsonl"
        before = event_lines(9000, 9000 + earlier)
        path.write_bytes(b"".join(line + b"\n" for line in before))
        delivery = Delivery(JsonLines(path=path, rotate_size=Size(rotate_events * len(event_line(1000)))))

        for step in steps:
            delivery.take(step)
        delivery.finish()

        found = lines(*(other for other in others(path) if ".cut-" not in other.name), path)
    assert found[:earlier] == before
    for partition, end in enumerate(delivery.recorded):
        own = [line for line in found[earlier:] if position(line) // ROOM == partition]
        assert own == event_lines(partition * ROOM, end)
    assert len(found) == earlier + sum(end - n * ROOM for n, end in enumerate(delivery.recorded))


def position(line: bytes) -> int:
    return int(json.loads(line)["messageId"].removeprefix("m"))
