"""Journal incidents that are found before the processes start are counted like all others."""

import os
import signal
from pathlib import Path

import pytest

from tests.build import track
from tests.gateway import DEFAULTS, Gateway, until

SET_ASIDE = 'gateway_journal_incidents_total{kind="tail_set_aside"}'


@pytest.fixture
def running(tmp_path: Path) -> Gateway:
    """A gateway that was killed, and whose journal another program has written to."""
    gateway = Gateway(tmp_path, DEFAULTS)
    gateway.start()
    assert gateway.post("/v1/track", track()).status == 200
    gateway.kill()
    *_, last = sorted((tmp_path / "data/journal/0").glob("*.log"))
    with last.open("ab") as file:
        file.write(b"not of this journal")
    return gateway


def test_what_the_start_finds_is_in_the_metrics(running: Gateway) -> None:
    with running:
        assert running.metrics()[SET_ASIDE] == 1


def test_it_is_counted_once_by_whatever_process_starts_again(running: Gateway) -> None:
    with running:
        inspector = running.children()["inspector"]
        os.kill(inspector, signal.SIGKILL)
        until(lambda: running.children().get("inspector", inspector) != inspector)

        assert running.metrics()[SET_ASIDE] == 1
