"""Several delivery processes: what happens to one of them, or to one sink, costs the other sinks nothing."""

import array
import fcntl
import os
import signal
import termios
from collections.abc import Callable

import pytest

from tests.build import track
from tests.gateway import Gateway, halt, until
from tests.processes.test_reload import reload

BASE = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
[delivery]
processes = {}
"""
CONSOLE = '[sinks.console]\nkind = "stdout"\n'
RELOADED = "configuration reloaded"
FULL_PIPE = 65536  # bytes


def configured(processes: int, *files: str, more: str = "") -> str:
    """A json_lines sink for each of the names."""
    sinks = (f'[sinks.{name}]\nkind = "json_lines"\npath = "data/{name}.jsonl"\n' for name in files)
    return "".join((BASE.format(processes), *sinks, more))


def send(running: Gateway, *names: str) -> None:
    for name in names:
        assert running.post("/v1/track", track(event=name)).status == 200


def delivered(running: Gateway, sink: str, count: int) -> list[str]:
    """The names of what a sink has got, once there are so many."""
    return [event["event"] for event in running.delivered(count, f"data/{sink}.jsonl")]


def has_processes(running: Gateway, *names: str) -> bool:
    return {name for name in running.children() if name.startswith("delivery")} == set(names)


def recorded(running: Gateway, sink: str) -> bool:
    """Whether the state has it that a sink has got everything."""
    return running.pending(sink) == 0


def fill(running: Gateway) -> int:
    """Send more than a pipe holds that nobody reads, and return how many events that took."""
    events = [track(properties={"long": "x" * 10_000}) for _ in range(10)]
    assert running.post("/v1/batch", {"batch": events}).status == 200
    assert running.process.stdout
    waiting = array.array("i", [0])
    descriptor = running.process.stdout.fileno()
    until(lambda: not fcntl.ioctl(descriptor, termios.FIONREAD, waiting) and waiting[0] >= FULL_PIPE)
    return len(events)


def test_a_process_that_stands_still_or_ends_costs_its_own_sinks_alone(
    gateway: Callable[..., Gateway],
) -> None:
    running = gateway(configured(2, "a", "b"))
    send(running, "before")
    until(lambda: recorded(running, "b"))  # so that it is not stopped while it has the state locked
    before = running.children()

    halt(before["delivery-1"])
    send(running, "meanwhile")
    reached = delivered(running, "a", 2), delivered(running, "b", 1)
    os.kill(before["delivery-1"], signal.SIGKILL)
    send(running, "after")

    assert reached == (["before", "meanwhile"], ["before"])
    assert delivered(running, "b", 3) == ["before", "meanwhile", "after"]
    assert delivered(running, "a", 3) == ["before", "meanwhile", "after"]
    after = running.children()
    assert {name for name in before if before[name] != after.get(name)} == {"delivery-1"}


def test_a_changed_sink_leaves_all_processes_and_the_other_sinks_alone(
    gateway: Callable[..., Gateway],
) -> None:
    config = configured(2, "a", "b", "c")
    running = gateway(config)
    before = running.children()
    send(running, *map(str, range(20)))

    reload(running, f'{config}types = ["identify"]\n', RELOADED)
    send(running, "last")

    everything = [*map(str, range(20)), "last"]
    assert delivered(running, "a", 21) == delivered(running, "b", 21) == everything
    until(
        lambda: running.metrics().get('gateway_sink_events_total{outcome="filtered",reason="type",sink="c"}')
    )
    assert running.children() == before


def test_a_new_sink_gets_a_process_which_ends_when_the_sink_is_removed(
    gateway: Callable[..., Gateway],
) -> None:
    running = gateway(configured(2, "a"))
    before = running.children()
    send(running, "first")

    reload(running, configured(2, "a", "b"), RELOADED)
    reached = delivered(running, "b", 1)
    both = has_processes(running, "delivery-0", "delivery-1")
    reload(running, configured(2, "a"), RELOADED)

    assert (reached, both) == (["first"], True)
    until(lambda: running.children() == before)
    assert "starting it again" not in running.logged()


def test_what_is_said_of_a_sink_goes_with_it(gateway: Callable[..., Gateway]) -> None:
    running = gateway(configured(1, "a", "b"))
    send(running, "first")
    delivered(running, "b", 1)

    reload(running, configured(1, "a"), RELOADED)

    until(lambda: not any('sink="b"' in name for name in running.metrics()))
    assert running.metrics()['gateway_sink_up{sink="a"}'] == 1


def test_with_fewer_processes_a_sink_moves_and_gets_everything_once(gateway: Callable[..., Gateway]) -> None:
    running = gateway(configured(2, "a", "b"))
    send(running, "1", "2")

    reload(running, configured(1, "a", "b"), RELOADED)
    until(lambda: has_processes(running, "delivery-0"))
    send(running, "3")

    assert delivered(running, "a", 3) == delivered(running, "b", 3) == ["1", "2", "3"]


def test_the_journal_is_trimmed_also_by_a_process_without_a_sink(gateway: Callable[..., Gateway]) -> None:
    journal = '[journal]\nkeep = "1s"\nmax_size = "4MB"\n'
    running = gateway(configured(2, "a", "b", more=journal))
    reload(running, configured(2, "b", more=journal), RELOADED)

    for _ in range(20):
        running.post("/v1/batch", {"batch": [track(properties={"long": "x" * 10_000})] * 10})

    until(lambda: "journal file deleted" in running.logged())
    assert has_processes(running, "delivery-0", "delivery-1")


@pytest.mark.parametrize("console", ["", CONSOLE + 'types = ["identify"]\n'], ids=["removed", "changed"])
def test_a_sink_that_is_stuck_does_not_stop_its_neighbours_at_a_reload(
    gateway: Callable[..., Gateway], console: str
) -> None:
    running = gateway(configured(1, "a"))
    reload(running, configured(1, "a", more=CONSOLE), RELOADED)
    long = fill(running)

    reload(running, configured(1, "a", "b", more=console), RELOADED)
    send(running, "at once")
    delivered(running, "a", long + 1)
    delivered(running, "b", long + 1)  # once the change has taken effect
    send(running, "later")

    assert delivered(running, "a", long + 2)[-2:] == ["at once", "later"]
    assert delivered(running, "b", long + 2)[-2:] == ["at once", "later"]
    assert ('gateway_sink_up{sink="console"}' in running.metrics()) == bool(console)


def test_a_process_that_does_not_react_to_a_reload_is_replaced(gateway: Callable[..., Gateway]) -> None:
    running = gateway(configured(2, "a", "b"))
    before = running.children()
    send(running, "first")
    delivered(running, "b", 1)

    halt(before["delivery-1"])
    reload(running, configured(2, "a", "b") + 'types = ["track"]\n', RELOADED)
    send(running, "second")

    assert delivered(running, "b", 2) == ["first", "second"]
    assert running.children()["delivery-1"] != before["delivery-1"]
    assert running.children()["delivery-0"] == before["delivery-0"]


def test_a_gateway_with_a_stuck_sink_stops(gateway: Callable[..., Gateway]) -> None:
    running = gateway(configured(2, "a"))
    reload(running, configured(2, "a", more=CONSOLE), RELOADED)
    long = fill(running)

    code = running.stop()

    assert code == 0
    assert len(running.events("data/a.jsonl")) == long
