"""An operator's browser at the inspector of a real gateway, with its console open."""

import os
import signal
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, expect

from tests.browser.tab import Tab
from tests.gateway import Gateway, free_ports

__all__ = ["Desk", "Sit", "all_pages", "configuration", "expect", "refusals"]

_CONFIG = """
[server]
port = {port}
[inspector]
port = {inspector_port}
{more}
[sources.website]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""


def configuration(more: str = "", config: str = _CONFIG) -> str:
    """Return a configuration that names its ports, which pages show and restarts keep."""
    port, inspector_port = free_ports()
    return config.format(port=port, inspector_port=inspector_port, more=more)


class Desk(Tab):
    """A tab at the inspector. What a content security policy stops is a complaint, as other errors are."""

    def __init__(self, page: Page, running: Gateway) -> None:
        super().__init__(page)
        self.running = running
        self.origin = f"http://127.0.0.1:{running.inspector_port}"

    def look(self, path: str) -> Page:
        """Open a page of the inspector."""
        self.open(f"{self.origin}{path}")
        return self.page

    def send(self, **event: Any) -> None:
        """Send an event to the gateway, as a server does."""
        answer = self.running.post("/v1/track", {"userId": "u1", "event": "Hello", **event})
        assert answer.status in (200, 400)

    def kill_inspector(self) -> None:
        """End the process of the inspector without warning; the gateway starts another one."""
        os.kill(self.running.children()["inspector"], signal.SIGKILL)

    @property
    def faults(self) -> list[str]:
        """All complaints, but for requests that ended because the page was left."""
        return [each for each in self.complaints if "net::ERR_ABORTED" not in each]

    @property
    def elsewhere(self) -> list[str]:
        """The addresses of all requests to another host."""
        return [request.url for request in self.requests if not self._is_here(request)]

    def _is_here(self, request: Request) -> bool:
        return request.url.startswith(self.origin) or urlsplit(request.url).scheme in ("data", "blob")


Sit = Callable[..., Desk]
"""Starts a gateway, given more of its configuration, and sits down at its inspector."""


def refusals(desk: Desk) -> list[str]:
    """Return the paths of the pages of all refused events, the newest first."""
    links = desk.look("/refused").locator("#rows a.main")
    return [str(link.get_attribute("href")) for link in links.all()]


def all_pages(desk: Desk) -> list[str]:
    """Return the paths of pages of each kind, for whatever the gateway has."""
    return [
        *("/", "/events", "/events?verdict=refused", "/refused", "/sinks", "/sinks/events", "/dead"),
        *("/sources", "/sources/website", "/ledger", "/nothing", "/events?since=never"),
        *refusals(desk)[:1],
    ]
