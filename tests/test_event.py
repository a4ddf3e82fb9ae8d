"""The canonical event is the same wherever its fields are named, and nobody but the gateway sets its own."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import event
from gateway.dialects.shared import slow_path
from gateway.message import ADDED, Message
from gateway.webhooks.table import Fields
from tests.build import Door, to_json, track

CONFIG = (Path(__file__).parents[1] / "config/README.md").read_text()
OWN = ("receivedAt", "source", "warnings", "extras", "native")
"""The fields of an event that the gateway adds."""


def names(shape: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(shape)]


def test_a_message_has_the_fields_of_the_event_in_its_order() -> None:
    assert tuple(names(Message)[: len(event.FIELDS)]) == event.FIELDS


def test_only_texts_come_before_the_properties() -> None:
    """So delivery/enrich.py finds them by their name: within a text its quotes would be escaped."""
    first = event.FIELDS[: event.FIELDS.index("properties")]

    types = {field.encode_name: field.type for field in msgspec.structs.fields(event.Event)}
    assert {types[name] for name in first} == {event.EventType, str, str | msgspec.UnsetType}


def test_the_slow_path_reads_every_field_that_a_client_can_set() -> None:
    aliases = {"eventName", "writeKey"}

    assert set(slow_path._READERS) == set(event.FIELDS) - set(OWN) | aliases


def test_a_table_of_webhooks_can_fill_every_field_but_the_times_of_a_client() -> None:
    assert set(names(Fields)) == set(event.FIELDS) - set(OWN) - {"originalTimestamp", "sentAt"}


def test_the_documents_name_the_fields_in_their_order() -> None:
    start = CONFIG.index("## The canonical event")
    section = CONFIG[start : CONFIG.index("\n## ", start + 1)]

    found = [name for name in re.findall(r"`(\w+)`", section) if name in event.FIELDS]

    assert list(dict.fromkeys(found)) == list(event.FIELDS)


def test_an_event_is_written_in_the_order_of_its_fields() -> None:
    door = Door()
    every = track(
        anonymousId="a",
        groupId="g",
        previousId="p",
        name="n",
        category="c",
        channel="server",
        timestamp="2026-01-01T00:00:00.000Z",
        sentAt="2026-01-01T00:00:00.000Z",
        unknown=1,
        context={"direct": "perhaps"},
    )

    door.post("/v1/track", dict(reversed(every.items())))

    assert tuple(door.event) == tuple(name for name in event.FIELDS if name != "native")


def undated(door: Door) -> dict[str, Any]:
    """The only event without its times and extras."""
    return {
        name: value for name, value in door.event.items() if name not in ("timestamp", "receivedAt", "extras")
    }


@pytest.mark.parametrize("name", [*ADDED, "received_at", "consent_is_canonical", "warning"])
@pytest.mark.parametrize(
    "value",
    [
        "x",
        "",
        None,
        [],
        {},
        True,
        1,
        [{"code": "not_a_number", "field": "x"}],
        {"name": "other", "dialect": "x"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_no_client_sets_what_the_gateway_adds(path: str, name: str, value: Any) -> None:
    door, without = Door(), Door()
    sent = track(messageId="m1", **{name: value})

    door.post(path, [sent] if path == "/v1/batch" else sent)
    without.post(path, [track(messageId="m1")] if path == "/v1/batch" else track(messageId="m1"))

    assert door.event["extras"] == {name: value}
    assert undated(door) == undated(without)


@pytest.mark.parametrize("name", ADDED)
def test_a_name_of_the_gateways_own_written_with_escapes_is_no_other(name: str) -> None:
    door = Door()
    escaped = "".join(f"\\u{ord(character):04x}" for character in name)

    door.post("/v1/track", to_json(track())[:-1] + b',"%b":"x"}' % escaped.encode())

    assert door.event["extras"] == {name: "x"}
