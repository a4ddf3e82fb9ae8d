"""A gateway that has delivered to a partner, with what it has kept of that, for tests of the API."""

from contextlib import closing
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from gateway.delivery.recorder import store_minutes
from gateway.diagnostics.minutes import Failure, Minute
from gateway.diagnostics.shapes import DELIVERIES
from gateway.diagnostics.store import Store
from gateway.home import Home
from gateway.journal.base import Position
from gateway.state.letters import Burial
from gateway.state.store import State
from tests.build import JOURNAL, event_line
from tests.inspector.visitor import visitor

CONFIG = """
[sources.website]
write_keys = ["website"]
site_id = "29"
api_tokens = ["token-29"]

[sources.app]
write_keys = ["app"]
site_id = "29"

[sources.other]
write_keys = ["other"]
site_id = "30"
api_tokens = ["token-30"]

[sinks.partner]
kind = "null"

[sinks.others]
kind = "null"
sources = ["other"]
"""
HOUR = "start=2027-01-15T08:00:00Z&end=2027-01-15T09:00:00Z"
AT = 1_800_000_000_000  # 2027-01-15T08:00:00Z
MINUTE = 60_000
TOKEN = {"Authorization": "Bearer token-29"}


class Partner:
    """A gateway whose sink `partner` has delivered, and clients of its API."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder = folder
        self.home = Home(folder / "data/journal")
        self.client: TestClient = visitor(folder, "operators", config)
        self.home.folder.mkdir(parents=True)
        State.prepare(self.home.state, JOURNAL)

    def count(self, at: int, failures: dict[str, Failure] | None = None, **events: int) -> None:
        """Record events of a minute, by outcome and reason: `dead_refused=3`."""
        minute = Minute(failures=failures or {})
        for name, number in events.items():
            outcome, _, reason = name.partition("_")
            minute.add(outcome, reason, ("track", "Ordered"), number)
        with closing(Store(self.home.diagnostics, DELIVERIES)) as store:
            assert store.write(
                lambda database: store_minutes(database, [("partner", at // MINUTE, minute)], AT), AT
            )

    def bury(self, *letters: tuple[str, str, str, int]) -> None:
        """Store dead letters, each of a source, with an event name, a code and a time."""
        burials = [
            Burial(
                position=number,
                epoch=1,
                batch=f"partner/0/{number}-{number + 1}",
                code=code,
                message="revenue is no number",
                answer='{"error": "revenue"}',
                tries=1,
                first_failed_at=at,
                last_failed_at=at,
                canonical=event_line(
                    number,
                    event=event,
                    source={"name": source, "dialect": "segment"},
                    context={"ip": "192.0.2.7"},
                ),
            )
            for number, (source, event, code, at) in enumerate(letters)
        ]
        with closing(State.open(self.home.state, JOURNAL)) as state:
            state.record("partner", "0", Position(len(letters), 1), {}, burials=burials)

    def get(self, path: str, headers: dict[str, str] = TOKEN) -> Any:
        answer = self.client.get(f"/v2/29/integrations/{path}", headers=headers)
        assert answer.headers["content-type"] == "application/vnd.api+json"
        return answer.status_code, answer.json()

    def attributes(self, path: str) -> Any:
        status, body = self.get(path)
        assert status == 200, body
        return body["data"]["attributes"]
