"""The page of a sink."""

import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import SinkHeld, SinkMisconfigured, SinkUnavailable
from tests.build import keep
from tests.delivery.work import open_state
from tests.inspector.visitor import BROWSER, visitor


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SinkUnavailable("host: 502"), "The target cannot take events now, and is tried again: host: 502"),
        (SinkMisconfigured("no such table"), "The target takes nothing until this is mended: no such table"),
        (SinkHeld("too many refused"), "The sink waits for you: too many refused"),
        (KeyError("name"), "An unexpected error, KeyError:"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_a_failure_is_said_in_words(tmp_path: Path, error: Exception, words: str) -> None:
    keep(tmp_path / "data/journal/0")
    with closing(open_state(tmp_path / "data/journal")) as state:
        state.statuses.failed("archive", "retrying", error)

    page = visitor(tmp_path).get("/sinks/archive", headers=BROWSER).text

    assert words in " ".join(page.split())
    assert "<code>Sink" not in page


@pytest.mark.parametrize("path", ["/sinks/archive?span=1h", "/sinks/archive?span=30d", "/sinks/archive"])
def test_the_chart_reaches_to_the_present(tmp_path: Path, path: str) -> None:
    keep(tmp_path / "data/journal/0")
    open_state(tmp_path / "data/journal").close()
    before = datetime.now(UTC).replace(second=0, microsecond=0)

    page = visitor(tmp_path).get(path, headers=BROWSER).text

    *_, end = re.findall(r'<time datetime="([^"]*)"', page.split("<figcaption>")[1].split("</figcaption>")[0])
    assert datetime.fromisoformat(end) >= before
