"""Whole bodies: JSON that some decoder can take apart, or is made to be."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway.errors import UnreadableBody
from gateway.raw.repair import Repair, repair

_list = msgspec.json.Decoder(list[Raw]).decode


def entries(array: bytes | Raw) -> list[Raw]:
    """The entries of an array; msgspec.ValidationError if it is none."""
    return _list(array)


def readable(body: bytes) -> tuple[bytes, list[Repair]]:
    """A body that some decoder will take apart, repaired where needed, else UnreadableBody."""
    try:
        return msgspec.json.format(body, indent=-1), []
    except (msgspec.DecodeError, RecursionError):
        body, repairs = repair(body)
    try:
        return msgspec.json.format(body, indent=-1), repairs
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableBody(str(error)) from error


def check_text(body: bytes | Raw) -> None:
    """Raise UnicodeDecodeError: what a decoder leaves undecoded may hold what is not UTF-8."""
    text = bytes(body)
    if not text.isascii():
        text.decode()


def repairs_by_path(repairs: Sequence[Repair], depth: int) -> dict[tuple[str | int, ...], list[Repair]]:
    """Repairs by the first `depth` steps of their paths."""
    made: dict[tuple[str | int, ...], list[Repair]] = {}
    for one in repairs:
        made.setdefault(one.path[:depth], []).append(one)
    return made
