"""A target of `http` sinks, in the test's own process: it answers as the test wants it to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Target:
    """Answers every request with `status` and `body`."""

    def __init__(self, status: int = 200, body: str = "{}") -> None:
        self.status = status
        answer = body.encode(errors="replace")
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(target.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: object) -> None:
                """Nothing is logged."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def sink(self) -> str:
        """The table of a sink that sends here."""
        return (
            f'[sinks.target]\nkind = "http"\nurl = "http://127.0.0.1:{self.server.server_port}/"\n'
            "allow_private = true\n"
        )

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
