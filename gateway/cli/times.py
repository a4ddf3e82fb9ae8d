"""Times on the command line: ISO-8601, or an age such as `2h`."""

import time

import click

from gateway.config import units
from gateway.raw import timestamps


class Time(click.ParamType[int]):
    """Converts to milliseconds since 1970."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return max(0, time.time_ns() // 1_000_000 - int(units.Duration.parse(value) * 1000))
        except ValueError:
            pass
        try:
            return timestamps.read(str(value))
        except ValueError:
            self.fail(
                f'expected a time such as "2026-11-26T09:00:00Z", or an age such as "2h", got {value!r}'
            )


class Rate(click.ParamType[float]):
    """Converts to events per second."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        text = str(value)
        try:
            rate = units.Rate.parse(text if "/" in text else f"{text}/s")
        except ValueError:
            rate = units.Rate(0)
        if not 0 < rate < 1e9:
            self.fail(f'expected events per second such as "100", or a rate such as "600/m", got {value!r}')
        return rate


since_option = click.option(
    "--since", type=Time(), help='From this time on: ISO-8601, or an age such as "2h".'
)
until_option = click.option("--until", type=Time(), help="Before this time.")
rate_option = click.option("--rate", type=Rate(), help="At most this many events per second.")
