"""An intake worker: the front half of the gateway, and the only writer of its partition."""

import asyncio
import sys
from functools import cached_property
from ipaddress import ip_network
from multiprocessing.connection import Connection
from socket import socket

import anyio
from starlette.types import ASGIApp

from gateway import logs, metrics
from gateway.config.tables import Config
from gateway.dialects import DIALECTS
from gateway.home import Home
from gateway.inspector.delivery_api import routes as delivery_api
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search.index import Index
from gateway.intake.backlog import Backlog
from gateway.intake.body import Budget
from gateway.intake.connections import Limit, most_connections
from gateway.intake.endpoint import Endpoint
from gateway.intake.protocol import limited_to, sweep
from gateway.intake.recent import Recent
from gateway.intake.recorder import Recorder
from gateway.intake.refusals import refusals
from gateway.intake.router import Router
from gateway.intake.sender import Networks
from gateway.journal import engines
from gateway.journal.base import Appender
from gateway.processes.control import DRAIN, Control, Server, run
from gateway.records.base import Table
from gateway.records.places import open_table
from gateway.services import openapi, product_api, script, settings, user_api, validate_api
from gateway.services.app import DescribedRoute, services_app
from gateway.services.health import Probe, Readiness, health
from gateway.services.validation import Validator
from gateway.services.welcome import welcome
from gateway.sources import Sources

GRACE = 3.5
"""How many seconds requests in flight may still take when the gateway is stopped."""

# Seconds after which the event loop lets the journal's thread continue once that has synced a commit. With
# Python's 5 ms the 99th percentile at 10,000 events/s in batches of 20 was 8 ms; with this it is 3.9 ms.
_SWITCH_EVERY = 0.0005


def name(slot: int) -> str:
    """Return the name of the process that writes the partition `slot`."""
    return f"intake-{slot}"


def first_name(slot: int) -> str:
    """
    Return the name of a process that has yet to take over the partition `slot`.

    Its predecessor may still be counting in the metrics file with the final name.
    """
    return f"intake-{slot}.next"


def main(config: Config, slot: int, listener: socket, pipe: Connection) -> None:
    """Accept events from `listener` until the supervisor says otherwise."""
    sys.setswitchinterval(_SWITCH_EVERY)
    logs.hide(config.inspector.mask)
    run(lambda: serve(config, slot, listener, Control(pipe)))


async def serve(config: Config, slot: int, listener: socket, control: Control) -> None:
    home = Home(config.journal.path, config.state.url)
    control.loaded()
    async with engines.appending(config.journal, home.journal, slot, config.server.workers) as appender:
        control.rename(name(slot))
        readiness = Readiness(appender.probe)
        budget = Budget()
        backlog = Backlog(budget, asyncio.get_running_loop().call_soon)
        records = Records(home)
        recent = Recent()
        recorder = Recorder(home.diagnostics, recent, str(slot))

        def parts(config: Config) -> tuple[list[Endpoint], ASGIApp]:
            sources = Sources(config.sources.values(), config.server.workers)
            recorder.use(sources)
            return endpoints(sources, recent, appender), services_app(
                service_routes(config, sources, records, appender, budget, readiness.probe)
            )

        router = Router(*parts(config), appender, budget, backlog, trusted_proxies(config))
        limit = Limit(most_connections())
        server = Server(router, control, GRACE, http=limited_to(limit))

        async def watch() -> None:
            connections = server.server_state.connections
            while True:
                sweep(connections)
                limit.watch(len(connections))
                refusals.report()
                metrics.flush()
                await anyio.sleep(1)

        async def apply(message: Config | str) -> None:
            if isinstance(message, Config):
                logs.hide(message.inspector.mask)
                router.replace_routes(*parts(message))
            elif message == DRAIN:
                readiness.drain()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(control.obey, server.stop, apply)
            tasks.start_soon(watch)
            tasks.start_soon(recorder.run)
            await server.serve([listener])
            tasks.cancel_scope.cancel()
        await appender.close()
        recorder.close()
        limit.watch(0)
        metrics.flush()


def endpoints(sources: Sources, recent: Recent, journal: Appender) -> list[Endpoint]:
    return [
        Endpoint(name, dialect, sources, recent, journal.promise, journal.partitions, journal.max_line)
        for name, dialect in DIALECTS.items()
    ]


def trusted_proxies(config: Config) -> Networks:
    return tuple(ip_network(each, strict=False) for each in config.server.trusted_proxies)


def service_routes(
    config: Config, sources: Sources, records: "Records", journal: Appender, budget: Budget, probe: Probe
) -> list[DescribedRoute]:
    server, proxies = config.server, trusted_proxies(config)
    found = [welcome(), *health(probe)]
    found += settings.routes(sources, server.public_url, proxies)
    found += script.routes(sources, server.analytics_js, server.public_url, proxies)
    found += validate_api.routes(Validator.of(sources, config.sinks), budget, proxies)
    if sources.have_tokens:
        found += user_api.routes(sources, records.people, journal, budget)
        found += product_api.routes(sources, records.products, budget)
        found += delivery_api.routes(inspection(config))
    return [*found, openapi.describe(DIALECTS, found)]


def inspection(config: Config) -> Inspection:
    """Return what the event delivery API inspects."""
    home = Home(config.journal.path, config.state.url)
    return Inspection(home, engines.open_log(config.journal), lambda: config, Index(home.folder / "search"))


class Records:
    """The tables of a gateway, opened when a configuration first needs them."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @cached_property
    def people(self) -> Table:
        return open_table(self._home.people)

    @cached_property
    def products(self) -> Table:
        return open_table(self._home.products)
