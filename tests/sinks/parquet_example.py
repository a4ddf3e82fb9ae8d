"""The parquet sink for the contract suite, with a folder or a bucket."""

from gateway.sinks.parquet import Parquet
from tests.sinks import lake_example, seaweed
from tests.sinks.parquet_files import files, ids


class InFolder(lake_example.InFolder):
    kind = Parquet

    def arrived(self) -> list[str]:
        return ids(files(self.folder))


class InBucket(lake_example.InBucket):
    kind = Parquet

    def arrived(self) -> list[str]:
        return ids(seaweed.standing().objects(self.prefix))
