"""Stateful test: whatever is killed, lost or restored, no event is lost and no duplicate is delivered."""

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.delivery.duplicates.indexing import WINDOW, IndexingProcess, copy_folder
from tests.delivery.duplicates.timed_log import HOUR, TimedLog

START = 500_000 * HOUR
MAX_LAG = WINDOW / 8
"""A partition may lag by so much behind the others, in seconds."""

ids = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4)


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="duplicates-"))
        self.journal = TimedLog()
        self.now = START
        self.process = IndexingProcess(self.root, self.journal)
        self.times: dict[str, list[tuple[str, float]]] = {}
        """The id and time of every event, by partition."""
        self.duplicates: dict[str, list[int]] = {}
        """The duplicates that were found so far, by partition."""

    def teardown(self) -> None:
        self.process.close()
        shutil.rmtree(self.root)

    @rule(
        partition=st.sampled_from("012"),
        ids=ids,
        wait=st.sampled_from([0.0, 0.001, HOUR, 11 * HOUR, 13.5 * HOUR, WINDOW - 0.001, WINDOW]),
        lag=st.sampled_from([0.0, 0.001, HOUR, MAX_LAG]),
    )
    def append(self, partition: str, ids: list[str], wait: float, lag: float) -> None:
        self.now += wait
        time = self.now - (lag if partition == "2" else 0)
        self.journal.append(partition, time, *ids)
        self.times.setdefault(partition, []).extend((id, round(time * 1000)) for id in ids)

    @rule()
    def index(self) -> None:
        self.process.run()
        new: dict[str, list[float]] = {}
        repeated: list[tuple[str, float]] = []
        for partition, events in self.times.items():
            found = self.process.verdicts.duplicates(partition, 0, len(events))
            known = self.duplicates.get(partition, [])
            assert found[: len(known)] == known, "a verdict has changed"
            self.duplicates[partition] = found
            assert self.process.verdicts.ends()[partition] == len(events)
            for number, (id, time) in enumerate(events):
                if number in found:
                    repeated.append((id, time))
                else:
                    new.setdefault(id, []).append(time)
        window = WINDOW * 1000
        for id, time in repeated:
            assert any(abs(other - time) < window for other in new[id]), "an event is lost"
        for times in new.values():
            times.sort()
            apart = [later - earlier for earlier, later in pairwise(times)]
            assert all(each >= window for each in apart), "a duplicate is delivered"

    @rule()
    def kill(self) -> None:
        self.process.crash()

    @rule()
    def kill_before_recording(self) -> None:
        self.process.crash_before_recording()

    @rule()
    def lose_the_index(self) -> None:
        self.process.close()
        shutil.rmtree(self.process.index, ignore_errors=True)
        self.process.open()

    @rule()
    def copy_the_index(self) -> None:
        self.process.close()
        shutil.rmtree(self.root / "copy", ignore_errors=True)
        if self.process.index.exists():
            copy_folder(self.process.index, self.root / "copy")
        self.process.open()

    @rule()
    def restore_the_copy(self) -> None:
        if (self.root / "copy").exists():
            self.process.close()
            shutil.rmtree(self.process.index, ignore_errors=True)
            shutil.copytree(self.root / "copy", self.process.index)
            self.process.open()


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=15, stateful_step_count=20, suppress_health_check=[*HealthCheck])
