"""The inspector of a gateway in a folder, called as a server calls it, by programs and by browsers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from gateway.config import file
from gateway.config.tables import Config
from gateway.home import Home
from gateway.inspector.api.routes import routes
from gateway.inspector.ledger import Ledger
from gateway.inspector.pages import inspector
from gateway.inspector.queries.inspection import Inspection, inspecting
from tests.build import open_log

LOCAL = "http://127.0.0.1:8081"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FORM = {**BROWSER, "Origin": LOCAL, "Sec-Fetch-Site": "same-origin"}
"""Of a form on a page of the inspector."""

CONFIG = """
[sources.website]
write_keys = ["website-key"]
[sinks.archive]
kind = "json_lines"
path = "archive.jsonl"
"""


def configured(folder: Path, text: str = CONFIG) -> Config:
    """Return the configuration of a text, whose paths are relative to the folder."""
    path = folder / "gateway.toml"
    path.write_text(text)
    return file.load(path, None, {})


@contextmanager
def looking(folder: Path, text: str = CONFIG) -> Iterator[Inspection]:
    """Lend an inspection of the gateway in a folder."""
    config = configured(folder, text)
    home = Home(config.journal.path)
    with inspecting(home, open_log(home.folder), lambda: config) as inspection:
        yield inspection


def visitor(folder: Path, token: str = "", text: str = CONFIG, **more: Any) -> TestClient:
    """Return a client of the inspector that follows no redirect, with the cookies of its own."""
    config = configured(folder, text)
    home = Home(config.journal.path)
    journal = open_log(home.folder)
    with inspecting(home, journal, lambda: config) as inspection:
        app = inspector(Ledger(journal, home.state, config.sinks), token, inspection, routes(inspection))
        return TestClient(app, **{"base_url": LOCAL, "follow_redirects": False, **more})


def form_token(page: str) -> str:
    """Return the token in the first form of a page that has one."""
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
