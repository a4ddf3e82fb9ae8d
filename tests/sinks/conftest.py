"""The servers that tests of sinks share."""

import pytest

from tests.sinks import seaweed


@pytest.fixture(scope="session")
def s3() -> seaweed.Server:
    """A running S3 server with a bucket, in which each test uses a prefix of its own."""
    return seaweed.standing()
