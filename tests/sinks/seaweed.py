"""A real S3 server, SeaweedFS from its wheel, started with credentials on ports that are free."""

import atexit
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.request import Request, urlopen

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gateway.config.secret import Secret
from gateway.sinks.storage.bucket import Bucket
from tests.gateway import PATIENCE, free_ports

ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"
READ_ONLY, READ_ONLY_SECRET = "reader-access-key", "reader-secret-key"
BUCKET = "events"


class Server(NamedTuple):
    endpoint: str

    def bucket(self, prefix: str, **settings: str) -> Bucket:
        """Return the storage of a sink below a prefix; `settings` replace those that are right."""
        given = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, **settings}
        return Bucket(
            given.get("url", f"s3://{BUCKET}/{prefix}"),
            endpoint=given.get("endpoint", self.endpoint),
            access_key=Secret(given["access_key"]),
            secret_key=Secret(given["secret_key"]),
        )

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return the content of all objects below a prefix, by their names."""
        store = self.store(prefix)
        names = [each["path"] for each in obstore.list(store).collect()]
        return {name: bytes(obstore.get(store, name).bytes()) for name in names}

    def store(self, prefix: str | None = None) -> S3Store:
        return S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=self.endpoint,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )


@cache
def standing() -> Server:
    """Return a server that the tests of this process share; it is started for the first of them."""
    opened = ExitStack()
    folder = opened.enter_context(TemporaryDirectory(prefix="seaweed-", ignore_cleanup_errors=True))
    atexit.register(opened.close)
    return opened.enter_context(running(Path(folder)))


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server with a bucket, which keeps its data in `folder`."""
    identities = [
        _identity("writer", ACCESS_KEY, SECRET_KEY, "Admin"),
        _identity("reader", READ_ONLY, READ_ONLY_SECRET, "Read"),
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    parts = ("master.port", "volume.port", "filer.port", "s3.port")
    ports = dict(zip([p for part in parts for p in (part, f"{part}.grpc")], _free_ports(8), strict=True))
    program = shutil.which("weed") or str(Path(sys.executable).with_name("weed"))
    arguments = [
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-master.telemetry=false"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-volume.minFreeSpace=1"),
        *("-s3", f"-s3.config={folder / 's3.json'}", "-s3.autoCreateBucket=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen([program, "server", *arguments], stdout=log, stderr=log)
    try:
        server = Server(f"http://127.0.0.1:{ports['s3.port']}")
        _await_bucket(server, f"http://127.0.0.1:{ports['filer.port']}", folder / "weed.log")
        yield server
    finally:
        process.kill()
        process.wait()


def _identity(name: str, access: str, secret: str, action: str) -> dict[str, object]:
    return {
        "name": name,
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": [action],
    }


def _free_ports(count: int) -> list[int]:
    return [port for _ in range(count // 2) for port in free_ports()]


def _await_bucket(server: Server, filer: str, log: Path) -> None:
    """Create the bucket, and return once the server stores objects in it."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            request = Request(f"{filer}/buckets/{BUCKET}/", method="POST")
            with urlopen(request, timeout=PATIENCE):
                obstore.put(server.store(), "ready", b"")
            return
        except (OSError, BaseError) as error:
            if time.monotonic() > end:
                raise AssertionError(log.read_text()[-4000:]) from error
            time.sleep(0.05)
