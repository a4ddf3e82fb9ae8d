"""A server that gives every request the same answer."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple


class Answering(NamedTuple):
    endpoint: str
    requests: list[bytes]
    """The start of each request, in order."""


@contextmanager
def answering(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[Answering]:
    """Run the server, with TLS if there is a context; with an empty answer it hangs."""
    requests: list[bytes] = []
    opened: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if context:
                    try:
                        connection = context.wrap_socket(connection, server_side=True)
                    except OSError:  # the client has declined
                        continue
                opened.append(connection)
                with suppress(OSError):  # the client has left
                    requests.append(connection.recv(65536))
                    if answer:
                        connection.sendall(answer)
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Answering(f"http://127.0.0.1:{listener.getsockname()[1]}", requests)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in opened:
                connection.close()


def status(line: str, body: str = "") -> bytes:
    """Return an answer with this status line, and headers that all stores send."""
    head = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", "Connection: close", 'ETag: "e"']
    return ("\r\n".join([*head, "Last-Modified: Thu, 26 Nov 2026 09:00:00 GMT"]) + f"\r\n\r\n{body}").encode()
