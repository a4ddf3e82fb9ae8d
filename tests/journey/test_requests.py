"""Sinks that send requests, in a whole gateway."""

import json
from pathlib import Path
from random import Random
from typing import Any

from tests.gateway import DEFAULTS, Gateway, until
from tests.journey import books
from tests.sinks import chaos
from tests.sinks.chaos import Target

SOURCE = '[server]\nport = 0\n[inspector]\nport = 0\n[sources.default]\nwrite_keys = ["dev"]\n'


def start(folder: Path, config: str) -> Gateway:
    folder.mkdir()
    return Gateway(folder, config)


def received(target: Target) -> dict[str, bytes]:
    """Return the body of each batch by its id; a repeated batch has the same one."""
    found: dict[str, bytes] = {}
    for request in target.requests:
        assert found.setdefault(request.headers["webhook-id"], request.body) == request.body
    return found


def test_every_event_reaches_a_target_that_fails_in_all_ways(tmp_path: Path, chance: Random) -> None:
    with Target(chaos.mixed(chance)) as target:
        hook = (
            f'kind = "http"\nurl = "{target.url}"\nallow_private = true\ntimeout = "0.3s"\nbatch_events = 50'
        )
        with start(tmp_path / "g", f"{SOURCE}[sinks.hook]\n{hook}\n") as running:
            sent = books.send(running, "e", 300)

            pending = 'gateway_sink_pending_events{sink="hook"}'
            until(lambda: running.metrics()[pending] == 0)

    events = [event for body in received(target).values() for event in json.loads(body)["batch"]]
    assert books.names(events) == sent


def test_another_gateway_gets_the_same_events(tmp_path: Path) -> None:
    with start(tmp_path / "there", DEFAULTS) as there:
        upstream = f'url = "http://127.0.0.1:{there.port}"\nallow_private = true\n'
        sinks = (
            f'[sinks.segment]\nkind = "segment"\nwrite_key = "dev"\ntypes = ["track"]\n{upstream}'
            f'[sinks.cdp]\nkind = "commandersact"\nsite = "1"\ntoken = "dev"\ntypes = ["page"]\n{upstream}'
        )
        with start(tmp_path / "here", SOURCE + sinks) as here:
            tracks: list[dict[str, Any]] = [
                {
                    "type": "track",
                    "userId": "u1",
                    "event": "Ordered",
                    "messageId": f"t{n}",
                    "properties": {"n": n},
                }
                for n in range(250)
            ]
            pages = [{"type": "page", "userId": "u1", "messageId": f"p{n}"} for n in range(250)]

            assert here.post("/v1/batch", {"batch": tracks + pages}).status == 200
            arrived = there.delivered(500)

    by_id = {event["messageId"]: event for event in arrived}
    assert len(arrived) == len(by_id) == 500
    assert [by_id[f"t{n}"]["properties"] for n in range(250)] == [{"n": n} for n in range(250)]
    assert [by_id[f"p{n}"]["type"] for n in range(250)] == ["page"] * 250
    assert {event["source"]["dialect"] for event in arrived} == {"segment", "commandersact"}
