"""Ten times the load that the gateway can bear: what it accepts of it, and how soon it refuses the rest."""

import gzip
import json
import statistics
from collections.abc import Iterator

from tests.bench import cpu, events, open_loop, pinned, wrk
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = (open_loop.COMPILER, "wrk")
_EVENTS = 1000
"""Of a batch of 300 KB: to process it takes far longer than to refuse it."""
_TIMES = 10
_CONNECTIONS = 256
_CONNECTIONS_WITHIN = 16
"""With which the capacity is measured: so few that each of them is accepted."""
_PATH = "/v1/batch"


def measure(options: Options) -> Iterator[Row]:
    program = open_loop.build(options.folder)
    for sent, body in (("", _body()), (", sent by gzip", gzip.compress(_body(), mtime=0))):
        found, peaks = [], []
        with (
            # Each with a journal of its own: nothing is delivered, so that one of both might get full.
            pinned.gateway(options.folder / f"data{len(body)}", config({"events": "json_lines"})) as gateway,
            pinned.alone(gateway) as intake,
        ):
            alone = wrk.load(intake, _PATH, body, options.seconds, options.folder, _CONNECTIONS_WITHIN)
            capacity = 1e6 / alone.wall
            for _ in range(options.rounds):
                found.append(
                    open_loop.run(
                        program,
                        *(intake.port, _PATH, body, _TIMES * capacity, options.seconds, _CONNECTIONS),
                        sleeps=False,
                    )
                )
                peaks.append(cpu.most_resident(intake.pid))
        goodput = statistics.median(each.accepted / each.seconds for each in found)
        yield Row(
            f"{_TIMES} times the capacity, batches of {_EVENTS:,} a second{sent}",
            f"{capacity:,.0f}",
            f"{goodput:,.0f}",
            ratio=f"{goodput / capacity:.2f}",
            goal="≥ 0.9",
        )
        for name, field, goal in (("accepted", "p99", "≤ 250 ms"), ("refused", "refused_p99", "≤ 50 ms")):
            values = [getattr(each, field) for each in found]
            yield Row(
                f"  p99 of the {name}, best and median",
                wall=f"{min(values):.0f}, {statistics.median(values):.0f} ms",
                goal=goal,
            )
        lost = sum(each.due - each.accepted - each.refused for each in found)
        yield Row("  not answered", wall=f"{lost:,}", goal="0")
        yield Row("  memory of the intake, most", wall=f"{max(peaks):.0f} MB", goal="≤ 400 MB")


def _body() -> bytes:
    small = {"type": "track", "event": "Order Completed", "userId": "u1", "writeKey": "dev"}
    batch = [
        {**small, "messageId": f"{events.MARK}-{place:04}", "properties": {"text": "x" * 150}}
        for place in range(_EVENTS)
    ]
    return json.dumps({"batch": batch}, separators=(",", ":")).encode()
