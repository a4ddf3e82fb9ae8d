"""The ledger: whether every event is accounted for at every sink."""

import msgspec

from gateway.inspector.queries.inspection import Inspection
from gateway.state.report import Account


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The balance of the gateway."""

    received: int | None = None
    """By the intake since its counters began, as `accepted` and `refused`; None if they cannot be read."""
    accepted: int | None = None
    refused: dict[str, int] | None = None
    """By code."""
    journal: int
    """Events that the journal has ever had."""
    sinks: dict[str, Account]
    balanced: bool
    differences: list[str]


def ledger(inspection: Inspection) -> Ledger:
    """Return the balance. Raises StateUnavailable and OSError."""
    raise NotImplementedError
