"""What a message of the Segment family must have."""

import pytest

from gateway.dialects.shared.rules import validate
from gateway.errors import (
    MissingEvent,
    MissingGroupId,
    MissingId,
    MissingPreviousId,
    MissingType,
    Refusal,
    UnknownType,
)
from gateway.message import Message

COMPLETE = [
    Message(type="track", user_id="u", event="e"),
    Message(type="track", anonymous_id="a", event_name="e"),
    Message(type="identify", user_id="u"),
    Message(type="page", anonymous_id="a"),
    Message(type="screen", user_id="u"),
    Message(type="group", user_id="u", group_id="g"),
    Message(type="alias", user_id="u", previous_id="p"),
]


@pytest.mark.parametrize("message", COMPLETE, ids=lambda message: str(message.type))
def test_a_complete_message_is_taken(message: Message) -> None:
    validate(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(Message(user_id="u"), MissingType, id="no type"),
        pytest.param(Message(type="click", user_id="u"), UnknownType, id="a type of its own"),
        pytest.param(Message(type="track", user_id="u"), MissingEvent, id="track without a name"),
        pytest.param(Message(type="group", user_id="u"), MissingGroupId, id="group without one"),
        pytest.param(Message(type="alias", user_id="u"), MissingPreviousId, id="alias of nobody"),
        pytest.param(Message(type="identify"), MissingId, id="nobody"),
    ],
)
def test_what_is_missing_is_named(message: Message, expected: type[Refusal]) -> None:
    with pytest.raises(expected):
        validate(message)
