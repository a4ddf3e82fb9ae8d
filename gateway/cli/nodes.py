"""`gateway nodes`: the gateways that share a journal, and what each of them delivers."""

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gateway.cli import printing
from gateway.cli.options import config_option, data_option, exiting_on_errors
from gateway.cli.printing import json_option
from gateway.config.file import load
from gateway.errors import ConfigError
from gateway.raw import timestamps
from gateway.state.verdicts import UPKEEP

if TYPE_CHECKING:
    from gateway.state.nodes import Node


class Listed(msgspec.Struct, frozen=True):
    """A gateway, as shown to programs."""

    name: str
    state: str
    """up or gone."""
    since: str
    """When it started or, if it is gone, when it was last seen: ISO-8601 UTC."""
    version: str
    leases: dict[str, list[str]]
    """Partitions by sink."""
    upkeep: list[str]
    """Partitions in which it finds duplicates and releases old events."""


@click.command()
@json_option
@config_option
@data_option
def nodes(as_json: bool, file: Path | None, data: Path | None) -> None:
    """Show the gateways that share the journal, and which partitions each one delivers to each sink.

    A gateway that stopped or was lost is shown as gone for a day; its partitions are delivered by the others.
    Exit code 1: no gateway is up.
    """
    with exiting_on_errors():
        config = load(file, data, os.environ)
        if not config.is_shared:
            raise ConfigError('with the [journal] engine "embedded" there is only one gateway')
        from gateway.state.nodes import find_nodes  # its driver is an extra

        found = [_listed(each) for each in find_nodes(config.state.url)]
    for each in found if as_json else ():
        printing.to_json(each)
    if not as_json:
        rows = [
            (
                each.name,
                each.state,
                each.since,
                each.version,
                ranges(each.upkeep),
                ", ".join(f"{sink} {ranges(held)}" for sink, held in each.leases.items()) or "-",
            )
            for each in found
        ]
        header = ("NODE", "STATE", "SINCE", "VERSION", "UPKEEP", "SINKS AND PARTITIONS")
        printing.table(header, rows, left=len(header))
    if not any(each.state == "up" for each in found):
        raise click.exceptions.Exit(1)


def _listed(node: "Node") -> Listed:
    held = {sink: partitions for sink, partitions in node.leases.items() if sink != UPKEEP}
    since = timestamps.write(node.since if node.alive else node.seen)
    state = "up" if node.alive else "gone"
    return Listed(node.name, state, since, node.version, held, node.leases.get(UPKEEP, []))


def ranges(partitions: list[str]) -> str:
    """Return partitions as people write them, such as `0-3,6`."""
    numbers = sorted(map(int, partitions))
    ends = [left for left, right in pairwise([*numbers, -1]) if right != left + 1]
    starts = [right for left, right in pairwise([-2, *numbers]) if right != left + 1]
    return (
        ",".join(
            str(start) if start == end else f"{start}-{end}" for start, end in zip(starts, ends, strict=True)
        )
        or "-"
    )
