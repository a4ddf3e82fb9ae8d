"""Which delivery process gets which sink: stable, even, and never two for the same sink."""

from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.config.tables import Config
from gateway.processes.shares import assign, limit, own_sinks, share

THREE_SINKS = """
[sources.default]
write_keys = ["dev"]
[sinks.a]
kind = "null"
[sinks.b]
kind = "stdout"
[sinks.c]
kind = "null"
types = ["track"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "gateway.toml"
    file.write_text(THREE_SINKS)
    return load(file, None, {})


def test_new_sinks_are_spread_evenly() -> None:
    assert assign("abcde", {}, {}, 2) == {"a": 0, "b": 1, "c": 0, "d": 1, "e": 0}


def test_there_are_no_more_processes_than_sinks() -> None:
    assert assign("ab", {}, {}, 8) == {"a": 0, "b": 1}


def test_a_sink_stays_where_it_was() -> None:
    before = {"a": 1, "b": 1, "c": 0}

    assert assign("cba", before, before, 4) == before


def test_a_sink_stays_although_others_have_gone() -> None:
    assert assign("c", {"a": 0, "b": 1, "c": 2}, {}, 3) == {"c": 2}


def test_a_new_sink_goes_to_the_process_with_the_fewest() -> None:
    before = {"a": 0, "b": 0, "c": 1}

    assert assign("abcd", before, before, 2) == {**before, "d": 1}


def test_a_new_sink_gets_a_process_of_its_own_while_the_number_allows() -> None:
    assert assign("ab", {"a": 0}, {"a": 0}, 2) == {"a": 0, "b": 1}


def test_a_sink_of_a_process_that_is_starting_again_stays_with_it() -> None:
    assert assign("ab", {"a": 0, "b": 1}, {"a": 0}, 2) == {"a": 0, "b": 1}


def test_a_sink_that_comes_back_goes_to_the_process_that_still_writes_to_it() -> None:
    assert assign("ab", {"a": 0}, {"a": 0, "b": 0}, 2) == {"a": 0, "b": 0}


def test_a_sink_moves_away_from_a_process_too_many_only_when_it_is_released() -> None:
    before = {"a": 0, "b": 1}

    waiting = assign("ab", before, before, 1)
    released = assign("ab", waiting, {"a": 0}, 1)

    assert (waiting, released) == ({"a": 0}, {"a": 0, "b": 0})


def test_a_process_is_told_of_its_own_sinks_only(config: Config) -> None:
    places = {"a": 0, "b": 1, "c": 0}

    shares = [share(config, places, slot) for slot in range(2)]

    assert [list(each.config.sinks) for each in shares] == [["a", "c"], ["b"]]
    assert shares[0].config.sinks["c"] == config.sinks["c"]


def test_the_first_process_trims_for_all_sinks_and_no_other_does(config: Config) -> None:
    places = {"a": 1, "b": 1, "c": 1}

    assert [share(config, places, slot).trimmed_for for slot in range(2)] == [("a", "b", "c"), ()]


def test_what_is_asked_for_is_the_limit() -> None:
    assert limit(5) == 5


def test_nothing_asked_for_is_a_process_a_core() -> None:
    assert limit(0) >= 1


def test_sinks_of_another_gateways_machine_are_left_to_it(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        """
        [server]
        node = "one"
        [journal]
        engine = "jetstream"
        servers = ["nats://127.0.0.1:4222"]
        [state]
        url = "postgresql://127.0.0.1/gateway"
        [sources.default]
        write_keys = ["dev"]
        [sinks.anywhere]
        kind = "null"
        [sinks.here]
        kind = "stdout"
        node = "one"
        [sinks.there]
        kind = "stdout"
        node = "two"
        """
    )

    assert own_sinks(load(file, None, {})) == ["anywhere", "here"]
