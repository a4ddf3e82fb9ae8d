"""The share of each delivery process: the sinks to which it delivers."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from gateway.config.tables import Config


class Share(msgspec.Struct, frozen=True):
    """The work of one delivery process."""

    config: Config
    """The configuration with only the sinks of this process."""
    trimmed_for: tuple[str, ...] = ()
    """All sinks of the gateway, in the one process that trims the journal; empty in the others."""


def share(config: Config, places: Mapping[str, int], slot: int) -> Share:
    """Return the share of the process `delivery-<slot>`. `delivery-0` trims the journal."""
    own = {name: sink for name, sink in config.sinks.items() if places.get(name) == slot}
    return Share(msgspec.structs.replace(config, sinks=own), () if slot else tuple(config.sinks))


def own_sinks(config: Config) -> list[str]:
    """Return the sinks that this gateway can deliver to: not those on another gateway's machine."""
    return [name for name, sink in config.sinks.items() if sink.node in ("", config.server.name)]


def limit(processes: int) -> int:
    """Return the number of processes that `[delivery] processes` allows; 0 means one per core."""
    return processes or _cores()


def assign(
    sinks: Iterable[str], before: Mapping[str, int], held: Mapping[str, int], processes: int
) -> dict[str, int]:
    """
    Return the process of each sink, by number, below `processes`.

    A sink stays in the process that it had `before`; a new one goes to the process with the fewest sinks.
    `held` gives the process that may still be writing to a sink. No other process gets that sink, so that a
    sink never has two writers: if that process is not below `processes`, the sink is left out until it is
    released.
    """
    sinks = list(sinks)
    known = {**before, **held}
    places = {sink: known[sink] for sink in sinks if known.get(sink, processes) < processes}
    load = Counter(places.values())
    for sink in sinks:
        if sink not in places and sink not in held:
            places[sink] = min(range(min(processes, len(sinks))), key=load.__getitem__)
            load[places[sink]] += 1
    return places


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS
