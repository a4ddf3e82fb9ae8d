"""Stateful test of crashes of json_lines: each event is written once, in order, and none is lost."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.config.units import Size
from gateway.sinks.base import Origin
from gateway.sinks.json_lines import JsonLines, JsonLinesConnection
from tests.build import event_line, event_lines
from tests.sinks.batches import batch, lines, others

ROOM = 1000  # distance between the positions of two streams
STREAMS: tuple[tuple[str, Origin], ...] = (
    ("0", "live"),
    ("1", "live"),
    ("0", "retry"),
    ("0", "replay"),
    ("1", "replay"),
)


class Step(NamedTuple):
    """A batch and its fate; an unrecorded batch is followed by a crash."""

    stream: int
    events: int
    fate: Literal["recorded", "written", "torn"]
    torn_at: float


class Delivery:
    """Delivers to a file as a worker does, with crashes."""

    def __init__(self, sink: JsonLines) -> None:
        self.sink = sink
        self.receipt = b""
        self.recorded = [stream * ROOM for stream in range(len(STREAMS))]
        self.furthest = list(self.recorded)
        self.connect()

    def connect(self) -> None:
        self.connection = JsonLinesConnection(self.sink, "archive", self.receipt)
        self.receipt = self.receipt or self.connection.receipt

    def take(self, step: Step) -> None:
        first = self.recorded[step.stream]
        end = first + step.events
        partition, origin = STREAMS[step.stream]
        path = self.sink.replay_path if origin == "replay" else self.sink.path
        before = path.stat() if path.exists() else None
        receipt = self.connection.append(batch(first, end, partition, origin=origin))
        self.furthest[step.stream] = max(self.furthest[step.stream], end)
        if step.fate == "recorded":
            self.receipt, self.recorded[step.stream] = receipt, end
            return
        self.connection.close()
        after = path.stat()
        start = before.st_size if before and after.st_ino == before.st_ino else 0
        if step.fate == "torn":
            with path.open("r+b") as file:
                file.truncate(start + int(step.torn_at * max(0, after.st_size - start)))
        self.connect()

    def finish(self) -> None:
        """Deliver up to the newest event."""
        for stream, (recorded, furthest) in enumerate(zip(self.recorded, self.furthest, strict=True)):
            self.take(Step(stream, furthest + 1 - recorded, "recorded", 0))
        self.connection.close()


steps = st.builds(
    Step,
    st.integers(0, len(STREAMS) - 1),
    st.integers(1, 5),
    st.sampled_from(["recorded", "written", "torn"]),
    st.floats(0, 1),
)


@given(
    earlier=st.integers(0, 3),
    steps=st.lists(steps, max_size=25),
    rotate_events=st.sampled_from([0, 0, 1, 7]),
)
@settings(max_examples=120)
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

        whole = [other for other in others(path) if ".cut-" not in other.name]
        replayed = lines(*sorted((each for each in whole if "-replay" in each.name), key=in_order))
        found = lines(*(each for each in whole if "-replay" not in each.name), path)
    assert found[:earlier] == before
    for stream, end in enumerate(delivery.recorded):
        content = replayed if STREAMS[stream][1] == "replay" else found[earlier:]
        own = [line for line in content if position(line) // ROOM == stream]
        assert own == event_lines(stream * ROOM, end)
    events = sum(end - n * ROOM for n, end in enumerate(delivery.recorded))
    assert len(found) + len(replayed) == earlier + events


def in_order(path: Path) -> str:
    """Return what sorts a rotated file before the one at the path itself."""
    return path.stem.removeprefix("events-replay") or "~"


def position(line: bytes) -> int:
    return int(json.loads(line)["messageId"].removeprefix("m"))
