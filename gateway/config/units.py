"""Durations, sizes, counts and rates as operators write them."""

import re
from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}

_PER = {"/s": 1, "/m": 60, "/h": 3600}

_LARGEST = 10**18  # of any unit; no file system and no clock has larger numbers


class Duration(float):
    """Seconds, written "30s", "15m", "24h" or "7d"."""

    @classmethod
    def parse(cls, text: object) -> "Duration":
        number, unit = _split(text, _SECONDS, 'a duration such as "30s", "15m", "24h" or "7d"')
        return cls(number * _SECONDS[unit])

    def spell(self) -> str:
        """Return it as an operator may write it, in the largest unit that leaves no fraction."""
        return _spell(self, _SECONDS)


class Size(int):
    """Bytes, written "15KB", "256MB" or "20GB"; KB is 1024 bytes."""

    @classmethod
    def parse(cls, text: object) -> "Size":
        number, unit = _split(text, _BYTES, 'a size such as "15KB", "256MB" or "20GB"')
        return cls(number * _BYTES[unit])

    def spell(self) -> str:
        """Return it as an operator may write it, in the largest unit that leaves no fraction."""
        return _spell(self, _BYTES)


class Rate(float):
    """Events per second, written "1000/s", "600/m" or "50/h"."""

    @classmethod
    def parse(cls, text: object) -> "Rate":
        expected = 'a rate such as "1000/s", "600/m" or "50/h"'
        number, unit = _split(text, _PER, expected)
        return cls(number / _PER[unit])


def _split(text: object, units: dict[str, int], expected: str) -> tuple[float, str]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(/?[A-Za-z]+)", text) if isinstance(text, str) else None
    if not found or found[2] not in units:
        raise ValueError(f"expected {expected}, got {text!r}")
    number = float(found[1])
    if number > _LARGEST:
        raise ValueError(f"expected {expected}; this is too large")
    return number, found[2]


def _spell(number: float, units: dict[str, int]) -> str:
    smallest = next(iter(units))
    unit = next((unit for unit in reversed(units) if number and not number % units[unit]), smallest)
    return f"{number / units[unit]:.15g}{unit}"
