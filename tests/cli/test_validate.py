"""`gateway validate`: verdicts on a file, without a running gateway."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.build import to_json, track

CONFIG = """
[sources.website]
write_keys = ["dev"]
site_id = "29"

[sinks.console]
kind = "null"
types = ["page"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.toml").write_text(CONFIG)
    return tmp_path


def run(folder: Path, content: bytes | None, *options: str, stdin: bytes = b"") -> Result:
    file = "-"
    if content is not None:
        file = str(folder / "events")
        Path(file).write_bytes(content)
    arguments = ["validate", file, "--config", str(folder / "gateway.toml"), *options]
    return CliRunner().invoke(main, arguments, input=stdin)


def items(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.output.splitlines()]


def test_a_refused_event_is_shown_with_its_place_and_what_to_change(folder: Path) -> None:
    found = run(folder, b'[\n  {"type": "track", "event": "A", "userId": "u"},\n  {"type": "page"}\n]')

    assert found.exit_code == 1
    assert found.output.splitlines() == [
        "3:3: missing_id: neither userId nor anonymousId; add one of them",
        "1 accepted, 1 refused",
    ]


def test_if_nothing_is_refused_it_succeeds(folder: Path) -> None:
    found = run(folder, to_json(track(timestamp="soon")))

    assert found.exit_code == 0
    assert found.output.splitlines()[0].startswith("1:1: unreadable_timestamp: timestamp")
    assert found.output.splitlines()[-1] == "1 repaired"


def test_programs_get_an_item_a_line_with_event_and_sinks(folder: Path) -> None:
    [item] = items(run(folder, to_json(track()), "--json"))

    assert item["event"]["source"]["name"] == "website"
    assert item["sinks"] == [{"sink": "console", "outcome": "filtered", "reason": "type"}]


def test_lines_are_bodies_of_their_own(folder: Path) -> None:
    content = b"\n".join([to_json(track()), b"", b"{", to_json({"batch": [track(), {}]})])

    found = items(run(folder, content, "--json"))

    assert [(item["place"]["line"], item.get("code")) for item in found] == [
        (1, None),
        (3, "unreadable_body"),
        (4, None),
        (4, "missing_type"),
    ]


def test_a_body_over_many_lines_is_one_body(folder: Path) -> None:
    content = json.dumps({"batch": [track(), {"type": "track"}]}, indent=2).encode()

    assert [item["verdict"] for item in items(run(folder, content, "--json"))] == ["accepted", "refused"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(to_json(track())), id="a body"),
        pytest.param(gzip.compress(to_json(track()) + b"\n" + to_json(track())), id="lines"),
    ],
)
def test_a_compressed_file_is_inflated(folder: Path, content: bytes) -> None:
    assert {item["verdict"] for item in items(run(folder, content, "--json"))} == {"accepted"}


def test_standard_input_is_read(folder: Path) -> None:
    assert run(folder, None, stdin=to_json(track())).output == "1 accepted\n"


def test_another_dialect_is_read_with_the_key_and_the_site_of_the_source(folder: Path) -> None:
    content = to_json({"event_name": "purchase", "user": {"id": "u"}})

    [item] = items(run(folder, content, "--json", "--dialect", "commandersact"))

    assert item["event"]["source"] == {
        "name": "website",
        "dialect": "commandersact",
        "siteId": "29",
        "route": "/events/batch",
    }


def test_with_several_sources_the_key_is_in_the_event_or_a_source_is_named(folder: Path) -> None:
    with (folder / "gateway.toml").open("a") as file:
        file.write('\n[sources.shop]\nwrite_keys = ["shop"]\n')

    unnamed = items(run(folder, to_json(track()), "--json"))
    own = items(run(folder, to_json(track(writeKey="shop")), "--json"))
    named = items(run(folder, to_json(track()), "--json", "--source", "shop"))

    assert unnamed[0]["code"] == "unknown_write_key"
    assert own[0]["event"]["source"]["name"] == named[0]["event"]["source"]["name"] == "shop"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--source", "websit"), "did you mean website?", id="an unknown source"),
        pytest.param(("--dialect", "smoke"), "there is no dialect 'smoke'", id="an unknown dialect"),
        pytest.param(("--route", "/smoke"), "needs one of the routes", id="an unknown route"),
    ],
)
def test_what_there_is_not_cannot_be_tried(folder: Path, options: tuple[str, ...], message: str) -> None:
    found = run(folder, b"{}", *options)

    assert found.exit_code == 2
    assert message in found.output


def test_a_damaged_file_cannot_be_tried(folder: Path) -> None:
    found = run(folder, gzip.compress(to_json(track()))[:-9])

    assert found.exit_code == 2


def test_an_empty_file_has_no_events(folder: Path) -> None:
    found = run(folder, b"\n")

    assert (found.exit_code, found.output) == (0, "No events.\n")


def test_what_events_say_cannot_control_the_terminal(folder: Path) -> None:
    found = run(folder, to_json({"type": "track", "userId": "u", "event": {"\x1b[31m": 1}}))

    assert "\x1b" not in found.output
