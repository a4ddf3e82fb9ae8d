"""A web site of the test's own: its pages, and the scripts that it has from npm, as they were installed."""

import threading
from collections.abc import Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit


class Site:
    """
    Pages by their paths, at an origin that is not the gateway's.

    Whatever is no page is a file of `packages`: /@segment/analytics-next/dist/umd/index.js.
    """

    def __init__(self, packages: Path) -> None:
        self.packages = packages
        self.pages: dict[str, str] = {}
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(_Handler, pages=self.pages, directory=str(packages))
        )
        self.port = self.server.server_port
        self.origin = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any, pages: Mapping[str, str], **named: Any) -> None:
        self.pages = pages
        super().__init__(*arguments, **named)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        page = "" if path == "/favicon.ico" else self.pages.get(path)
        if page is None:
            return super().do_GET()
        body = page.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Nobody reads it."""
