"""Positions as given to commands."""

import re

import click

_POSITION = re.compile(r"(?:(\d+)/)?(\d{1,18})", re.ASCII)


class Position(click.ParamType[tuple[str | None, int]]):
    """A position in the journal: the partition, if given, and the number of an event."""

    name = "position"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str | None, int]:
        found = _POSITION.fullmatch(str(value))
        if not found:
            self.fail(f'expected a position such as "0/12345", got {str(value)!r}')
        return found[1], int(found[2])
