"""Real clients in separate processes: a table of them, their calls, and what they sent."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.clients import install
from tests.gateway import PATIENCE, Gateway
from tests.journey import needs
from tests.journey.calls import IDS, Call, instant
from tests.journey.relay import Exchange, Relay, relay

DRIVERS = Path(install.__file__).parent


class Unusual(NamedTuple):
    """A value that JSON cannot express, or that not every JSON reader accepts."""

    said: Any
    arrives: Any
    warned: bool
    """True if the gateway repairs it; otherwise the client does."""


PYTHON_UNUSUAL = {
    "not": Unusual({"$number": "NaN"}, None, warned=True),
    "much": Unusual({"$number": "-Infinity"}, None, warned=True),
    "half": Unusual("x\ud83dy", "x\ufffdy", warned=True),
    "whole": Unusual("😀", "😀", warned=False),
    "big": Unusual(2**63 + 1, 2**63 + 1, warned=False),
    "exact": Unusual({"$exact": "19.99"}, 19.99, warned=False),
}
NODE_UNUSUAL = {
    "not": Unusual({"$number": "NaN"}, None, warned=False),
    "much": Unusual({"$number": "-Infinity"}, None, warned=False),
    "half": Unusual("x\ud83dy", "x\ufffdy", warned=True),
    "whole": Unusual("😀", "😀", warned=False),
}


class Client(NamedTuple):
    """One version of one library."""

    name: str
    driver: str
    module: str = ""
    """The module for a driver of several libraries."""
    requirement: str = ""
    """The name in tests/clients/install.py; empty if it is installed with the tests or from npm."""
    takes_207: bool = True
    """As measured here, independent of gateway/clients.py."""
    gzip: Mapping[str, bool] | None = None
    """The option that toggles compression; None if the client cannot compress."""
    alone: Mapping[str, Any] = {}
    """Options with which each call becomes a request of its own."""
    impatient: Mapping[str, Any] = {}
    """Options with which it gives up after the second attempt."""
    some: Mapping[str, Any] = {}
    """Options with which many calls become several batches."""
    full: Mapping[str, Any] = {}
    """Options with which only the size limits its batches."""
    largest: int = 0
    """Size of the events in its largest batches, in bytes."""
    takes_numbers: bool = True
    """True if an id can be a number."""
    checks_event: bool = False
    """True if it raises for a track without a name."""
    tells: bool = True
    """True if it reports a refused event to its caller."""
    dialect: str = "segment"
    traits_in_context: bool = False
    """True if it sends the traits of an identify in `context.traits` alone."""
    unusual: Mapping[str, "Unusual"] = {}


def _python(version: str, **facts: Any) -> Client:
    return Client(
        **{
            "name": f"segment-analytics-python {version}",
            "driver": "python.py",
            "module": "segment.analytics.client",
            "requirement": f"segment-analytics-python=={version}",
            "takes_207": False,
            "gzip": {"gzip": True},
            "alone": {"sync_mode": True},
            "impatient": {"max_retries": 1},
            "some": {"upload_size": 50},
            "full": {"upload_interval": 2, "upload_size": 1000},
            "largest": 475_000,
            "unusual": PYTHON_UNUSUAL,
            **facts,
        }
    )


def _callbacks(module: str, version: str, **facts: Any) -> Client:
    return Client(
        name=f"{module} {version}",
        driver="callbacks-node.cjs",
        module=module,
        alone={"flushAt": 1},
        impatient={"retryCount": 1},
        full={"flushAt": 1000},
        largest=450 * 1024,
        checks_event=True,
        unusual=NODE_UNUSUAL,
        **facts,
    )


CLIENTS = (
    _python("2.2.3"),
    _python("2.3.5"),
    _python("2.4.0", requirement="", takes_207=True),
    _python(
        "2.1.9",
        name="rudder-sdk-python 2.1.9",
        module="rudderstack.analytics.client",
        requirement="rudder-sdk-python==2.1.9",
        gzip={"gzip": False},
        largest=4 * 1024 * 1024,
        traits_in_context=True,
    ),
    Client(
        "@segment/analytics-node 3.1.0",
        "segment-node.cjs",
        alone={"flushAt": 1},
        impatient={"maxRetries": 1},
        # It aims at 480 KB, but counts only characters that a URL would escape, and the letter i.
        full={},
        largest=15 * 14_000,
        takes_numbers=False,
        unusual=NODE_UNUSUAL,
    ),
    _callbacks("analytics-node", "6.2.0"),
    _callbacks("@rudderstack/rudder-sdk-node", "3.0.13", gzip={"gzip": False}),
)
BROWSER_CLIENTS = (
    Client("@jitsu/js 1.11.0", "jitsu.cjs", dialect="jitsu"),
    Client("@segment/analytics-next 1.84.3", "segment-next.cjs"),
    Client("@segment/analytics-next 1.84.3, batching", "segment-next.cjs", tells=False),
)
"""Browser clients, which know one person; here they run outside a browser."""

NAMED = {client.name.rpartition(" ")[0]: client for client in CLIENTS}
"""The latest version of each client."""


class Report(NamedTuple):
    """The result of a client's run."""

    dialect: str
    exchanges: list[Exchange]
    """All POST requests."""
    errors: list[str]
    """The errors that it reported to its caller."""
    exit_code: int

    @property
    def statuses(self) -> list[int]:
        return [exchange.status for exchange in self.exchanges]

    @property
    def sent(self) -> list[str]:
        """The messageIds of all events that it sent, including repeats."""
        return [event["messageId"] for exchange in self.exchanges for event in exchange.events]

    @property
    def said(self) -> list[dict[str, Any]]:
        """The expected canonical event of every event that it sent, including repeats."""
        return [
            canonical(event, exchange, self.dialect)
            for exchange in self.exchanges
            for event in exchange.events
        ]


def say(
    client: Client,
    running: Gateway,
    calls: Sequence[Call],
    *,
    key: str = "dev",
    before_answer: Callable[[Relay], None] = lambda relay: None,
    **options: Any,
) -> Report:
    """Run a client with calls, and return once its process has ended."""
    if client.driver.endswith(".py"):
        folder = str(needs.client(install.python(client.requirement))) if client.requirement else ""
        command, environment = [sys.executable], {"PYTHONPATH": folder}
    else:
        needs.program("node")
        command, environment = ["node"], {"NODE_PATH": str(needs.client(install.NODE) / "node_modules")}
    with relay(running.port, before_answer) as way:
        scenario = {
            "host": f"http://127.0.0.1:{way.port}",
            "key": key,
            "module": client.module,
            "options": options,
            "calls": calls,
        }
        done = subprocess.run(
            [*command, str(DRIVERS / client.driver)],
            input=json.dumps(scenario),
            capture_output=True,
            check=False,
            env={**os.environ, **environment},
            text=True,
            timeout=PATIENCE,
        )
    last = done.stdout.splitlines()[-1:] if done.returncode == 0 else []
    errors = json.loads(last[0])["errors"] if last else [done.stderr]
    posted = [exchange for exchange in way.exchanges if exchange.method == "POST"]
    return Report(client.dialect, posted, errors, done.returncode)


def canonical(said: Mapping[str, Any], exchange: Exchange, dialect: str) -> dict[str, Any]:
    """Return the canonical event expected for what a client sent, without receivedAt."""
    fields: dict[str, Any] = {name: {} for name in ("properties", "traits", "context", "integrations")}
    fields |= {name: value for name, value in said.items() if value is not None}
    for name in IDS:
        if (value := fields.pop(name, "")) != "":
            fields[name] = str(value)
    fields.pop("writeKey", None)
    extras = {"_metadata": fields.pop("_metadata")} if "_metadata" in fields else {}
    timestamp = instant(fields.get("timestamp") or fields["originalTimestamp"])
    return {
        **fields,
        "timestamp": timestamp,
        "originalTimestamp": instant(fields.get("originalTimestamp") or timestamp),
        "sentAt": instant(fields.get("sentAt") or exchange.json["sentAt"]),
        "source": {"name": "default", "dialect": dialect, "route": exchange.path},
        **({"extras": extras} if extras else {}),
    }


def without_receipt(event: Mapping[str, Any]) -> dict[str, Any]:
    assert event["receivedAt"]
    return {name: value for name, value in event.items() if name != "receivedAt"}


def meant(client: Client, call: Call) -> Call:
    """Return the fields of a call, where this client puts them."""
    said: Call = {name: str(value) if name in IDS else value for name, value in call.items()}
    if client.traits_in_context and call["type"] == "identify" and "traits" in call:
        said["context"] = {**said.get("context", {}), "traits": said.pop("traits")}
    return said
