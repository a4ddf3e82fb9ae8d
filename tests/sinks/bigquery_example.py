"""The bigquery sink for the contract suite, with a service of its own for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.bigquery import BigQuery
from tests.sinks import chaos
from tests.sinks.batches import deliver
from tests.sinks.bigquery_service import DATASET, PROJECT, QUOTA, Service, account
from tests.sinks.contract import Example


class Impatient(BigQuery, tag="impatient", kw_only=True):
    request_seconds: ClassVar[float] = 0.5


def sink_at(service: Service, **keys: Any) -> BigQuery:
    """Return a sink that loads into a table of a service."""
    credentials = Secret(account(service.url))
    given = {"credentials": credentials, "endpoint": service.url, "batch_time": Duration(0), **keys}
    return BigQuery(project=PROJECT, dataset=DATASET, **given)


def ids(service: Service) -> list[str]:
    return [row["id"] for row in service.rows["events"]]


class InService(Example):
    refuses = True
    has_credentials = True
    faults = ("gone", "slow", "full")

    def __init__(self, folder: Path) -> None:
        self._service = Service()

    def __enter__(self) -> Self:
        self._service.__enter__()
        self.sink: BigQuery = sink_at(self._service)
        deliver(self.sink)  # which creates the table
        return self

    def __exit__(self, *error: object) -> None:
        self._service.__exit__()

    def arrived(self) -> list[str]:
        return ids(self._service)

    def spoil(self, line: bytes) -> bytes:
        """Remove what every event has."""
        return line.replace(b'"receivedAt"', b'"notReceivedAt"')

    def denied(self) -> Sink:
        other = account(self._service.url, rsa.generate_private_key(65537, 2048))
        return msgspec.structs.replace(self.sink, credentials=Secret(other))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        faults = {"gone": chaos.half_a_head, "slow": chaos.never_answer, "full": QUOTA}
        self._service.fault = faults[fault]
        keys = {name: getattr(self.sink, name) for name in ("project", "dataset", "credentials", "endpoint")}
        yield Impatient(batch_time=Duration(0), **keys)
        self._service.fault = None
