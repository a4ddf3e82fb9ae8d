"""What all sinks that write files to storage have in common: its place, credentials, and file size."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gateway.config import paths
from gateway.config.secret import Secret
from gateway.config.units import Duration, Positive, Size
from gateway.sinks.base import Sink
from gateway.sinks.storage import bucket


class StorageSink(Sink):
    """A sink that writes to a folder or a bucket, one file per batch."""

    path: Path | None = None
    """The folder; either this or `url`."""
    url: str = ""
    """The place in a bucket: s3://BUCKET/…, gs://BUCKET/… or az://ACCOUNT/CONTAINER/…."""
    batch_events: Positive = msgspec.field(default=100_000, name="roll_events")
    """The maximum number of events in a file: here a batch is a file, so both limits are the same."""
    batch_bytes: Size = Size(64 * 1024**2)
    """The size of its events, as JSON, at which a file is complete."""
    batch_time: Duration = msgspec.field(default=Duration(300), name="roll_time")
    """The longest time that a file waits for more events."""
    columns: Mapping[str, str] = {}
    """Promoted columns: revenue = "properties.revenue: number"."""
    endpoint: str = ""
    """The address of a store that is not the cloud's own; only here may it be plain http://."""
    region: str = ""
    """S3's region; by default the environment's, else us-east-1."""
    access_key: Secret | None = None
    """S3's access key; without it, the environment's credentials are used."""
    secret_key: Secret | None = None
    """S3's secret key, Azure's account key, or Google Cloud Storage's service account key, as JSON."""

    @property
    def target(self) -> str:
        return str(self.path or self.url)

    @property
    def is_of_one_machine(self) -> bool:
        return self.path is not None

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if self.path is None and not self.url:
            yield "path", "missing; expected a path, or a url"
        elif self.path and self.url:
            yield "url", "there is a path already; expected one of them"
        elif self.path:
            try:
                paths.check_folder(self.path)
            except ValueError as error:
                yield "path", str(error)
            for key in ("endpoint", "region", "access_key", "secret_key"):
                if getattr(self, key):
                    yield key, "is for a url; there is a path"
        else:
            keys = (self.access_key, self.secret_key)
            yield from bucket.mistakes(self.url, self.endpoint, self.region, keys)
