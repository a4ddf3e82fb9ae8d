"""How fast delivery works off what lies in the journal."""

import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.bench import cpu, journal, pinned
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row
from tests.gateway import Gateway

PROGRAMS = ()
_LOOK_EVERY = 0.1  # seconds
_PATIENCE = 60.0  # seconds without any progress


class Case(NamedTuple):
    sinks: int
    kind: str
    processes: int | None = None
    """Of delivery; None for the default."""
    goal: str = ""

    @property
    def name(self) -> str:
        processes = "" if self.processes is None else f", delivery processes: {self.processes}"
        return f"drain, {self.sinks} {self.kind}{processes}"


_CASES = (
    Case(1, "json_lines", goal="≥ 240,000/s"),
    Case(4, "null", goal="≥ 200,000/s each"),
    Case(4, "null", processes=1),
    Case(4, "null", processes=4),
    Case(4, "json_lines"),
)


class Drained(NamedTuple):
    rate: float
    """Events a second, to each sink."""
    cpu: float
    """Microseconds of the delivery processes for each event and sink."""


def measure(options: Options) -> Iterator[Row]:
    folder = options.folder
    journal.fill(folder, options.drain)
    found: dict[Case, list[Drained]] = {case: [] for case in _CASES}
    for turn in range(options.rounds):
        for number, (case, results) in enumerate(found.items()):
            # Sinks that are new begin with the oldest event: the journal need not be filled again.
            names = {f"sink{turn}-{number}-{place}": case.kind for place in range(case.sinks)}
            results.append(_drain(folder, names, case.processes))
            for name in names:
                (folder / f"data/{name}.jsonl").unlink(missing_ok=True)
    for case, results in found.items():
        yield Row(
            case.name,
            wall=f"{statistics.median(each.rate for each in results):,.0f}/s each",
            cpu=f"{min(each.cpu for each in results):.2f} µs",
            goal=case.goal,
        )


def _drain(folder: Path, sinks: Mapping[str, str], processes: int | None) -> Drained:
    """Start a gateway with new sinks, on all cores; what it delivers before it is ready does not count."""
    text = config(sinks, processes=processes)
    with Gateway(folder, text, prefix=pinned.run_on(pinned.ALL)) as gateway:
        pids = [pid for name, pid in gateway.children().items() if name.startswith("delivery")]
        begun, used = time.perf_counter(), sum(map(cpu.seconds, pids))
        last = first = _pending(gateway, sinks)
        changed = begun
        while last:
            time.sleep(_LOOK_EVERY)
            left = _pending(gateway, sinks)
            if left != last:
                last, changed = left, time.perf_counter()
            elif time.perf_counter() - changed > _PATIENCE:
                raise RuntimeError(f"delivery stands still: {gateway.logged()}")
        took = max(time.perf_counter() - begun, _LOOK_EVERY)
        used = sum(map(cpu.seconds, pids)) - used
        return Drained(first / len(sinks) / took, used / max(1, first) * 1e6)


def _pending(gateway: Gateway, sinks: Mapping[str, str]) -> int:
    """Events that the sinks are still to get, all sinks together."""
    found = gateway.metrics()
    return sum(int(found[f'gateway_sink_pending_events{{sink="{name}"}}']) for name in sinks)
