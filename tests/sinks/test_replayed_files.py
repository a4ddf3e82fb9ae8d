"""A replay through a real gateway: the sinks that write files keep replayed events apart from the others."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.gateway import Gateway, until
from tests.sinks.parquet_files import files, ids

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
[sinks.lake]
kind = "parquet"
path = "lake"
roll_time = "0s"
"""


def replay(running: Gateway, *sinks: str) -> None:
    command = [sys.executable, "-m", "gateway", "replay", "--since", "1h", "--yes", "--config"]
    started = [
        subprocess.Popen([*command, str(running.file), sink], stdout=subprocess.PIPE) for sink in sinks
    ]
    for each in started:
        each.communicate()
        assert each.returncode == 0


def test_replayed_events_are_in_files_of_their_own(gateway: Callable[..., Gateway], tmp_path: Path) -> None:
    running = gateway(CONFIG)
    sent = [f"m{number}" for number in range(5)]
    for each in sent:
        running.post("/v1/track", {"userId": "u", "event": "Order", "messageId": each})
    running.delivered(5)
    until(lambda: len(ids(files(tmp_path / "lake"))) == 5)
    until(lambda: all(running.pending(sink) == 0 for sink in ("events", "lake")))

    replay(running, "events", "lake")

    assert [event["messageId"] for event in running.events()] == sent
    assert [event["messageId"] for event in running.events("data/events-replay.jsonl")] == sent
    found = files(tmp_path / "lake")
    replayed = {name: content for name, content in found.items() if "/replay-lake-" in name}
    assert ids({name: content for name, content in found.items() if name not in replayed}) == sent
    assert ids(replayed) == sent
