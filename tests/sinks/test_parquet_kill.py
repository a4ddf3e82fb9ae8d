"""The parquet sink and its process killed at random moments: each event is in one file, once."""

import random
import subprocess
import sys
from pathlib import Path

from tests.sinks.parquet_files import files, rows
from tests.sinks.parquet_killed import EVENTS

ROUNDS = 25
BATCHES = 100


def test_each_event_is_written_once_through_kills(
    tmp_path: Path, rounds: int | None, chance: random.Random
) -> None:
    times = [str(chance.uniform(0, 0.2)) for _ in range(rounds or ROUNDS)]
    arguments = [str(tmp_path), str(BATCHES), *times]

    ran = subprocess.run(
        [sys.executable, "-m", "tests.sinks.parquet_killed", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert int(ran.stdout) > 0
    found = rows(files(tmp_path / "lake"))
    assert sorted(int(row["position"][2:]) for row in found) == list(range(BATCHES * EVENTS))
    assert len(files(tmp_path / "lake")) == BATCHES * 3
