"""The rates of requests that vendors have published, which a sink keeps to by itself."""

from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

from gateway.config.secret import Secret
from gateway.destinations.vendor import MappingFile, built_in
from gateway.errors import SinkUnavailable
from gateway.sinks.destination import Destination, DestinationConnection
from tests.build import event_line
from tests.destinations import braze, customerio, hubspot, klaviyo, slack
from tests.destinations.rates import Leap, Rate, Vendor
from tests.sinks.batches import batch_of

KNOWN = {"email": "ann@example.com", "firstName": "Ann"}
TRACK = {"context": {"traits": KNOWN}}
IDENTIFY = {"type": "identify", "traits": KNOWN}
MERGED = [{"type": "identify", "anonymousId": "a1"}, {"type": "alias", "previousId": "u0"}]
NUMBER = 120
"""Of events, each of which makes one request; more than any of the vendors takes at once."""

BRAZE = {"endpoint": "rest.fra-01.braze.eu", "api_key": "key"}
CUSTOMERIO = {"site_id": "site", "api_key": "key"}
HUBSPOT = {"hub_id": "77", "access_token": "pat"}
SLACK = {"webhook_url": "https://hooks.slack.com/services/T0/B0/x"}


class Case(NamedTuple):
    """Events for one call of a vendor, or for several that it counts together."""

    name: str
    settings: dict[str, str]
    rates: list[Rate]
    status: int
    events: list[dict[str, Any]]


CASES = {
    "klaviyo: profiles": Case("klaviyo", {"api_key": "pk"}, klaviyo.RATES, 200, [IDENTIFY]),
    "klaviyo: events": Case("klaviyo", {"api_key": "pk"}, klaviyo.RATES, 202, [TRACK]),
    "braze: events": Case("braze", BRAZE, braze.RATES, 201, [TRACK]),
    "braze: aliases": Case("braze", BRAZE, braze.RATES, 201, MERGED),
    "customerio": Case("customerio", CUSTOMERIO, customerio.RATES, 200, [TRACK]),
    "hubspot: events": Case("hubspot", HUBSPOT, hubspot.RATES, 204, [TRACK]),
    "hubspot: contacts": Case("hubspot", HUBSPOT, hubspot.RATES, 200, [IDENTIFY]),
    "slack": Case("slack", SLACK, slack.RATES, 200, [TRACK]),
}
every_case = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])


def send(case: Case, extension: str = "") -> int:
    """Write events one by one, as quickly as the sink does; return the number of requests."""
    vendor = Vendor(case.rates, case.status)
    mapping = MappingFile(Path("mine.toml"), f'extend = "{case.name}"\n{extension}')
    settings = {name: Secret(value) for name, value in case.settings.items()}
    sink = Destination(mapping=mapping, settings=settings)

    async def write_all() -> None:
        connection = DestinationConnection(sink, sink.program(), vendor)  # type: ignore[arg-type]
        for number in range(NUMBER):
            event = case.events[number % len(case.events)]
            await connection.write(batch_of([event_line(number, **event)], first=number))

    anyio.run(write_all, backend_options={"loop_factory": Leap})
    return vendor.requests


@every_case
def test_a_sink_keeps_to_the_rate_that_its_vendor_has_published(case: Case) -> None:
    assert send(case) == NUMBER


@every_case
def test_a_sink_without_a_rate_would_be_turned_away(case: Case) -> None:
    calls = [f"calls.{name}" for name in built_in(case.name).table.get("calls", {})]
    faster = "".join(f'[{call}.limits]\nrate = "1000000/s"\n' for call in ["send", *calls])

    with pytest.raises(SinkUnavailable, match="429"):
        send(case, faster)
