"""The servers that tests of sinks share."""

from collections.abc import Iterator

import pytest

from tests.sinks import seaweed


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweed.Server]:
    """A running S3 server with a bucket, in which each test uses a prefix of its own."""
    with seaweed.running(tmp_path_factory.mktemp("seaweed")) as server:
        yield server
