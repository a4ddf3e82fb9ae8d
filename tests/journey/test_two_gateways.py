"""Two gateways on one machine: they share nothing, and no file has two owners."""

from pathlib import Path

import pytest

from gateway.home import Home
from tests.gateway import DEFAULTS, PATIENCE, Gateway, alive
from tests.journey.books import MADE_AGAIN, REPEATED, Listener, await_arrival, names, refused, send

TAKEN = "sink unavailable"


def at(journal: Path | str, sink: Path | str = "data/events.jsonl") -> str:
    return f'{DEFAULTS.replace("data/events.jsonl", str(sink))}\n[journal]\npath = "{journal}"\n'


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def test_neighbouring_gateways_deliver_their_own_events(tmp_path: Path) -> None:
    with (
        Gateway(folder(tmp_path, "a"), at(tmp_path / "data/one")) as one,
        Gateway(folder(tmp_path, "b"), at(tmp_path / "data/two")) as two,
    ):
        of_one, of_two = send(one, "one", 500), send(two, "two", 500)

        for running, own in ((one, of_one), (two, of_two)):
            await_arrival(running, own)
            assert names(running.events()) == own


def test_a_folder_in_use_is_refused_under_any_spelling(tmp_path: Path) -> None:
    second = folder(tmp_path, "second")
    (tmp_path / "link").symlink_to("data")

    with Gateway(tmp_path):
        for spelling in ("data/../data/journal", "link/journal"):
            path = tmp_path / spelling

            assert refused(second, at(path)) == [f"[journal] path: another gateway uses {path}"]


def test_a_folder_whose_lock_was_removed_is_locked_again(tmp_path: Path) -> None:
    path = tmp_path / "data/journal"

    with Gateway(tmp_path) as running:
        listener = Listener(running)
        (path / "LOCK").unlink()
        listener.until([MADE_AGAIN])

        assert refused(folder(tmp_path, "second"), at(path)) == [
            f"[journal] path: another gateway uses {path}"
        ]


def test_a_gateway_whose_folder_another_has_locked_exits_at_once(tmp_path: Path) -> None:
    path = tmp_path / "data/journal"

    with Gateway(tmp_path) as running:
        children = running.children().values()
        (path / "LOCK").unlink()
        with Home(path).own(timeout=0):
            code = running.process.wait(PATIENCE)
        last = running.logged().splitlines()[-1]

    assert (code, last) == (2, f"gateway: [journal] path: another gateway has taken {path}")
    assert not any(map(alive, children))


@pytest.mark.parametrize("spelling", ["data/../data/events.jsonl", "link/events.jsonl"])
def test_one_file_for_two_sinks_is_refused_under_any_spelling(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "link").symlink_to("data")
    second = f'[sinks.other]\nkind = "json_lines"\npath = "{spelling}"\n'

    one, other = refused(tmp_path, DEFAULTS + second)

    assert one.endswith("[sinks.events] path: another sink has the same file")
    assert other.endswith("[sinks.other] path: another sink has the same file")


def test_a_sink_waits_for_a_file_in_use_by_another_gateway(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"

    two = Gateway(folder(tmp_path, "b"), at("data/journal", file))
    listener = Listener(two)

    with Gateway(folder(tmp_path, "a"), at("data/journal", file)) as first, two as second:
        of_first = send(first, "first", 200)
        of_second = send(second, "second", 200)
        await_arrival(first, of_first, str(file))
        listener.until([TAKEN])
        [told] = [line for line in listener.lines if line["event"] == TAKEN]
        first.stop()

        await_arrival(second, of_first | of_second, str(file))

    assert "the file is in use by another process or sink" in told["error"]


def test_a_changed_journal_path_starts_a_new_journal_and_continues_the_sinks_file(tmp_path: Path) -> None:
    with Gateway(tmp_path, at("data/journal")) as running:
        await_arrival(running, send(running, "before", 200))
        listener = Listener(running)
        kept = (tmp_path / "data/events.jsonl").read_bytes()

        running.stop()
        running.file.write_text(at("data/elsewhere"))
        running.start()
        await_arrival(running, send(running, "after", 200))

        assert (tmp_path / "data/events.jsonl").read_bytes().startswith(kept)
        assert len(running.events()) == 400
        assert listener.problems == [REPEATED]
