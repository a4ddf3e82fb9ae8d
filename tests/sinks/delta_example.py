"""The delta sink for the contract suite, with a folder or a bucket, and its table as readers see it."""

from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from gateway.sinks.delta import Delta
from gateway.sinks.lake.location import locate
from gateway.sinks.storage.sink import StorageSink
from tests.sinks import lake_example


def rows(sink: StorageSink) -> list[dict[str, Any]]:
    """Return the rows of a sink's table in the order of their positions."""
    location = locate(sink)
    try:
        table = DeltaTable(location.uri, storage_options=location.options)
    except TableNotFoundError:
        return []
    found: list[dict[str, Any]] = table.to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: int(row["position"].rpartition("/")[2]))


class InFolder(lake_example.InFolder):
    kind = Delta

    def arrived(self) -> list[str]:
        return [row["id"] for row in rows(self.sink)]


class InBucket(lake_example.InBucket):
    kind = Delta

    def arrived(self) -> list[str]:
        return [row["id"] for row in rows(self.sink)]
