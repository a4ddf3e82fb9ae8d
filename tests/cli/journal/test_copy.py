"""A journal is copied to another engine with what each sink has had, whether or not that is interrupted."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.config.file import load
from gateway.home import Home
from gateway.journal import engines
from gateway.journal.base import Position
from gateway.journal.persons import partition as partition_of
from gateway.state.letters import Burial, Choice
from gateway.state.store import State
from gateway.state.tally import Tally
from tests import databases
from tests.build import JOURNAL, event_line, keep, read_to_end
from tests.journal.jetstream_engine import on, syncing_server
from tests.journal.kafka_topic import warm_server
from tests.sinks.nats_server import PASSWORD, USER

DELIVERED = ("delivered", "")
SINKS = """
[server]
port = 0
[inspector]
port = 0
[sources.default]
write_keys = ["dev"]
[sinks.early]
kind = "null"
[sinks.late]
kind = "null"
"""
STATE = """
[state]
url = "{state}"
"""
KAFKA = """
[journal]
engine = "kafka"
servers = ["{server.address}"]
name = "{name}"
partitions = 3
replicas = 1
require = "fsync"
max_size = "256MB"
"""
JETSTREAM = """
[journal]
engine = "jetstream"
servers = ["{journal.servers[0]}"]
name = "{journal.name}"
partitions = 3
replicas = 1
max_size = "256MB"
require = "fsync"
monitor = ["{journal.monitor[0]}"]
user = "{user}"
password = "{password}"
"""
LINES = [event_line(number, userId=f"u{number % 5}") for number in range(20)]


def burial(number: int) -> Burial:
    return Burial(number, 1, "early/0/0-9", "refused", "no", "HTTP 400", 1, 1, 2, LINES[number])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A configuration whose sink `early` has had all of two partitions, and `late` less."""
    folder = tmp_path / "source"
    keep(folder / "data/journal/0", LINES[:12])
    keep(folder / "data/journal/1", LINES[12:])
    home = Home(folder / "data/journal")
    State.prepare(home.state, JOURNAL)
    with closing(State.open(home.state, JOURNAL)) as state:
        state.record(
            "early", "0", Position(12), Tally({DELIVERED: 11, ("dead", "refused"): 1}), burials=[burial(3)]
        )
        state.record("early", "1", Position(8), Tally({DELIVERED: 7, ("filtered", "type"): 1}))
        state.record("late", "0", Position(12), Tally({DELIVERED: 12}))
        state.record("late", "1", Position(5), Tally({DELIVERED: 5}))
        state.orders.place("late", "pause")
    (folder / "gateway.toml").write_text(SINKS)
    return folder / "gateway.toml"


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    """A configuration of an embedded journal that is not there yet."""
    (tmp_path / "embedded").mkdir()
    (tmp_path / "embedded/gateway.toml").write_text(SINKS)
    return tmp_path / "embedded/gateway.toml"


@pytest.fixture(params=["jetstream", "kafka"])
def shared(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A configuration of a journal on an engine with three partitions that is not there yet."""
    (tmp_path / "shared").mkdir()
    with databases.database() as state:
        if request.param == "kafka":
            table = KAFKA.format(server=warm_server(), name=f"copy-{secrets.token_hex(4)}")
        else:
            table = JETSTREAM.format(journal=on(syncing_server()), user=USER, password=PASSWORD)
        (tmp_path / "shared/gateway.toml").write_text(SINKS + table + STATE.format(state=state))
        yield tmp_path / "shared/gateway.toml"


def copy(source: Path, target: Path) -> Result:
    return CliRunner().invoke(main, ["journal", "copy", "--from", str(source), "--to", str(target)])


def ledger(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        CliRunner().invoke(main, ["ledger", "--json", "--config", str(file)]).stdout
    )
    return found


def begin(target: Path, lines: list[bytes]) -> None:
    """Append lines to the target, as a copy that is interrupted."""
    config = load(target, None, {})
    home = Home(config.journal.path)

    async def append() -> None:
        async with engines.appending(config.journal, home.journal, 0, 1) as appender:
            await appender.append(lines)
            await appender.close()

    with home.own():
        asyncio.run(append())


@contextmanager
def opened(file: Path) -> Iterator[tuple[State, dict[str, list[bytes]]]]:
    """Lend the state of a configuration, and the lines of each partition."""
    config = load(file, None, {})
    journal = engines.open_log(config.journal)
    home = Home(config.journal.path, config.state.url)
    lines = {name: read_to_end(journal.reader(name), Position(0)).lines for name in journal.partitions()}
    with closing(State.open_read_only(home.state)) as state:
        yield state, lines


def check_whole(target: Path, source: Path) -> None:
    """Check that each sink has had the same events, and has the same letters."""
    before, after = ledger(source), ledger(target)
    assert after == before
    assert after["balanced"]
    with opened(target) as (state, lines):
        assert sorted(line for each in lines.values() for line in each) == sorted(LINES)
        pending = [
            line
            for name, each in lines.items()
            for line in each[(state.position("late", name) or Position(0)).number :]
        ]
        assert sorted(pending) == sorted(LINES[17:])
        [letter] = state.dead.select(Choice())
        assert (letter.code, letter.canonical) == ("refused", LINES[3])
        assert letter.partition in lines
        assert state.paused() == {"late"}


def test_sinks_go_on_where_they_were_in_another_embedded_journal(source: Path, embedded: Path) -> None:
    done = copy(source, embedded)

    assert (done.exit_code, done.stderr.splitlines()[-1]) == (0, "20 events copied.")
    check_whole(embedded, source)


def test_sinks_go_on_where_they_were_on_an_engine_and_back(
    source: Path, shared: Path, embedded: Path
) -> None:
    there = copy(source, shared)
    back = copy(shared, embedded)

    assert (there.exit_code, back.exit_code) == (0, 0), there.output + back.output
    check_whole(shared, source)
    check_whole(embedded, source)
    with opened(shared) as (_, lines):
        for name, each in lines.items():
            people = {json.loads(line)["userId"] for line in each}
            assert {partition_of("default", person, 3) for person in people} <= {int(name)}


@pytest.mark.parametrize("there", [1, 7, 20])
def test_an_interrupted_copy_is_resumed(source: Path, embedded: Path, there: int) -> None:
    begin(embedded, LINES[:there])

    done = copy(source, embedded)

    assert done.exit_code == 0
    check_whole(embedded, source)


def test_a_copy_that_is_complete_may_be_repeated(source: Path, embedded: Path) -> None:
    codes = [copy(source, embedded).exit_code for _ in range(2)]

    assert codes == [0, 0]
    check_whole(embedded, source)


def test_a_journal_with_other_events_is_no_target(source: Path, embedded: Path) -> None:
    begin(embedded, LINES[5:7])

    done = copy(source, embedded)

    assert done.exit_code == 2
    assert "the target has other events" in done.stderr


def test_a_gateway_that_runs_cannot_be_copied(source: Path, embedded: Path) -> None:
    with Home(source.parent / "data/journal").own():
        done = copy(source, embedded)

    assert done.exit_code == 2
    assert "another gateway uses" in done.stderr


def test_a_copy_waits_for_jobs_to_end(source: Path, embedded: Path) -> None:
    with closing(State.open(source.parent / "data/journal/state.db", JOURNAL)) as state:
        state.jobs.retry("early", Choice(), 0, None)

    done = copy(source, embedded)

    assert done.exit_code == 2
    assert "job 1 has not ended" in done.stderr
