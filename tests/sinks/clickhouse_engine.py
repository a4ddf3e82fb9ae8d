"""
ClickHouse's engine, in process as chdb has it, behind as much of its HTTP interface as the sink needs.

`python -m tests.sinks.clickhouse_engine FOLDER PORT`: one user, whose password is PASSWORD. Statements,
settings, types, errors and their codes are the engine's; only what the server itself does is written here,
after clickhouse.com/docs/interfaces/http.
"""

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chdb import ChdbError
from chdb.session import Session

from tests.sinks.clickhouse_server import PASSWORD, USER, login

_DENIED = (
    f"Code: 516. DB::Exception: {USER}: Authentication failed: password is incorrect, or there is no user"
    " with such name. (AUTHENTICATION_FAILED)"
)
_OF_HTTP = ("query", "wait_end_of_query")
_STATUSES = {516: 403, 497: 403, 60: 404, 81: 404, 62: 400, 41: 400, 27: 400, 469: 500}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    session: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if self.headers["Authorization"] != login(USER, PASSWORD):
            return self._fail(_DENIED)
        settings = {
            name: value
            for name, value in given.items()
            if name not in _OF_HTTP and not name.startswith("param_")
        }
        parameters = {
            name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")
        }
        try:
            statement = _join(given.get("query", ""), settings, body)
            found: Any = self.session.query(statement, "TabSeparated", params=parameters)
        except ChdbError as error:
            return self._fail(str(error))
        self._answer(200, found.bytes(), {})

    def _fail(self, words: str) -> None:
        code = int(re.findall(r"Code: (\d+)", words)[0])
        headers = {"X-ClickHouse-Exception-Code": str(code)}
        self._answer(_STATUSES.get(code, 500), f"{words} (version 26.9.2.1)\n".encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def _join(query: str, settings: dict[str, str], body: str) -> str:
    """Return a statement with settings, and the data that follow it."""
    escaped = {name: value.replace("'", "''") for name, value in settings.items()}
    listed = ", ".join(f"{name} = '{value}'" for name, value in escaped.items())
    clause = f" SETTINGS {listed}" if listed else ""
    if " FORMAT " not in query:
        return f"{query}{body}{clause}"
    head, format = query.rsplit(" FORMAT ", 1)
    return f"{head}{clause} FORMAT {format}\n{body}"


def main(folder: str, port: str) -> None:
    Handler.session = Session(folder)  # type: ignore[no-untyped-call]  # chdb has few types
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
