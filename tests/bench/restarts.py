"""How soon the gateway is ready again after a process of it was killed."""

import statistics
from collections.abc import Iterator

from tests.bench import pinned
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row
from tests.journey import faults

PROGRAMS = ()


def measure(options: Options) -> Iterator[Row]:
    with pinned.gateway(options.folder, config({"events": "json_lines"})) as gateway:
        for victim in ("supervisor", *gateway.children()):
            seconds = [faults.kill(gateway, victim) for _ in range(options.rounds)]
            yield Row(
                f"ready after a kill: {victim}", wall=f"{statistics.median(seconds):.2f} s", goal="≤ 3 s"
            )
