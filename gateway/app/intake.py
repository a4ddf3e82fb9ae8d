"""An intake worker: the front half of the gateway, and the only writer of its shard."""

import sys
from ipaddress import ip_network
from multiprocessing.connection import Connection
from socket import socket

import anyio
import uvicorn

from gateway import metrics
from gateway.app.control import Control, Server, run
from gateway.config import Config
from gateway.dialects import DIALECTS
from gateway.intake.endpoint import Endpoint
from gateway.intake.front import Front
from gateway.intake.pages import pages
from gateway.intake.protocol import Protocol, sweep
from gateway.journal import files
from gateway.journal.room import Room
from gateway.journal.shard import Shard
from gateway.journal.writer import Writer
from gateway.sources import Sources

GRACE = 10
"""Seconds that requests in flight have when the gateway is stopped."""

# A decoder goes one level deeper for each level of its input. What nests deeper than this is no event of
# anybody's; and readers, with Python's higher limit, can decode whatever the intake could.
_DEEPEST = 600

_LARGEST_FILE = 256 * 1024 * 1024
_FILE_SHARE = 8  # a file takes at the most this part of the journal
_OLDEST_FILE = 86400.0


def main(config: Config, slot: int, listener: socket, pipe: Connection) -> None:
    """Take events from `listener` until the supervisor says otherwise."""
    sys.setrecursionlimit(_DEEPEST)
    run(lambda: serve(config, slot, listener, Control(pipe)))


async def serve(config: Config, slot: int, listener: socket, control: Control) -> None:
    folder = config.journal.path / str(slot)
    files.make_folder(folder)
    with files.lock(folder):
        largest = min(_LARGEST_FILE, config.journal.max_size // _FILE_SHARE)
        oldest = min(_OLDEST_FILE, config.journal.keep)
        room = Room(config.journal.path, config.journal.max_size)
        writer = Writer(Shard(folder, room, largest, oldest))
        proxies = tuple(ip_network(each, strict=False) for each in config.server.trusted_proxies)
        front = Front(endpoints(config), pages(writer.probe), writer, proxies)

        async def every_second() -> None:
            sweep(server.server_state.connections)
            metrics.flush()

        server = Server(
            uvicorn.Config(
                front,
                http=Protocol,
                ws="none",
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE,
                callback_notify=every_second,
                timeout_notify=0,
            ),
            control,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(control.obey, server.stop, lambda new: front.use(endpoints(new)))
            await server.serve([listener])
            tasks.cancel_scope.cancel()
        await writer.close()
        metrics.flush()


def endpoints(config: Config) -> list[Endpoint]:
    sources = Sources(config.sources.values())
    return [Endpoint(name, dialect, sources) for name, dialect in DIALECTS.items()]
