"""What a sender says of where its event may go: kept as it is, with a warning where it says nothing."""

from typing import Any

import pytest

from tests.build import Door, track


def stored(**fields: Any) -> dict[str, Any]:
    """The canonical event of one with the given fields."""
    door = Door()
    assert door.post("/v1/track", track(**fields)).status == 200
    return door.event


def warned(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(warning["code"], warning["field"]) for warning in event.get("warnings", [])]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (False, {"All": False}),
        ("false", {"All": False}),
        (0, {"All": False}),
        ([], {}),
        (None, {}),
    ],
    ids=repr,
)
def test_integrations_may_be_a_mere_no(said: Any, kept: Any) -> None:
    event = stored(integrations=said)

    assert event["integrations"] == kept
    assert warned(event) == []


@pytest.mark.parametrize("said", [False, {"All": False}], ids=repr)
def test_a_batch_may_say_it_for_events_that_say_otherwise(said: Any) -> None:
    door = Door()
    events = [track(), track(integrations={"ads": True})]

    door.post("/v1/batch", {"batch": events, "integrations": said})

    assert [event["integrations"] for event in door.events] == [{"All": False}, {"All": False, "ads": True}]


@pytest.mark.parametrize("value", [True, "No", 0, {}, {"key": "x"}], ids=repr)
def test_an_integration_keeps_the_spelling_of_its_yes_or_no(value: Any) -> None:
    event = stored(integrations={"ads": value})

    assert event["integrations"] == {"ads": value}
    assert warned(event) == []


@pytest.mark.parametrize("value", [None, "perhaps", 2, [], ["x"]], ids=repr)
def test_an_integration_that_says_neither_is_kept_with_a_warning(value: Any) -> None:
    event = stored(integrations={"ads": value, "All": False})

    assert event["integrations"] == {"ads": value, "All": False}
    assert warned(event) == [("invalid_context_field", "integrations.ads")]


@pytest.mark.parametrize("value", ["perhaps", 2, None, {}], ids=repr)
@pytest.mark.parametrize("field", ["categoryPreferences", "optOut"])
def test_consent_that_says_neither_leaves_a_warning(field: str, value: Any) -> None:
    event = stored(context={"consent": {field: {"ads": value, "stats": True}}})

    assert event["context"]["consent"][field] == {"ads": value, "stats": True}
    assert warned(event) == [("invalid_context_field", f"context.consent.{field}.ads")]


@pytest.mark.parametrize(
    ("opted_out", "preferred"),
    [("TRUE", False), (1, False), ("off", True), ("0", True), ("perhaps", False)],
    ids=repr,
)
def test_an_opt_out_is_read_as_all_else(opted_out: Any, preferred: bool) -> None:
    event = stored(context={"consent": {"optOut": {"ads": opted_out}}})

    assert event["context"]["consent"]["categoryPreferences"] == {"ads": preferred}


@pytest.mark.parametrize(
    ("direct", "filled"), [("yes", True), (1, True), ("No", False), (0, False), (None, False)], ids=repr
)
def test_a_sender_may_say_in_any_spelling_that_it_is_the_device(direct: Any, filled: bool) -> None:
    event = stored(context={"direct": direct})

    assert ("ip" in event["context"]) is filled
    assert warned(event) == []
