"""SIGHUP: the configuration is read again, and a bad one changes nothing."""

import signal
from collections.abc import Iterator
from http.client import HTTPException

import pytest

from tests.build import track
from tests.gateway import DEFAULTS, Gateway, until


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("lasting")) as started:
        yield started


@pytest.fixture
def running(lasting: Gateway) -> Iterator[Gateway]:
    """One for all tests of this file: after each, its configuration is as before."""
    yield lasting
    reload(lasting, DEFAULTS, "configuration reloaded")


def answers(running: Gateway, key: str) -> int:
    """The status of an event with that key."""
    return running.post("/v1/track", track(writeKey=key)).status


def reload(running: Gateway, config: str, told: str) -> None:
    """Change the configuration, and return once the log says so."""
    before = len(running.logged())
    running.file.write_text(config)
    running.process.send_signal(signal.SIGHUP)
    until(lambda: told in running.logged()[before:])


def is_listed(running: Gateway, sink: str) -> bool:
    """Whether the inspector knows a sink; while it is replaced, it may not answer."""
    try:
        return f'gateway_sink_pending_events{{sink="{sink}"}}' in running.metrics()
    except (OSError, HTTPException):
        return False


def test_a_good_configuration_takes_effect_without_a_restart(running: Gateway) -> None:
    before = answers(running, "new")

    reload(running, DEFAULTS.replace('"dev"', '"dev", "new"'), "configuration reloaded")

    until(lambda: answers(running, "new") == 200)
    assert (before, answers(running, "dev")) == (400, 200)


def test_a_source_that_was_taken_out_is_refused(running: Gateway) -> None:
    reload(running, DEFAULTS.replace('"dev"', '"dev", "old"'), "configuration reloaded")
    until(lambda: answers(running, "old") == 200)

    reload(running, DEFAULTS, "configuration reloaded")

    until(lambda: answers(running, "old") == 400)
    assert answers(running, "dev") == 200


def test_a_sink_that_was_put_in_gets_everything_that_is_kept(running: Gateway) -> None:
    answers(running, "dev")
    everything = running.drained()
    more = '[sinks.more]\nkind = "json_lines"\npath = "data/more.jsonl"\n'

    reload(running, DEFAULTS + more, "configuration reloaded")

    assert running.delivered(len(everything), "data/more.jsonl") == everything
    until(lambda: is_listed(running, "more"))


def test_a_bad_configuration_changes_nothing_and_is_told_of(running: Gateway) -> None:
    reload(running, DEFAULTS.replace("dev", "bad") + "[zzz]\n", "configuration not reloaded")

    assert f"{running.file}: [zzz]: unknown table" in running.logged()
    assert (answers(running, "dev"), answers(running, "bad")) == (200, 400)


def test_another_data_folder_needs_a_restart_and_is_told_of(running: Gateway) -> None:
    config = DEFAULTS.replace('"dev"', '"dev", "too"') + '[journal]\npath = "elsewhere"\n'

    reload(running, config, "only a restart applies it")

    until(lambda: answers(running, "too") == 200)
    assert not (running.folder / "elsewhere").exists()
