"""The ledger: whether every event is accounted for at every sink."""

from contextlib import closing
from typing import Any

import msgspec

from gateway.config.tables import Config
from gateway.inspector.counters import intake_counts
from gateway.inspector.queries.inspection import Inspection
from gateway.journal.base import Log
from gateway.state import report
from gateway.state.report import Account
from gateway.state.store import State


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The balance of the gateway."""

    received: int | None = None
    """By the intake since its counters began, like `accepted` and `refused`; None if they cannot be read."""
    accepted: int | None = None
    refused: dict[str, int] | None = None
    """Refused events by code."""
    journal: int
    """Events that the journal has ever had."""
    sinks: dict[str, Account]
    balanced: bool
    differences: list[str]


def ledger(inspection: Inspection) -> Ledger:
    """Return the balance. Raises StateUnavailable and OSError."""
    config = inspection.config()
    with closing(State.open_read_only(inspection.state)) as state:
        return balance(config, state, inspection.journal)


def balance(config: Config, state: State, journal: Log) -> Ledger:
    """Return the balance of journal and state. Raises StateUnavailable and OSError."""
    with report.readers(journal) as readers:
        events = sum(reader.newest() for reader in readers.values())
        sinks = {name: report.account(name, state, readers) for name in config.sinks}
    address = config.inspector
    intake: dict[str, Any] = intake_counts(address.host, address.port, address.token.reveal()) or {}
    differences = [
        f"sink {name}: {account.difference:+,} {'event' if abs(account.difference) == 1 else 'events'}"
        " not accounted for"
        for name, account in sinks.items()
        if account.difference
    ]
    if intake and intake["received"] < intake["accepted"] + sum(intake["refused"].values()):
        differences.append("intake: fewer events received than accepted and refused")
    return Ledger(**intake, journal=events, sinks=sinks, balanced=not differences, differences=differences)
