"""Warnings: repairs and assumptions in accepted events, each with a code from a fixed vocabulary."""

from typing import Literal

import msgspec

WarningCode = Literal[
    "not_a_number",
    "lone_surrogate",
    "unreadable_timestamp",
    "timestamp_suspect",
    "invalid_context_field",
    "anonymous_id_assumed",
    "empty_value",
    "message_id_shortened",
    "missing_event_name",
    "missing_event_id",
    "missing_event_timestamp",
    "missing_id",
]
"""The codes of repairs and assumptions. A code that is not listed here does not pass mypy."""


class Warning(msgspec.Struct, frozen=True):
    """A repair or an assumption in an accepted event."""

    code: WarningCode
    field: str
    detail: str = ""
