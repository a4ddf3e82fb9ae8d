"""Sinks that send requests, in a whole gateway."""

import json
from pathlib import Path
from random import Random
from typing import Any

from tests.build import track
from tests.gateway import DEFAULTS, Gateway, until
from tests.journey import books
from tests.sinks import chaos
from tests.sinks.chaos import Behaviour, Request, Target

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

            until(lambda: running.pending("hook") == 0)

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


def test_refused_events_become_dead_letters_and_all_others_arrive(tmp_path: Path) -> None:
    poison = {"e-0", "e-150", "e-299"}

    def decide(request: Request) -> Behaviour:
        refused = any(b'"%b"' % name.encode() in request.body for name in poison)
        return chaos.answer(422, b"never") if refused else chaos.ACCEPT

    with Target(decide) as target, start(tmp_path / "there", DEFAULTS) as there:
        hooks = "".join(
            f'[sinks.{body}]\nkind = "http"\nurl = "{target.url}"\nallow_private = true\nbody = "{body}"\n'
            for body in ("batch", "lines", "event")
        )
        upstream = (
            f'[sinks.upstream]\nkind = "segment"\nurl = "http://127.0.0.1:{there.port}"\nwrite_key = "dev"\n'
            "allow_private = true\n"
        )
        with start(
            tmp_path / "here", SOURCE.replace('["dev"]', '["dev"]\nmax_event = "32KB"') + hooks + upstream
        ) as here:
            sent = books.send(here, "e", 300)
            large = track(messageId="large", properties={"a": "x" * 20_000})
            assert here.post("/v1/track", large).status == 200

            sinks = ("batch", "lines", "event", "upstream")
            until(
                lambda: all(
                    here.metrics().get(f'gateway_sink_pending_events{{sink="{s}"}}', 1) == 0 for s in sinks
                )
            )
            metrics = here.metrics()
            arrived = there.drained()

    def count(sink: str, outcome: str) -> float:
        start = f'gateway_sink_events_total{{outcome="{outcome}"'
        return sum(n for name, n in metrics.items() if name.startswith(start) and f'sink="{sink}"' in name)

    assert {sink: count(sink, "dead") for sink in sinks} == {
        "batch": 3,
        "lines": 3,
        "event": 3,
        "upstream": 1,
    }
    assert {sink: count(sink, "delivered") for sink in sinks} == {
        "batch": 298,
        "lines": 298,
        "event": 298,
        "upstream": 300,
    }
    assert books.names(arrived) == sent
