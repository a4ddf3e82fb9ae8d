"""Helpers to check that all accepted events arrive, that the ledger balances, and what is logged."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.build import track
from tests.gateway import PATIENCE, Gateway, halt, until

EVENTS = "data/events.jsonl"

MADE_AGAIN = "files of the data folder removed or replaced; made again"
REPEATED = "file contains unrecorded events, retained"
RESTARTED = "process ended, starting it again"
REWOUND = "position does not belong to this journal, delivering again from the oldest event"
STATE_RECREATED = "state recreated, retained events are delivered again"


def send(running: Gateway, prefix: str, count: int) -> set[str]:
    """Send `count` events, and return their messageIds, which start with `prefix`."""
    names = [f"{prefix}-{number}" for number in range(count)]
    for start in range(0, count, 100):
        batch = [track(messageId=name) for name in names[start : start + 100]]
        answer = running.post("/v1/batch", {"batch": batch})
        assert answer.status == 200, answer
    return set(names)


def names(events: Iterable[dict[str, Any]]) -> set[str]:
    return {event["messageId"] for event in events}


def await_arrival(running: Gateway, sent: set[str], file: str = EVENTS) -> None:
    """Wait until a sink's file has all these events, nothing is pending, and the ledger balances."""
    until(lambda: sent <= names(running.events(file)))
    until(lambda: _open(running) == (0, 0))


def _open(running: Gateway) -> tuple[float, float]:
    """Return the number of pending events of the sink `events`, and the imbalance of its ledger."""
    samples = running.metrics()

    def outcome(word: str) -> float:
        start, end = f'gateway_sink_events_total{{outcome="{word}",', ',sink="events"}'
        return sum(n for name, n in samples.items() if name.startswith(start) and name.endswith(end))

    pending = samples.get('gateway_sink_pending_events{sink="events"}', -1)
    appended = samples["gateway_journal_events_total"] + outcome("rewound")
    ends = sum(map(outcome, ("delivered", "filtered", "dead", "skipped")))
    return pending, appended - ends - pending


@contextmanager
def delivery_stopped(running: Gateway) -> Iterator[None]:
    """Stop delivery for the duration of the block."""
    pid = running.children()["delivery-0"]
    halt(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


_OF_THE_INDEX = ("index of duplicates", "indexing again")


class Listener:
    """Reads what a gateway logs from now on."""

    def __init__(self, running: Gateway) -> None:
        self._file = running.folder / "gateway.log"
        self.restart()

    def restart(self) -> None:
        """Ignore what has been logged so far."""
        self._heard = self._file.stat().st_size if self._file.exists() else 0

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All log entries. Anything else in the log, such as a traceback, fails the test."""
        return [json.loads(line) for line in self._file.read_bytes()[self._heard :].splitlines()]

    @property
    def problems(self) -> list[str]:
        """
        The texts of all warnings and errors, in alphabetical order.

        The index of duplicates follows the journal and the state, and what it says of their problems is left
        out.
        """
        said = [line["event"] for line in self.lines if line["level"] in ("warning", "error")]
        return sorted(each for each in said if not any(words in each for words in _OF_THE_INDEX))

    def until(self, problems: Iterable[str], perhaps: str = "") -> None:
        """Wait for these warnings and errors; fail on others, except `perhaps`."""
        expected = sorted(problems)
        until(lambda: len(self._without(perhaps)) >= len(expected))
        assert self._without(perhaps) == expected

    def _without(self, problem: str) -> list[str]:
        return [each for each in self.problems if each != problem]


def refused(folder: Path, config: str, *prefix: str) -> list[str]:
    """Return the errors of a gateway that refuses to start; `prefix` precedes the command."""
    file = folder / "refused.toml"
    file.write_text(config)
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "gateway", "serve", "--config", str(file)],
        cwd=folder,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b""), done
    lines = done.stderr.decode().splitlines()
    assert all(line.startswith("gateway: ") for line in lines), lines
    return [line.removeprefix("gateway: ") for line in lines]
