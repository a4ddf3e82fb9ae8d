"""The grammar of mappings, and what is said of its mistakes."""

import json
from typing import Any

import pytest

from gateway.destinations.planning import plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import BadMapping, read
from tests.build import event_line

HEAD = '[send]\nurl = "https://a.example"\n'


def value(text: str, extra: str = "", **fields: Any) -> Any:
    """Return what a value makes of an event; None if it is absent."""
    mapping = f'{extra}\n{HEAD}[[rules]]\non = {{}}\nid = "messageId"\nx = {text}\n'
    settings = {"token": "t0", "empty": ""}
    table = "[settings]\ntoken = {default = ''}\nempty = {default = ''}\n"
    planned = plan(Program(read(table + mapping, "m.toml"), settings), [event_line(**fields)], 1, 0)
    assert (planned.refused, planned.failed) == ({}, {})
    return json.loads(planned.lanes[0][0].body).get("x")


@pytest.mark.parametrize(
    ("text", "properties", "expected"),
    [
        pytest.param('"properties.a"', {"a": 0}, 0, id="path"),
        pytest.param('"properties.a.b.c"', {"a": {"b": {"c": "d"}}}, "d", id="deep path"),
        pytest.param('"properties.a.1"', {"a": ["b", "c"]}, "c", id="index"),
        pytest.param('"properties.a.b"', {"a": 5}, None, id="path through a number"),
        pytest.param('"properties.a"', {"a": ""}, None, id="an empty text is absent"),
        pytest.param('"properties.a"', {"a": []}, None, id="an empty list is absent"),
        pytest.param('"properties.a"', {"a": False}, False, id="false is there"),
        pytest.param('["properties.a", "properties.b"]', {"a": None, "b": 1}, 1, id="first"),
        pytest.param("5", {}, 5, id="number"),
        pytest.param('{const = "properties"}', {}, "properties", id="const"),
        pytest.param('{setting = "token"}', {}, "t0", id="setting"),
        pytest.param('{setting = "empty"}', {}, None, id="empty setting"),
        pytest.param('"properties.{token}"', {"t0": 7}, 7, id="setting in a path"),
        pytest.param('"properties.{empty}"', {"": 7}, None, id="empty setting in a path"),
        pytest.param(
            '{from = "properties.a", do = ["trim", "slice:0:2"]}', {"a": " abc"}, "ab", id="pipeline"
        ),
        pytest.param('{from = "properties.a", do = ["lower"]}', {"a": [1]}, None, id="not for a list"),
        pytest.param(
            '{each = "properties.a", as = ".b"}', {"a": [{"b": 1}, {}, {"b": 2}]}, [1, 2], id="each"
        ),
        pytest.param('{each = "properties.a", as = ".b"}', {"a": {"b": 1}}, [1], id="each of an object"),
        pytest.param('{each = "properties.a", max = 1}', {"a": [1, 2]}, [1], id="each at most"),
        pytest.param('{each = "properties.a", else = 9}', {}, 9, id="each of nothing"),
        pytest.param('{list = ["properties.a", "properties.b"]}', {"b": 1}, [1], id="list"),
        pytest.param('{join = ["properties.a", {const = "!"}]}', {"a": 1.0}, "1!", id="join"),
        pytest.param('{sum = ["properties.a", "properties.b"]}', {"a": 1, "b": 2.5}, 3.5, id="sum"),
        pytest.param(
            '{sum = {each = "properties.a", as = ".n"}}', {"a": [{"n": 1}, {"n": 2}]}, 3, id="sum of each"
        ),
        pytest.param('{sum = "properties.a"}', {"a": 5}, 5, id="sum of a number"),
        pytest.param('{product = ["properties.a", "properties.b"]}', {"a": 2, "b": 3}, 6, id="product"),
        pytest.param('{product = ["properties.a", "properties.b"]}', {"a": 2}, None, id="product with a gap"),
        pytest.param('{count = "properties.a"}', {"a": [1, 2]}, 2, id="count"),
        pytest.param('{when = {exists = "properties.a"}, then = 1, else = 2}', {}, 2, id="when"),
        pytest.param('{a = {b = "properties.c"}}', {}, None, id="empty objects vanish"),
        pytest.param('{"=from" = "properties.a"}', {"a": 1}, {"from": 1}, id="a field called as a word"),
        pytest.param(
            '{"*" = {spread = "properties"}, a = {const = 1}}', {"a": 2, "b": 3}, {"a": 1, "b": 3}, id="merge"
        ),
        pytest.param('{spread = "properties", flatten = "."}', {"a": {"b": 1}}, {"a.b": 1}, id="flatten"),
        pytest.param(
            '{spread = "properties", only = "scalar"}', {"a": {"b": 1}, "c": 1}, {"c": 1}, id="scalars"
        ),
        pytest.param('{spread = "properties", omit = ["a"]}', {"a": 1, "b": 1}, {"b": 1}, id="omit"),
        pytest.param(
            '{spread = "properties", keys = ["upper"], do = ["text"]}', {"a": 1}, {"A": "1"}, id="change"
        ),
    ],
)
def test_a_value_is_what_the_document_says(text: str, properties: dict[str, Any], expected: Any) -> None:
    assert value(text, properties=properties) == expected


def test_tables_and_templates_are_values_by_name() -> None:
    named = '{table = "names", key = "event", default = "event"}'
    extra = f'[tables.names]\nOrdered = "purchase"\n[templates]\nname = {named}'

    assert value('{use = "name"}', extra) == "purchase"
    assert value('{use = "name"}', extra, event="Other") == "Other"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('{equals = ["type", "track"]}', True),
        ('{in = ["event", ["Other"]]}', False),
        ('{matches = ["event", "Ord.*"]}', True),
        ('{matches = ["event", "Ord"]}', False),
        ('{matches = ["event", "(?:[A-Za-z]+)*+"]}', True),
        ('{matches = ["event", "(?:[A-Za-z]{1,9})?"]}', True),
        (f'{{matches = [{{const = "{"x" * 1000}"}}, "x*"]}}', True),
        (f'{{matches = [{{const = "{"x" * 1001}"}}, "x*"]}}', False),
        ('{kind = ["properties.n", "number"]}', True),
        ('{kind = ["properties.n", ["text", "list"]]}', False),
        ('{length = ["event", 1, 7]}', True),
        ('{between = ["properties.n", 6, 9]}', False),
        ('{every = "properties", is = {matches = ["@", "[a-z]"]}}', True),
        ('{every = "properties", is = {kind = [".", "number"]}}', False),
        ('{all = [{exists = "event"}, {exists = "name"}]}', False),
        ('{any = [{exists = "event"}, {exists = "name"}]}', True),
        ('{not = {exists = "event"}}', False),
        ('{consent = "Ads"}', True),
        ('{consent = ["Ads", "Stats"]}', False),
        ('{consent = {setting = "empty"}}', True),
    ],
)
def test_a_condition_holds_as_the_document_says(condition: str, holds: bool) -> None:
    context = {"consent": {"categoryPreferences": {"Ads": "yes", "Stats": 0}}}

    found = value(
        f"{{when = {condition}, then = 1, else = 2}}",
        properties={"n": 5, "t": "x"},
        context=context,
    )

    assert found == (1 if holds else 2)


def test_an_event_without_consent_grants_everything() -> None:
    assert value('{when = {consent = "Ads"}, then = 1}') == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'a = {from = "event", do = ["trm"]}',
            "m.toml:5: rules[0].a.do[0]: there is no function 'trm'; did you mean trim?",
        ),
        ('a = {from = "event", do = ["slice"]}', "m.toml:5: rules[0].a.do[0]: slice needs start, end"),
        (
            'a = {from = "event", doo = []}',
            "m.toml:5: rules[0].a.doo: does not belong beside from; did you mean do?",
        ),
        ('a = {count = "b", c = 1}', 'if count is a field of the vendor, write "=count"'),
        ('a = {setting = "x"}', "m.toml:5: rules[0].a.setting: there is no setting 'x'"),
        ('a = "b.{x}"', "m.toml:5: rules[0].a: there is no setting 'x'"),
        ('a = "order"', "m.toml:5: rules[0].a: events have no field 'order'; a text itself is {const = "),
        ('a = ["mesageId"]', "rules[0].a[0]: events have no field 'mesageId'; did you mean messageId?"),
        ("[send.limits]\nitems = 'x'", "m.toml:6: send.limits.items: expected a whole number of at least 1"),
        ('a = "b..c"', "m.toml:5: rules[0].a: expected a path such as properties.order_id, got 'b..c'"),
        ('a = {table = "x", key = "b"}', "m.toml:5: rules[0].a.table: there is no table 'x'"),
        ('a = {use = "x"}', "m.toml:5: rules[0].a.use: there is no template 'x'"),
        ('a = {when = {exist = "b"}, then = 1}', "m.toml:5: rules[0].a.when: expected a condition"),
        (
            'a = {when = {matches = ["event", "("]}, then = 1}',
            "rules[0].a.when.matches: not a regular expression",
        ),
        ('a = {when = {matches = ["event", 5]}, then = 1}', "a.when.matches: expected a regular expression"),
        (
            'a = {when = {matches = ["event", "(?:a+)+c"]}, then = 1}',
            "rules[0].a.when.matches: can match in too many ways",
        ),
        ('call = "x"', "m.toml:5: rules[0].call: there is no call 'x'"),
        (
            "[[rules]]\non = {type = 'trak'}",
            "m.toml:6: rules[1].on.type: expected types among identify, track",
        ),
        ("[[checks]]\nname = 'a'", "m.toml:5: checks[0]: expected either `if` or `unless`"),
        ("[answers]\nok = ['2x']", "m.toml:6: answers.ok[0]: expected a status"),
        ("[calls.b]\nurl = 'https://b'\nitem = 'x'", "m.toml:7: calls.b.item: unknown; did you mean items?"),
        ("[tabels]", "m.toml:5: tabels: unknown; expected title"),
        ("[settings.a]\ndefault = 'x'\nvalues = ['y']", "m.toml:6: settings.a.default: expected one of 'y'"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, said: str) -> None:
    with pytest.raises(BadMapping) as raised:
        Program(read(f"{HEAD}[[rules]]\non = {{}}\n{text}\n", "m.toml"), {})

    [mistake] = raised.value.mistakes
    assert said in mistake


def test_an_extension_comes_before_what_it_extends() -> None:
    shop = 'extend = "ga4"\n[common.params]\nshop = {const = "one"}\n'
    rule = "[[rules]]\non = {event = 'Order Completed'}\nname = {const = 'order'}\n"
    vendor = read(shop + rule, "mine.toml")
    program = Program(vendor, {"measurement_id": "G-1", "api_secret": "s"})

    [item] = program.items({"type": "track", "event": "Order Completed", "userId": "u"}, 0)

    assert item.data == b'{"name":"order","params":{"engagement_time_msec":1,"shop":"one"}}'


def test_mistakes_of_an_extension_are_told_from_those_of_its_base() -> None:
    text = 'extend = "ga4"\n[[rules]]\non = {}\nname = {setting = "x"}\n'
    with pytest.raises(
        BadMapping, match=r"^mine\.toml:4: rules\[0\]\.name\.setting: there is no setting 'x'"
    ):
        Program(read(text, "mine.toml"), {})


def test_only_built_in_mappings_can_be_extended() -> None:
    with pytest.raises(BadMapping, match=r"^m\.toml:1: extend: expected one of .*, got 'x'"):
        read('extend = "x"', "m.toml")


CALLS = """
[send]
url = "https://a.example/events"
items = "events"
[calls.people]
url = "https://a.example/people"
items = "."
[calls.people.common]
who = "userId"
[[rules]]
on = {}
continue = true
name = "event"
[[rules]]
on = {}
into = "lines"
each = "properties.products"
continue = true
sku = ".sku"
[[rules]]
on = {}
when = {exists = "traits.email"}
call = "people"
mail = "traits.email"
"""


def test_an_event_can_become_items_of_several_calls_and_lists() -> None:
    products = [{"sku": "a"}, {"sku": "b"}]
    line = event_line(properties={"products": products}, traits={"email": "a@b"})

    [[first, second]] = plan(Program(read(CALLS, "m.toml"), {}), [line], 1, 0).lanes

    assert first.body == b'{"events":[{"name":"Ordered"}],"lines":[{"sku":"a"},{"sku":"b"}]}'
    assert (second.call.url, second.body) == ("https://a.example/people", b'[{"who":"u1","mail":"a@b"}]')
    assert first.events == {("", 0): 0, ("lines", 0): 0, ("lines", 1): 0}


def test_items_that_must_differ_are_in_requests_of_their_own() -> None:
    text = f'{HEAD}items = "."\nunique = "a"\n[[rules]]\non = {{}}\na = "properties.a"\n'
    lines = [event_line(n, properties={"a": a}) for n, a in enumerate(["x", "y", "x", ["x"], None, None])]

    [lane] = plan(Program(read(text, "m.toml"), {}), lines, 1, 0).lanes

    assert [request.body for request in lane] == [
        b'[{"a":"x"},{"a":"y"}]',
        b'[{"a":"x"},{"a":["x"]},{},{}]',
    ]
