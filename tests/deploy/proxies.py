"""The proxies of deploy/proxies with the addresses of a test, and a client that speaks TLS to them."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.deploy.programs import DEPLOY, adapted, certificate, running
from tests.gateway import PATIENCE, Answer, free_ports
from tests.journey import needs

HOST = "events.example.com"
FOLDER = DEPLOY / "proxies"


class Proxy:
    """A proxy that listens with TLS on `port` of 127.0.0.1."""

    def __init__(self, port: int, chain: Path) -> None:
        self.port = port
        self.chain = chain
        self._context = ssl.create_default_context(cafile=str(chain))

    def connect(self, source: str = "127.0.0.1") -> "Client":
        """Connect from an address of this machine."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE, (source, 0))
        return Client(self._context.wrap_socket(plain, server_hostname=HOST))


class Client:
    """A connection through a proxy, which must last."""

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self._connection = http.client.HTTPConnection(HOST)
        self._connection.auto_open = 0
        self._connection.sock = connected

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        self._connection.request(method, path, body, dict(headers or {}))
        response = self._connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())


Start = tuple[str | Path, ...]


def nginx(folder: Path, port: int, gateway: int, chain: Path, key: Path) -> Start:
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "    listen [::]:443 ssl http2;\n": "",
        "127.0.0.1:8080": f"127.0.0.1:{gateway}",
        "/etc/ssl/gateway/fullchain.pem": str(chain),
        "/etc/ssl/gateway/privkey.pem": str(key),
    }
    (folder / "gateway.conf").write_text(adapted(FOLDER / "nginx.conf", changes))
    (folder / "nginx.conf").write_text(
        "user root; daemon off; pid nginx.pid; error_log stderr;\n"
        f"events {{}} http {{ client_body_temp_path {folder}; include {folder}/gateway.conf; }}\n"
    )
    return needs.program("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"


def haproxy(folder: Path, port: int, gateway: int, chain: Path, key: Path) -> Start:
    needs.root()  # it becomes a user of its own
    both = folder / "full.pem"
    both.write_text(chain.read_text() + key.read_text())
    changes = {
        "bind :443": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{gateway}",
        "/etc/ssl/gateway/full.pem": str(both),
    }
    (folder / "haproxy.cfg").write_text(adapted(FOLDER / "haproxy.cfg", changes))
    return needs.program("haproxy"), "-db", "-f", folder / "haproxy.cfg"


def caddy(folder: Path, port: int, gateway: int, chain: Path, key: Path) -> Start:
    changes = {
        "\tauto_https disable_redirects\n": "\tauto_https disable_redirects\n\tadmin off\n",
        f"\n{HOST} {{\n": f"\nhttps://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {chain} {key}\n",
        "127.0.0.1:8080": f"127.0.0.1:{gateway}",
    }
    (folder / "Caddyfile").write_text(adapted(FOLDER / "Caddyfile", changes))
    return needs.program("caddy"), "run", "--config", folder / "Caddyfile"


KINDS: dict[str, Callable[[Path, int, int, Path, Path], Start]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "caddy": caddy,
}


@contextmanager
def proxy(kind: str, folder: Path, gateway: int) -> Iterator[Proxy]:
    """Run a proxy before the gateway on the given port, for as long as the block lasts."""
    chain, key = certificate(folder, HOST)
    port, _ = free_ports()
    command = KINDS[kind](folder, port, gateway, chain, key)
    with running(folder, port, *command, environment={"HOME": str(folder), "PATH": "/usr/bin:/bin"}):
        yield Proxy(port, chain)


def connections(port: int) -> set[str]:
    """Return the clients' ports of all connections to a port, also of those that ended within a minute."""
    wanted = f"{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    pairs = [(row[1].partition(":")[2], row[2].partition(":")[2]) for row in rows]
    return {other for pair in pairs for one, other in (pair, pair[::-1]) if one == wanted} - {"0000"}
