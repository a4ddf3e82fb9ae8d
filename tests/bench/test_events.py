"""The events that are measured with are those that they stand for."""

import json
from pathlib import Path

from tests.bench import events
from tests.gateway import Gateway


def test_a_line_put_into_the_journal_has_the_fields_of_one_that_the_intake_writes(tmp_path: Path) -> None:
    with Gateway(tmp_path) as running:
        running.post("/v1/track", events.single())
        [written] = running.delivered(1)

    assert list(json.loads(events.canonical())) == list(written)
