"""
Backups and copies that do not match: a gateway never accepts a position of another history.

Whatever is restored, later events arrive, the content of sinks' files is never changed, and one line reports
the mismatch. Events may be delivered twice, but are never lost.
"""

import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from tests.gateway import Gateway
from tests.journey import needs
from tests.journey.books import (
    REPEATED,
    REWOUND,
    STATE_RECREATED,
    Listener,
    await_arrival,
    send,
)
from tests.journey.load import Load

SET_ASIDE = "journal file set aside"

_FAR_ENOUGH = 4 * 1024 * 1024  # an offset in an archive beyond all events stored by then


class History(NamedTuple):
    """Data folders of stopped gateways."""

    old: Path
    """A backup."""
    new: Path
    """The same gateway with later events."""
    other: Path
    """The folder of another gateway."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("history")
    found = History(*(folder / name for name in History._fields))
    for data, count in ((found.old, 50), (found.new, 450), (found.other, 600)):
        if data == found.other:
            shutil.rmtree(folder / "data")
        with Gateway(folder) as running:
            await_arrival(running, send(running, data.name, count))
            assert running.stop() == 0
        shutil.copytree(folder / "data", data)
    return found


@pytest.mark.parametrize(
    ("restored", "kind", "problems"),
    [
        pytest.param("journal/0", "old", [REWOUND], id="older partitions"),
        pytest.param("journal/state.db", "old", [], id="an older state"),
        pytest.param("journal/0", "other", [SET_ASIDE, REWOUND], id="another's partitions"),
        pytest.param("journal/state.db", "other", [STATE_RECREATED, REPEATED], id="another's state"),
        pytest.param(
            "journal/identity.json",
            "other",
            [SET_ASIDE, SET_ASIDE, STATE_RECREATED, REPEATED],
            id="another's identity",
        ),
    ],
)
def test_later_events_arrive_whatever_is_restored(
    history: History, tmp_path: Path, restored: str, kind: str, problems: Sequence[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(history.new, data)
    put_back(getattr(history, kind) / restored, data / restored)
    kept = (data / "events.jsonl").read_bytes()

    restarted = Gateway(tmp_path)
    listener = Listener(restarted)

    with restarted as running:
        await_arrival(running, send(running, "later", 200))
        listener.until(problems)

    assert (data / "events.jsonl").read_bytes().startswith(kept)


def test_restoring_all_but_the_sinks_file_removes_nothing_from_it(tmp_path: Path) -> None:
    journal, backup, file = tmp_path / "data/journal", tmp_path / "backup", tmp_path / "data/events.jsonl"

    with Gateway(tmp_path) as running:
        await_arrival(running, send(running, "old", 50))
        assert running.stop() == 0
        shutil.copytree(journal, backup)
        running.start()
        await_arrival(running, send(running, "new", 450))
        assert running.stop() == 0
        kept, listener = file.read_bytes(), Listener(running)
        put_back(backup, journal)
        running.start()
        await_arrival(running, send(running, "later", 200))
        listener.until([REPEATED])

    assert file.read_bytes().startswith(kept)
    assert len(running.events()) == 700


def put_back(source: Path, target: Path) -> None:
    """Replace a folder by a backup."""
    if source.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def test_a_copy_of_a_running_gateway_delivers_every_later_event(
    chance: random.Random, tmp_path: Path
) -> None:
    copy, archive = tmp_path / "copy", tmp_path / "data.tar"
    copy.mkdir()

    with Gateway(tmp_path) as original:
        with Load(original.port, chance) as load:
            load.advance(100)
        early = {name for client in load.clients for name in client.acknowledged}
        with archive.open("wb") as target, tar(tmp_path, "data") as source:
            target.write(source.read(_FAR_ENOUGH))
            with Load(original.port, chance) as load:
                load.advance(500)
            await_arrival(original, {name for client in load.clients for name in client.acknowledged})
            shutil.copyfileobj(source, target)
    subprocess.run(["tar", "--extract", "-C", copy, "-f", archive], check=True)
    restarted = Gateway(copy)
    listener = Listener(restarted)

    with restarted as running:
        await_arrival(running, early | send(running, "later", 200))
        incidents = running.metrics()['gateway_journal_incidents_total{kind="position_unknown"}']

    assert (listener.problems, incidents) == ([REWOUND], 1)


@contextmanager
def tar(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """Return the archive of a file or folder, written no faster than it is read."""
    program = needs.program("tar")
    command: list[str | Path] = [program, "--create", "--sort=name", "-C", folder, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        yield process.stdout
