"""`gateway send`: importing a file through the front door of a running gateway, resumable and exact."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.import_file import Import
from gateway.cli.importing import ImportFailed
from gateway.cli.main import main
from gateway.cli.posting import Poster
from tests.gateway import Gateway, free_ports

MANY = 1500
"""More events than one batch of an import has."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for all imports of this file; its events add up."""
    with Gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


def write(file: Path, *lines: Any) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    file.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return file


def track(user: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Imported", "userId": user, **fields}


def address(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}"


def send(file: Path, gateway: Gateway, key: str = "dev") -> Result:
    command = ["send", str(file), "--to", address(gateway), "--write-key", key]
    return CliRunner().invoke(main, command)


def begin(file: Path, gateway: Gateway) -> Import:
    """An import whose first batch is sent."""
    with file.open("rb") as stream:
        begun = Import(file, stream, Poster(address(gateway), "dev", print))
        next(begun.run())
    return begun


def arrived(gateway: Gateway, user: str) -> list[dict[str, Any]]:
    """What a user has in the sink, once there is nothing more to come."""
    return [event for event in gateway.drained() if event.get("userId") == user]


def test_every_event_of_a_file_arrives(gateway: Gateway, file: Path) -> None:
    result = send(write(file, *(track("all", properties={"n": n}) for n in range(MANY))), gateway)

    events = arrived(gateway, "all")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith(f"{MANY} accepted, 0 refused.\n")
    assert [event["properties"]["n"] for event in events] == list(range(MANY))
    assert len({event["messageId"] for event in events}) == MANY


def test_each_refused_line_is_listed_with_its_number(gateway: Gateway, file: Path) -> None:
    write(
        file,
        track("partly"),
        "",
        "{broken",
        '["no object"]',
        {"type": "track", "userId": "partly"},
        {"type": "click", "userId": "partly"},
        track("partly", properties={"filler": "x" * 20_000}),
        track("partly"),
    )

    result = send(file, gateway)

    listed = [line.removeprefix(f"{file}:").split(": ")[:2] for line in result.stdout.splitlines()]
    assert listed == [
        ["3", "not_an_object"],
        ["4", "not_an_object"],
        ["5", "missing_event"],
        ["6", "unknown_type"],
        ["7", "event_too_large"],
    ]
    assert result.exit_code == 1
    assert result.stderr.endswith("2 accepted, 5 refused.\n")
    assert len(arrived(gateway, "partly")) == 2


def test_lines_of_a_later_batch_keep_their_numbers(gateway: Gateway, file: Path) -> None:
    result = send(write(file, *[track("later")] * (MANY - 1), {"type": "page"}), gateway)

    assert result.stdout.startswith(f"{file}:{MANY}: missing_id: ")


def test_an_import_that_was_broken_off_goes_on_where_it_was(gateway: Gateway, file: Path) -> None:
    write(file, *(track("resumed", properties={"n": n}) for n in range(MANY)))
    line = begin(file, gateway).progress.line

    result = send(file, gateway)

    numbers = [event["properties"]["n"] for event in arrived(gateway, "resumed")]
    assert 0 < line < MANY
    assert f"gateway: resuming at line {line + 1}\n" in result.stderr
    assert result.stderr.endswith(f"{MANY} accepted, 0 refused.\n")
    assert (result.exit_code, numbers) == (0, list(range(MANY)))


def test_a_batch_that_is_sent_again_has_the_same_ids(gateway: Gateway, file: Path) -> None:
    write(file, track("twice"), track("twice", messageId="own"))
    first = begin(file, gateway)
    assert first.progress_file
    lost = {"id": first.progress.id}  # as if there never had been an answer

    first.progress_file.write_text(json.dumps(lost))
    result = send(file, gateway)

    ids = {event["messageId"] for event in arrived(gateway, "twice")}
    assert result.stderr.endswith("2 accepted, 0 refused.\n")
    assert (len(ids), "own" in ids) == (2, True)


def test_a_file_that_was_sent_is_not_sent_again(gateway: Gateway, file: Path) -> None:
    send(write(file, track("once")), gateway)

    result = send(file, gateway)

    assert result.exit_code == 0
    assert f"{file} was sent before; delete {file}.sent to send it again" in result.stderr
    assert len(arrived(gateway, "once")) == 1


def test_what_was_added_to_a_file_is_sent(gateway: Gateway, file: Path) -> None:
    send(write(file, track("added")), gateway)
    write(file, track("added"), track("added", event="New"))

    result = send(file, gateway)

    assert result.stderr.endswith("2 accepted, 0 refused.\n")
    assert [event["event"] for event in arrived(gateway, "added")] == ["Imported", "New"]


def test_an_empty_file_is_soon_done(gateway: Gateway, file: Path) -> None:
    result = send(write(file), gateway)

    assert (result.exit_code, result.stdout) == (0, "")


def test_the_last_line_needs_no_end(gateway: Gateway, file: Path) -> None:
    file.write_text(json.dumps(track("endless")))

    assert send(file, gateway).exit_code == 0
    assert len(arrived(gateway, "endless")) == 1


def test_an_event_may_name_its_own_key(gateway: Gateway, file: Path) -> None:
    result = send(write(file, track("keyed", writeKey="dev")), gateway, key="")

    assert (result.exit_code, len(arrived(gateway, "keyed"))) == (0, 1)


def test_a_wrong_key_breaks_it_off_and_nothing_counts_as_sent(gateway: Gateway, file: Path) -> None:
    write(file, track("wrong"), track("wrong"))

    refused = send(file, gateway, key="SECRET")
    result = send(file, gateway)

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "unknown_write_key" in refused.stderr
    assert "SECRET" not in refused.output
    assert (result.exit_code, len(arrived(gateway, "wrong"))) == (0, 2)


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("127.0.0.1:8080", "expected http:// or https://"),
        ("file:///etc/passwd", "expected http:// or https://"),
    ],
)
def test_an_address_must_be_one(file: Path, to: str, told: str) -> None:
    result = CliRunner().invoke(main, ["send", str(write(file, track("u"))), "--to", to])

    assert (result.exit_code, result.stderr) == (2, f"gateway: {to}: {told}\n")


def test_a_server_that_is_not_a_gateway_is_reported(gateway: Gateway, file: Path) -> None:
    inspector = f"http://127.0.0.1:{gateway.inspector_port}"

    result = CliRunner().invoke(main, ["send", str(write(file, track("u"))), "--to", inspector])

    assert result.exit_code == 2
    assert "is not a gateway: it answers 404" in result.stderr


def test_a_gateway_that_has_answered_is_waited_for_and_then_given_up(file: Path) -> None:
    port, _ = free_ports()
    waits: list[float] = []
    warnings: list[str] = []
    poster = Poster(f"http://127.0.0.1:{port}", "dev", warnings.append, waits.append)

    with (
        write(file, track("u")).open("rb") as stream,
        pytest.raises(ImportFailed, match="Connection refused; run the command again to resume at line 1"),
    ):
        list(Import(file, stream, poster).run())

    assert len(waits) > 5
    assert len(warnings) == len(waits)
    assert "Connection refused; trying again in" in warnings[0]
    assert b'"accepted":0' in file.with_name("events.ndjson.sent").read_bytes()


def test_a_progress_file_that_is_damaged_is_reported(gateway: Gateway, file: Path) -> None:
    progress = file.with_name("events.ndjson.sent")
    progress.write_text("{")

    result = send(write(file, track("u")), gateway)

    assert (result.exit_code, result.stderr) == (
        2,
        f"gateway: {progress} is damaged; delete it to start again\n",
    )


def test_a_file_must_be_there(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["send", str(tmp_path / "none")]).exit_code == 2
