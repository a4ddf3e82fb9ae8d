"""The example for logrotate, with logrotate itself and a real gateway."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

from tests.deploy.programs import DEPLOY, adapted, check
from tests.gateway import Gateway, until
from tests.journey import needs

USERS = ["u0", "u1", "u2"]


def test_no_event_is_lost_or_repeated_when_the_file_is_rotated(
    gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    needs.root()
    program = needs.program("logrotate")
    running = gateway()
    folder = tmp_path / "data"
    config = tmp_path / "logrotate.conf"
    changes = {"/var/lib/gateway/data": str(folder), "gateway gateway": "root root"}
    config.write_text(adapted(DEPLOY / "logrotate/gateway", changes))
    config.chmod(0o600)

    for user in USERS:
        running.post("/v1/track", {"userId": user, "event": "Hello"})
        running.delivered(1)
        check(program, "--force", "--state", tmp_path / "logrotate.state", config)
        await_next_second()

    files = sorted(folder.glob("events.jsonl-*"))
    # The newest may still be written to.
    assert [path.suffix == ".gz" for path in files] == [True, True, False]
    texts = [gzip.decompress(path.read_bytes()) for path in files[:-1]] + [files[-1].read_bytes()]
    assert [json.loads(line)["userId"] for text in texts for line in text.splitlines()] == USERS


def await_next_second() -> None:
    """Return in another second of the clock, which is part of a rotated file's name."""
    now = int(time.time())
    until(lambda: int(time.time()) > now)
