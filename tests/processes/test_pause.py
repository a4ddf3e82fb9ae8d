"""A sink that an operator pauses while the gateway runs."""

import subprocess
import sys
from collections.abc import Callable

from tests.build import track
from tests.gateway import Gateway, until


def order(running: Gateway, verb: str) -> None:
    command = [sys.executable, "-m", "gateway", "sinks", verb, "events", "--yes"]
    subprocess.run([*command, "--config", str(running.file)], check=True, cwd=running.folder)


def test_a_paused_sink_gets_nothing_until_it_is_resumed(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    running.post("/v1/track", track(messageId="before"))
    running.delivered(1)

    order(running, "pause")
    until(lambda: "order carried out" in running.logged())
    running.post("/v1/track", track(messageId="meanwhile"))
    until(lambda: running.pending() == 1)
    assert running.stop() == 0
    running.start()
    running.post("/v1/track", track(messageId="after a restart"))
    until(lambda: running.pending() == 2)
    paused = running.events()
    order(running, "resume")

    assert [event["messageId"] for event in paused] == ["before"]
    names = [event["messageId"] for event in running.drained()]
    assert names == ["before", "meanwhile", "after a restart"]
