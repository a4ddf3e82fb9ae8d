"""What the processes of a gateway cost that has nothing to do."""

import time
from collections.abc import Iterator

from tests.bench import cpu, pinned
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ()
_GOALS = {1: "< 0.5 %", 10: "< 1 %"}
_START = 8.0  # seconds after which nothing is left of the start, and delivery looks less often
_SECONDS = 10.0


def measure(options: Options) -> Iterator[Row]:
    for sinks, goal in _GOALS.items():
        names = {f"null{number}": "null" for number in range(sinks)}
        with pinned.gateway(options.folder / str(sinks), config(names)) as gateway:
            pids = {"supervisor": gateway.process.pid, **gateway.children()}
            time.sleep(_START)
            before = {name: cpu.seconds(pid) for name, pid in pids.items()}
            time.sleep(_SECONDS)
            for name, pid in pids.items():
                share = (cpu.seconds(pid) - before[name]) / _SECONDS
                yield Row(
                    f"idle, null sinks: {sinks}, {name}", cpu=f"{share:.2%}".replace("%", " %"), goal=goal
                )
            memory = f"{cpu.resident_together(pids.values()):.0f} MB"
            yield Row(f"  memory of the {len(pids)} processes", wall=memory, goal="≤ 80 MB a process")
