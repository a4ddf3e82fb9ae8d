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
from gateway.inspector.search.upkeep import keep_indexed
from gateway.journal.segments.log import SegmentLog
from gateway.processes.control import Control, Server, run

GRACE = 0.5
"""Seconds that requests in flight have when the gateway is stopped."""


def main(config: Config, listener: socket, pipe: Connection) -> None:
    """Serve the inspector on `listener` until SIGTERM."""
    logs.hide(config.inspector.mask)
    run(lambda: show(config, listener, Control(pipe)))


async def show(config: Config, listener: socket, control: Control) -> None:
    """Serve the inspector until `control` stops it."""
    home = Home(config.journal.path)
    journal = SegmentLog(home.folder)
    ledger = Ledger(journal, home.state, config.sinks)
    present = [config]
    census = Census(home.diagnostics, journal)

    with inspecting(home, journal, lambda: present[0]) as inspection:
        app = inspector(ledger, config.inspector.token.reveal(), inspection, routes(inspection))
        server = Server(app, control, GRACE)

        async def reload(new: Config) -> None:
            present[0] = new
            logs.hide(new.inspector.mask)
            ledger.sinks = new.sinks

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(control.obey, server.stop, reload)
            tasks.start_soon(census.run)
            tasks.start_soon(keep_indexed, journal, inspection.index)
            await server.serve([listener])
            tasks.cancel_scope.cancel()
