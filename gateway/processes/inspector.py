"""The process of the inspector."""

from multiprocessing.connection import Connection
from socket import socket

import anyio

from gateway import logs
from gateway.config.tables import Config
from gateway.home import Home
from gateway.inspector.api.routes import routes
from gateway.inspector.census import Census
from gateway.inspector.ledger import Ledger
from gateway.inspector.pages import inspector
from gateway.inspector.queries.inspection import inspecting
from gateway.inspector.readiness import unready
from gateway.inspector.search.upkeep import keep_indexed
from gateway.intake.connections import Limit
from gateway.intake.protocol import limited_to, sweep
from gateway.journal import engines
from gateway.journal.segments.log import SegmentLog
from gateway.processes.control import Control, Server, run

GRACE = 0.5
"""How many seconds requests in flight may still take when the gateway is stopped."""

MOST_CONNECTIONS = 256
"""The most connections of operators, their programs, and whoever else reaches the port."""


def main(config: Config, listener: socket, pipe: Connection) -> None:
    """Serve the inspector on `listener` until SIGTERM."""
    logs.hide(config.inspector.mask)
    run(lambda: show(config, listener, Control(pipe)))


async def show(config: Config, listener: socket, control: Control) -> None:
    """Serve the inspector until `control` stops it."""
    home = Home(config.journal.path, config.state.url)
    journal = engines.open_log(config.journal)
    ledger = Ledger(journal, home.state, config.sinks)
    present = [config]
    census = Census(home.diagnostics, journal)

    with inspecting(home, journal, lambda: present[0], lambda: unready(present[0].server)) as inspection:
        token = config.inspector.token.reveal()
        app = inspector(ledger, token, inspection, routes(inspection), config.node)
        limit = Limit(MOST_CONNECTIONS)
        server = Server(app, control, GRACE, limited_to(limit, has_short_road=False))

        async def reload(new: Config) -> None:
            present[0] = new
            logs.hide(new.inspector.mask)
            ledger.sinks = new.sinks

        async def watch() -> None:
            connections = server.server_state.connections
            while True:
                sweep(connections)
                limit.relax(len(connections))
                await anyio.sleep(1)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            tasks.start_soon(control.obey, server.stop, reload)
            tasks.start_soon(census.run)
            if isinstance(journal, SegmentLog):
                tasks.start_soon(keep_indexed, journal, inspection.index)
            await server.serve([listener])
            tasks.cancel_scope.cancel()
