"""From events to requests: limits, lanes, and order."""

import json

import pytest

from gateway.destinations.packing import Request
from gateway.destinations.planning import Plan, plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import read
from tests.build import event_line

SEND = '[send]\nurl = "https://a.example"\nitems = "data.list"\nbody = {data = {kind = {const = "k"}}}\n'
RULE = '[[rules]]\non = {}\nid = "messageId"\n'
NOW = 1767268800.0  # the time of the events


def planned(text: str, *persons: str, lanes: int = 8, now: float = NOW, **fields: str) -> Plan:
    lines = [event_line(number, userId=person, **fields) for number, person in enumerate(persons)]
    return plan(Program(read(text, "m.toml"), {}), lines, lanes, now)


def ids(requests: list[Request]) -> list[list[str]]:
    return [[item["id"] for item in json.loads(request.body)["data"]["list"]] for request in requests]


def test_a_list_can_be_deep_in_a_body_beside_constants() -> None:
    [[request]] = planned(SEND + RULE, "a").lanes

    assert json.loads(request.body) == {"data": {"kind": "k", "list": [{"id": "m0"}]}}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param("body = {k = 1}", '{"k":1,"items":[{"id":"m0"}]}', id="behind constants"),
        pytest.param(
            'body = {items = {const = "x"}, k = 1}', '{"items":[{"id":"m0"}],"k":1}', id="in place of another"
        ),
        pytest.param(
            'envelope = {items = "userId", k = {each = "event"}}', '{"items":[{"id":"m0"}],"k":["Ordered"]}',
            id="in place of what its person has",
        ),
    ],
)  # fmt: skip
def test_the_items_are_where_the_mapping_has_them(members: str, expected: str) -> None:
    [[request]] = planned(f'[send]\nurl = "https://a.example"\nitems = "items"\n{members}\n{RULE}', "a").lanes

    assert request.body.decode() == expected


def test_a_request_is_full_by_its_items() -> None:
    [lane] = planned(f"{SEND}limits = {{items = 2}}\n{RULE}", *"aaaaa").lanes

    assert ids(lane) == [["m0", "m1"], ["m2", "m3"], ["m4"]]


def test_a_request_is_full_by_its_bytes() -> None:
    [lane] = planned(f"{SEND}limits = {{bytes = 60}}\n{RULE}", *"aaaa").lanes

    assert [len(request.body) <= 60 for request in lane] == [True] * len(lane)
    assert [id for request in ids(lane) for id in request] == ["m0", "m1", "m2", "m3"]
    assert len(lane) == 2


def test_an_item_of_too_many_bytes_is_refused() -> None:
    found = planned(f"{SEND}limits = {{item_bytes = 10}}\n{RULE}", "a")

    assert [refused.code for refused in found.refused.values()] == ["too_large"]


@pytest.mark.parametrize(
    ("products", "text"),
    [pytest.param(5000, "", id="items"), pytest.param(900, "x" * 12_000, id="bytes")],
)
def test_an_event_that_would_become_much_more_than_it_is_is_refused(products: int, text: str) -> None:
    rule = '[[rules]]\non = {}\neach = "properties.products"\nall = "properties.text"\nid = "."\n'
    properties = {"products": [*range(products)], "text": text}
    line = event_line(properties=properties)

    found = plan(
        Program(read(SEND + rule, "m.toml"), {}), [line, event_line(1, properties={"products": [1]})], 8, NOW
    )

    assert [refused.code for refused in found.refused.values()] == ["too_large"]
    assert [[json.loads(request.body) for request in lane] for lane in found.lanes] == [
        [{"data": {"kind": "k", "list": [{"id": 1}]}}]
    ]


def test_without_a_list_each_event_is_a_request() -> None:
    [lane] = planned(f'[send]\nurl = "https://a.example"\nbody = {{k = 1}}\n{RULE}', *"aa").lanes

    assert [request.body for request in lane] == [b'{"k":1,"id":"m0"}', b'{"k":1,"id":"m1"}']


def test_persons_share_lanes_evenly_and_each_stays_in_one() -> None:
    lanes = planned(SEND + RULE, *"abcabcaaa", lanes=2).lanes

    assert sorted(map(ids, lanes)) == [[["m0", "m2", "m3", "m5", "m6", "m7", "m8"]], [["m1", "m4"]]]


def test_where_requests_belong_to_a_person_each_has_a_lane() -> None:
    lanes = planned(f'{SEND}[envelope]\nperson = "userId"\n{RULE}', *"abab", lanes=8).lanes

    assert list(map(ids, lanes)) == [[["m0", "m2"]], [["m1", "m3"]]]


def test_events_whose_shared_members_differ_are_in_requests_of_their_own() -> None:
    text = f'{SEND}[envelope]\nfirst = {{when = {{equals = ["messageId", "m0"]}}, then = 1}}\n{RULE}'

    [lane] = planned(text, *"aaa").lanes

    assert ids(lane) == [["m0"], ["m1", "m2"]]


@pytest.mark.parametrize(
    ("now", "codes"),
    [
        pytest.param(NOW + 60, [], id="at the limit"),
        pytest.param(NOW + 60.1, ["too_old"], id="too old"),
        pytest.param(NOW - 5, [], id="ahead, at the limit"),
        pytest.param(NOW - 5.1, ["in_future"], id="too far ahead"),
    ],
)
def test_ages_are_limited_to_the_second(now: float, codes: list[str]) -> None:
    text = f'{SEND}limits = {{max_age = "1m", max_future = "5s"}}\n{RULE}'

    found = planned(text, "a", now=now)

    assert [refused.code for refused in found.refused.values()] == codes


def test_an_event_that_becomes_nothing_is_refused() -> None:
    text = '[send]\nurl = "https://a.example"\n[[rules]]\non = {}\neach = "properties.products"\n'

    assert [refused.code for refused in planned(text, "a").refused.values()] == ["nothing_to_send"]


def test_a_rule_with_a_condition_filters_by_the_event() -> None:
    program = Program(read(f'{SEND}{RULE}when = {{exists = "traits.email"}}\n', "m.toml"), {})

    assert program.exclusion("track", "E", event_line()) == "event"
    assert program.exclusion("track", "E", event_line(traits={"email": "a"})) is None
