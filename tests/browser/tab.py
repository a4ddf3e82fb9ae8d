"""A tab of a real browser, which remembers what a person with its console open would have seen."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

from tests.gateway import PATIENCE, until

_IN_VAIN = f"""new Promise((_, fail) => {{
  setTimeout(() => fail(new Error("waited for in vain")), {PATIENCE * 1000})
}})"""


class Tab:
    def __init__(self, page: Page) -> None:
        self.page = page
        self._complaints: list[str] = []
        self._requests: list[Request] = []
        self._preflights: list[str] = []
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self._complaints.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: self._complaints.append(f"{request.url}: {request.failure}"))
        page.on("request", self._note_request)
        # Only the protocol below shows preflights.
        self.protocol = page.context.new_cdp_session(page)
        self.protocol.on("Network.requestWillBeSent", self._note_preflight)
        self.protocol.send("Network.enable")

    def open(self, url: str) -> None:
        """Return when the page and all that it names are there."""
        self.page.goto(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a JavaScript function, or of what it promises and brings about in time."""
        return self.page.evaluate(f"given => Promise.race([({script})(...given), {_IN_VAIN}])", arguments)

    @property
    def complaints(self) -> list[str]:
        """All errors and warnings that the console shows, and requests that came to nothing."""
        self.listen()
        return self._complaints

    @property
    def requests(self) -> list[Request]:
        """All of the page and its scripts."""
        self.listen()
        return self._requests

    @property
    def preflights(self) -> list[str]:
        """The paths that the browser has asked about before it sent anything there."""
        self.listen()
        return self._preflights

    def listen(self) -> None:
        """Let in what the browser has to say."""
        if not self.page.is_closed():
            self.run("() => new Promise(requestAnimationFrame)")

    def until(self, condition: Callable[[], object]) -> None:
        """Return as soon as the condition holds, which what the browser says may bring about."""

        def holds() -> object:
            self.listen()
            return condition()

        until(holds)

    def sent(self, path: str) -> list[Any]:
        """The bodies of what was posted there."""
        return [json.loads(request.post_data or "") for request in self.posts(path)]

    def posts(self, path: str) -> list[Request]:
        return [
            request
            for request in self.requests
            if request.method == "POST" and urlsplit(request.url).path == path
        ]

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(message.text)

    def _note_request(self, request: Request) -> None:
        self._requests.append(request)

    def _note_preflight(self, event: dict[str, Any]) -> None:
        if event["request"]["method"] == "OPTIONS":
            self._preflights.append(urlsplit(event["request"]["url"]).path)
