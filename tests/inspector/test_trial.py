"""Trials of sinks, of which the inspector makes one at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.inspector.queries.errors import Overloaded
from gateway.inspector.trial import try_to_connect
from gateway.sinks.base import Connection, Sink
from gateway.sinks.null import Null, NullConnection


class Meanwhile(Sink, tag="meanwhile"):
    """A sink at whose trial another one begins."""

    folder: Path

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        with pytest.raises(Overloaded):
            try_to_connect("other", Null(), self.folder)
        yield NullConnection()


def test_while_a_sink_is_tried_another_trial_is_refused_at_once_and_holds_no_thread(tmp_path: Path) -> None:
    during = try_to_connect("first", Meanwhile(folder=tmp_path), tmp_path)
    afterwards = try_to_connect("other", Null(), tmp_path)

    assert (during, afterwards) == ("ok", "ok")
