"""A journal is copied with what each sink has had, whether or not the copy is interrupted."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build import event_lines, keep, read_all
from tests.gateway import Gateway

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "events.jsonl"
[sinks.idle]
kind = "null"
"""

Start = Callable[..., Gateway]


def configure(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "gateway.toml").write_text(CONFIG)
    return folder / "gateway.toml"


def copy(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "journal", "copy", "--from", str(source), "--to", str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def ledger(file: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "gateway", "ledger", "--json", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A configuration whose sinks have had 20 events, of which `idle` has 5 pending."""
    file = configure(tmp_path / "source")
    with Gateway(tmp_path / "source", CONFIG) as gateway:
        for number in range(15):
            gateway.post("/v1/track", {"userId": f"u{number}", "event": "x", "messageId": f"m{number}"})
        gateway.drained()
        pause = [sys.executable, "-m", "gateway", "sinks", "pause", "idle", "--yes", "--config", str(file)]
        subprocess.run(pause, check=True, capture_output=True)
        for number in range(15, 20):
            gateway.post("/v1/track", {"userId": f"u{number}", "event": "x", "messageId": f"m{number}"})
        gateway.drained()
        gateway.stop()
    return file


def test_the_gateway_goes_on_where_it_was(source: Path, tmp_path: Path) -> None:
    target = configure(tmp_path / "target")

    done = copy(source, target)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "20 events copied.")
    before, after = ledger(source), ledger(target)
    assert after == before
    assert after["sinks"]["events"]["delivered"] == 20  # type: ignore[index]
    assert after["sinks"]["idle"]["pending"] == 5  # type: ignore[index]


def test_an_interrupted_copy_is_resumed(source: Path, tmp_path: Path) -> None:
    target = configure(tmp_path / "target")
    lines = read_all(source.parent / "data/journal/0").lines
    partition = target.parent / "data/journal/0"
    keep(partition, lines[:7])

    done = copy(source, target)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "20 events copied.")
    assert read_all(partition).lines == lines
    assert ledger(target) == ledger(source)


def test_a_copy_that_is_complete_may_be_repeated(source: Path, tmp_path: Path) -> None:
    target = configure(tmp_path / "target")

    codes = [copy(source, target).returncode for _ in range(2)]

    assert codes == [0, 0]
    assert ledger(target) == ledger(source)


def test_a_journal_with_other_events_is_no_target(source: Path, tmp_path: Path) -> None:
    target = configure(tmp_path / "target")
    keep(target.parent / "data/journal/0", event_lines(0, 3))

    done = copy(source, target)

    assert done.returncode == 2
    assert "the target has other events" in done.stderr


def test_a_gateway_that_runs_cannot_be_copied(source: Path, tmp_path: Path) -> None:
    target = configure(tmp_path / "target")
    with Gateway(source.parent, CONFIG):
        done = copy(source, target)

    assert done.returncode == 2
    assert "another gateway uses" in done.stderr


def test_a_journal_is_not_copied_to_itself(source: Path) -> None:
    done = copy(source, source)

    assert done.returncode == 2
