"""From a batch of events to requests, in lanes that can run at the same time."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.destinations.code import Constant
from gateway.destinations.encoding import decode
from gateway.destinations.grammar import Refused
from gateway.destinations.packing import Request, pack
from gateway.destinations.program import Item, Program


class Plan(msgspec.Struct):
    """The requests and failures of a batch's events, each event given by its index in the batch."""

    lanes: list[list[Request]]
    """Per lane, requests to be sent one after another; the events of a person are in one lane, in order."""
    refused: dict[int, Refused]
    """Events that break a rule of the vendor."""
    failed: dict[int, Exception]
    """Events on which our own code failed."""


def plan(program: Program, lines: Sequence[bytes], lanes: int, now: float) -> Plan:
    """Return the requests for canonical events; `now` is in seconds since 1970, `lanes` their maximum."""
    refused: dict[int, Refused] = {}
    failed: dict[int, Exception] = {}
    # If requests belong to a person, each person is a lane; else persons share lanes, to fill requests.
    personal = any(not isinstance(call.envelope, Constant) for call in program.calls.values())
    filling: dict[Any, list[tuple[int, Item]]] = {}
    lane_of: dict[Any, Any] = {}
    loads = [0] * lanes
    for index, line in enumerate(lines):
        try:
            event = decode(line)
            items = program.items(event, now)
        except Refused as refusal:
            refused[index] = refusal
            continue
        except Exception as error:  # no event may stop a sink
            failed[index] = error
            continue
        person = event.get("userId") or event.get("anonymousId") or index
        if personal:
            lane = person
        elif (lane := lane_of.get(person)) is None:
            lane = lane_of[person] = min(range(lanes), key=loads.__getitem__)
        if not personal:
            loads[lane] += len(items)
        filling.setdefault(lane, []).extend((index, item) for item in items)
    return Plan([pack(each) for each in filling.values()], refused, failed)
