"""The folder of a gateway: its paths, owner and identity."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import ConfigError
from gateway.home import Home
from tests.homes import make_database, refused, rival, start

ID = bytes(range(16))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


def test_all_paths_of_a_gateway_are_in_its_folder(home: Home) -> None:
    paths = {
        home.identity: "identity.json",
        home.lock: "LOCK",
        home.partition(7): "7",
        home.quarantine: "quarantine",
        home.state: "state.db",
        home.people: "people.db",
        home.products: "products.db",
        home.diagnostics: "diagnostics",
    }

    assert paths == {home.folder / name: name for name in paths.values()}


def test_partitions_are_the_folders_with_numeric_names(home: Home) -> None:
    for name in ("0", "10", "quarantine", "1a"):
        (home.folder / name).mkdir(parents=True)
    (home.folder / "5").touch()

    assert home.partitions() == [home.partition(0), home.partition(10)]
    assert Home(home.folder / "none").partitions() == []


def test_the_first_start_creates_the_folder_and_the_journal_id(home: Home) -> None:
    with home.own():
        journal = home.journal
    with home.own():
        again = home.journal

    assert json.loads(home.identity.read_bytes()) == {"format": 1, "journal": journal.hex()}
    assert len(journal) == 16
    assert journal == again == Home(home.folder).journal


def test_two_journals_have_different_ids(tmp_path: Path) -> None:
    start(tmp_path / "a")
    start(tmp_path / "b")

    assert Home(tmp_path / "a").journal != Home(tmp_path / "b").journal


def test_a_folder_without_a_gateway_has_no_journal(home: Home) -> None:
    with pytest.raises(ConfigError, match="has the gateway ever run"):
        _ = home.journal


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="not JSON"),
        pytest.param(b'{"format": 1, "journal": "id"}', id="not hexadecimal"),
        pytest.param(b'{"format": 1, "journal": "abcd"}', id="too short"),
    ],
)
def test_a_lost_identity_is_recovered_from_journal_files(home: Home, content: bytes | None) -> None:
    start(home.folder)
    home.partition(0).mkdir()
    (home.partition(0) / "file").touch()
    home.identity.unlink()
    if content is not None:
        home.identity.write_bytes(content)

    with capture_logs() as logs, Home(home.folder).own(lambda: ID):
        pass

    assert Home(home.folder).journal == ID
    assert [(line["log_level"], line["event"]) for line in logs] == [("warning", "journal identity lost")]


def test_an_identity_that_cannot_be_recovered_is_recreated(home: Home) -> None:
    start(home.folder)
    before = home.journal
    home.identity.write_bytes(b"")

    with capture_logs() as logs, Home(home.folder).own(lambda: None):
        pass

    assert Home(home.folder).journal not in (before, ID)
    assert len(logs) == 1


def test_journal_files_are_not_read_if_the_identity_exists(home: Home) -> None:
    start(home.folder)
    before = home.journal
    home.partition(0).mkdir()
    (home.partition(0) / "file").touch()

    with capture_logs() as logs, Home(home.folder).own(lambda: ID):
        pass

    assert (Home(home.folder).journal, logs) == (before, [])


@pytest.mark.parametrize("rest", [b"", b', "journal": "id"', b', "journal": {}'])
def test_a_folder_of_another_format_is_refused_and_not_changed(home: Home, rest: bytes) -> None:
    content = b'{"format": 2%b}' % rest
    home.folder.mkdir()
    home.identity.write_bytes(content)

    told = refused(home.folder)

    assert told.startswith(f"{home} has format 2; this version reads format 1: move the folder away")
    assert home.identity.read_bytes() == content


def test_a_journal_of_an_earlier_version_is_refused_and_not_changed(home: Home) -> None:
    home.partition(0).mkdir(parents=True)
    make_database(home.partition(0) / "00000000000000000000.db")

    told = refused(home.folder)

    assert told.startswith(f"{home} holds the journal of an earlier version, 0/00000000000000000000.db: move")
    assert not home.identity.exists()


def test_only_one_process_owns_a_folder(home: Home) -> None:
    with rival(home.folder):
        assert refused(home.folder) == f"another gateway uses {home}"


def test_a_folder_can_be_owned_after_its_owner_has_ended(home: Home) -> None:
    with rival(home.folder) as process:
        process.kill()

        with home.own():
            assert home.lost() == []

    assert home.lost() == ["LOCK"]


def test_neighbouring_folders_have_separate_owners(tmp_path: Path) -> None:
    with Home(tmp_path / "one").own(), Home(tmp_path / "two").own():
        pass


def test_an_exception_in_the_block_is_not_translated(home: Home) -> None:
    with pytest.raises(BlockingIOError), home.own():
        raise BlockingIOError


@pytest.mark.parametrize(
    ("act", "lost"),
    [
        pytest.param(lambda home: home.lock.unlink(), ["LOCK"], id="lock removed"),
        pytest.param(lambda home: home.identity.unlink(), ["identity.json"], id="identity removed"),
        pytest.param(lambda home: home.identity.write_bytes(b""), ["identity.json"], id="identity emptied"),
        pytest.param(
            lambda home: home.identity.write_bytes(b'{"format": 2}'), ["identity.json"], id="other identity"
        ),
        pytest.param(lambda home: shutil.rmtree(home.folder), ["LOCK", "identity.json"], id="folder removed"),
    ],
)
def test_removed_files_are_noticed_and_recreated(
    home: Home, act: Callable[[Home], object], lost: list[str]
) -> None:
    with home.own():
        journal = home.journal
        act(home)
        noticed = home.lost()

        reclaimed = home.reclaim()

        assert (noticed, reclaimed, home.lost()) == (lost, True, [])
        assert Home(home.folder).journal == journal
        assert refused(home.folder) == f"another gateway uses {home}"


def test_a_lock_held_by_another_gateway_is_not_reclaimed(home: Home) -> None:
    with home.own():
        home.lock.unlink()
        with rival(home.folder):
            assert home.lost() == ["LOCK"]
            assert not home.reclaim()
