"""Bodies that are forms: some vendors' older APIs take no JSON."""

import pytest

from gateway.destinations.planning import plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import BadMapping, read
from tests.build import event_line
from tests.destinations.trying import content

SEND = '[send]\nurl = "https://a.example"\nform = true\nbody = {key = {const = "k & l"}, n = {const = 5}}\n'
RULE = '[[rules]]\non = {}\nid = "messageId"\n'


def test_a_form_has_texts_as_they_are_and_anything_else_as_json() -> None:
    program = Program(read(f'{SEND}items = "list"\n{RULE}', "m.toml"), {})

    [[request]] = plan(program, [event_line(0), event_line(1, messageId="ü&=")], 1, 1767268800).lanes

    assert request.call.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert request.body.startswith(b"key=k+%26+l&n=5&list=%5B%7B")
    assert content(request) == {"key": "k & l", "n": "5", "list": '[{"id":"m0"},{"id":"ü&="}]'}


@pytest.mark.parametrize(
    "items",
    [pytest.param('items = "."\n', id="the body is a list"), pytest.param("", id="each item is a body")],
)
def test_the_items_of_a_form_are_in_one_of_its_fields(items: str) -> None:
    with pytest.raises(
        BadMapping, match=r"^m.toml:3: send.form: expected true or false; the items of a form"
    ):
        Program(read(SEND + items + RULE, "m.toml"), {})
