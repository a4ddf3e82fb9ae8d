"""What `[inspector] mask` hides cannot be found out by searching for it."""

from pathlib import Path
from typing import Any

import pytest

from gateway.inspector.queries.dead import DeadChoice, dead, drop
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.events import events
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.replays import ReplayOrder, start
from gateway.inspector.queries.stream import tail
from gateway.sinks.null import Null
from tests.build import event_line
from tests.cli.deliveries import Stopped
from tests.inspector.inspecting import fill, index, inspection


def test_a_text_is_found_where_it_is_shown_alone(tmp_path: Path) -> None:
    hidden, shown = {"email": "Ada@example.com"}, {"contact": "Ada@example.com"}
    fill(tmp_path, [event_line(0, traits=hidden), event_line(1, traits=shown), event_line(2)])
    index(tmp_path)

    found = events(inspection(tmp_path, mask=("email",)), Filter(text="ada@EXAMPLE"))

    assert [row.message_id for row in found.items] == ["m1"]


@pytest.mark.anyio
async def test_nor_does_the_live_tail_show_it(tmp_path: Path) -> None:
    fill(tmp_path, [event_line(0, traits={"email": "ada@example.com"}), event_line(1, userId="ada@example")])
    bursts = tail(inspection(tmp_path, mask=("email",)), Filter(text="ada@example"), "0/0")

    burst = await anext(bursts)
    await bursts.aclose()

    assert [row.message_id for row in burst.rows] == ["m1"]


@pytest.mark.parametrize(
    ("mask", "field"),
    [("userId", "user"), ("ANONYMOUSID", "user"), ("event", "event")],
)
def test_what_is_hidden_is_no_filter(tmp_path: Path, mask: str, field: str) -> None:
    asked = inspection(Stopped(tmp_path).home.folder, mask=(mask,), events=Null())
    given: dict[str, Any] = {field: "guess"}

    for query in (
        lambda: events(asked, Filter(**given)),
        lambda: dead(asked, Filter(**given)),
        lambda: drop(asked, DeadChoice(**given, dry_run=True)),
        lambda: start(asked, ReplayOrder(sink="events", **given, dry_run=True)),
    ):
        with pytest.raises(InvalidQuery, match=f"{field}: .inspector. mask hides "):
            query()
