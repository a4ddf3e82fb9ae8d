"""Types of arguments that several commands have: times and positions."""

import re
import time

import click

from gateway.config.units import Duration
from gateway.raw import timestamps

_POSITION = re.compile(r"(?:(\d+)/)?(\d{1,18})", re.ASCII)


class Time(click.ParamType[int]):
    """An instant in milliseconds since 1970, written in ISO-8601, or as an age such as "2h"."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> int:
        text = str(value)
        try:
            return int((time.time() - Duration.parse(text)) * 1000)
        except ValueError:
            pass
        try:
            return timestamps.read(text)
        except ValueError:
            self.fail(f'expected a time such as "2026-01-31T12:00:00Z" or an age such as "2h", got {text!r}')


class Position(click.ParamType[tuple[str | None, int]]):
    """A position in the journal: the partition, if it is given, and the number of an event."""

    name = "position"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str | None, int]:
        found = _POSITION.fullmatch(str(value))
        if not found:
            self.fail(f'expected a position such as "0/12345", got {str(value)!r}')
        return found[1], int(found[2])
