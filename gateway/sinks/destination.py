"""
Send events to a vendor by a mapping: one that comes with the gateway, or the operator's own file.

Events that break a rule that the vendor has published are not sent. Vendors recognize events by their ids.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import structlog
from anyio import to_thread
from yarl import URL

from gateway.config.secret import Secret
from gateway.config.units import Positive
from gateway.destinations import settings as settings_of
from gateway.destinations import vendor as vendors
from gateway.destinations.answers import Verdict
from gateway.destinations.calls import Call
from gateway.destinations.packing import Request
from gateway.destinations.planning import Plan, plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import BadMapping, MappingFile, Vendor
from gateway.diagnostics import exchanges
from gateway.errors import Culprit, SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch, Connection, Exclude
from gateway.sinks.http_client.answers import Answer, check, retry_after
from gateway.sinks.http_client.client import Client, check_header, parse_url, secrets_in
from gateway.sinks.http_client.sink import RequestSink
from gateway.sources import Vocabulary

log = structlog.get_logger()

_MAX_EVENTS_ON_LOOP = 20  # mapping more takes longer than a thread costs


class Destination(RequestSink, tag="destination", kw_only=True):
    name: str = ""
    """The name of a mapping that comes with the gateway."""
    mapping: MappingFile | None = None
    """The operator's own mapping, instead of `name`."""
    settings: dict[str, Secret] = msgspec.field(default_factory=dict)
    """What the mapping asks for; none of them are shown, since it cannot be known which are secret."""
    dry_run: bool = False
    """Do everything but send."""
    url: str = ""
    """Scheme, host and port to send to instead of the vendor's, such as those of a proxy."""
    translate: Vocabulary | None = "segment"
    """Mappings know e-commerce events by Segment's names."""
    batch_events: Positive = 1000
    in_flight: Positive = 8

    sends_each_event = True

    @property
    def target(self) -> str:
        return f"{self.name or self.mapping} at {super().target}{' (dry run)' if self.dry_run else ''}"

    def check(self) -> Iterator[tuple[str, str]]:
        if bool(self.name) == bool(self.mapping):
            yield "name", "expected either name, of a mapping that comes with the gateway, or mapping, a file"
            return
        if self.name and self.name not in vendors.names():
            yield "name", f"expected one of {', '.join(vendors.names())}"
            return
        try:
            program = self.program()
        except BadMapping as error:
            for mistake in error.mistakes:
                yield "mapping" if self.mapping else "name", mistake
            return
        wrong = [*settings_of.mistakes(program.settings, self._given())]
        for name, text in wrong:
            yield f"settings.{name}", text
        if wrong:
            return
        yield from super().check()
        for call in program.calls.values():
            try:
                self.address(call)
            except ValueError as error:
                if call.name != next(iter(program.calls)):  # whose address was checked above
                    yield "mapping" if self.mapping else "name", f"the url of {call.name}: {error}"
            for key, value in call.headers.items():
                try:
                    check_header(key, value)
                except ValueError as error:
                    yield "settings", f"the headers of {call.name}: {error}"

    def vendor(self) -> Vendor:
        """Return the mapping. Raises BadMapping."""
        return self.mapping.vendor() if self.mapping else vendors.built_in(self.name)

    def program(self) -> Program:
        """Return the mapping, compiled. Raises BadMapping."""
        return Program(self.vendor(), self._given())

    def endpoint(self) -> URL:
        return self.address(next(iter(self.program().calls.values())))

    def address(self, call: Call) -> URL:
        """Return the address of a call. Raises ValueError."""
        url = parse_url(call.url)
        if self.url:
            instead = parse_url(self.url)
            url = url.with_scheme(instead.scheme).with_host(str(instead.host)).with_port(instead.port)
        return url.update_query(call.query) if call.query else url

    def exclude(self) -> Exclude:
        return self.program().exclusion

    async def reach(self) -> None:
        if not self.dry_run:
            await super().reach()

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        program = self.program()
        secrets = [Secret(each) for each in program.secrets]
        for call in program.calls.values():
            secrets += [*map(Secret, call.headers.values()), *secrets_in(self.address(call))]
        if self.dry_run:
            log.info("dry run: nothing is sent", sink=name)
        async with self.client(secrets) as client:
            yield DestinationConnection(self, program, client)

    def _given(self) -> dict[str, str]:
        return {name: secret.reveal() for name, secret in self.settings.items()}


class DestinationConnection:
    """Sends the requests of a batch; those of one lane are sent one after another."""

    receipt = b""

    def __init__(
        self, sink: Destination, program: Program, client: Client, now: Callable[[], float] = time.time
    ) -> None:
        self._sink = sink
        self._program = program
        self._client = client
        self._now = now
        self._urls = {name: sink.address(call) for name, call in program.calls.items()}
        self._free_at: dict[str, float] = {}

    async def write(self, batch: Batch, /) -> bytes:
        lines = batch.lines
        if len(lines) > _MAX_EVENTS_ON_LOOP:
            planned = await to_thread.run_sync(self._plan, lines)
        else:
            planned = self._plan(lines)
        if planned.failed:
            [bug, *_] = planned.failed.values()
            log.error("events could not be mapped", sink=batch.sink, batch=batch.id, exc_info=bug)

        async def send(request: Request) -> tuple[Answer, Verdict] | None:
            with exchanges.about(*{batch.positions[index] for index in request.events.values()}):
                return await self._send(request)

        await Sending(planned, self._sink.in_flight, send).run()
        return b""

    def _plan(self, lines: list[bytes]) -> Plan:
        return plan(self._program, lines, self._sink.in_flight, self._now())

    async def _send(self, request: Request) -> tuple[Answer, Verdict] | None:
        """Send a request; None in a dry run. Raises SinkUnavailable or SinkMisconfigured."""
        call = request.call
        headers = {"Content-Type": "application/json", **call.headers}
        if self._sink.dry_run:
            self._client.pretend(call.method, self._urls[call.name], headers, request.body)
            return None
        await self._wait_for_turn(call)
        answer = await self._client.send(call.method, self._urls[call.name], headers, request.body)
        verdict = call.answers.judge(answer.status, answer.body)
        if verdict.kind == "credentials":
            raise SinkMisconfigured(answer.line, answer=answer.words)
        if verdict.kind == "retry":
            wait = retry_after(answer, header=call.answers.retry_after)
            raise SinkUnavailable(answer.line, retry_after=wait, answer=answer.words)
        if verdict.kind == "unknown":
            try:
                check(answer)
            except SinkRefused:
                verdict.kind = "refused"
        return answer, verdict

    async def _wait_for_turn(self, call: Call) -> None:
        """Wait until the rate of a call permits one more request."""
        if call.limits.rate:
            now = anyio.current_time()
            turn = max(now, self._free_at.get(call.name, now))
            self._free_at[call.name] = turn + 1 / call.limits.rate
            await anyio.sleep(turn - now)


class Sending:
    """The requests of one batch in flight, and what becomes of its events."""

    def __init__(
        self, planned: Plan, lanes: int, send: Callable[[Request], Awaitable[tuple[Answer, Verdict] | None]]
    ) -> None:
        self._send = send
        self._number = lanes
        self._waiting = iter(planned.lanes)
        self._missing: dict[int, int] = {}
        """For each event, the number of items that the vendor does not have yet."""
        for lane in planned.lanes:
            for request in lane:
                for event in request.events.values():
                    self._missing[event] = self._missing.get(event, 0) + 1
        self._failures: list[SinkError] = []
        self._unnamed: SinkRefused | None = None
        self._culprits = {index: Culprit(str(each), each.code) for index, each in planned.refused.items()}
        internal = Culprit("the event could not be mapped", "internal_error")
        self._culprits |= dict.fromkeys(planned.failed, internal)

    async def run(self) -> None:
        """
        Send everything. Raises the first failure that concerns the target, else SinkRefused with all refused
        events; either error names the delivered events.
        """
        async with anyio.create_task_group() as group:
            for _ in range(self._number):
                group.start_soon(self._work)
        delivered = [event for event, items in self._missing.items() if not items]
        if self._failures:
            worst = next(
                (each for each in self._failures if isinstance(each, SinkMisconfigured)), self._failures[0]
            )
            worst.delivered = delivered
            raise worst
        if self._culprits:
            first = self._culprits[min(self._culprits)]
            raise SinkRefused(first.message, self._culprits, answer=first.answer, delivered=delivered)
        if self._unnamed:
            self._unnamed.delivered = delivered
            raise self._unnamed

    async def _work(self) -> None:
        for lane in self._waiting:
            for request in lane:
                if self._failures:
                    return
                try:
                    answered = await self._send(request)
                except SinkError as error:
                    self._failures.append(error)
                    return
                if not self._note(request, answered):
                    break  # later requests for the same persons must not overtake it

    def _note(self, request: Request, answered: tuple[Answer, Verdict] | None) -> bool:
        """Note what became of the events of a request; return False if some must be sent again."""
        bad: set[int] = set()
        if answered and answered[1].kind == "refused":
            answer, verdict = answered
            events = set(request.events.values())
            named = {request.events.get(place): words for place, words in verdict.culprits.items()}
            if not named and len(events) == 1:
                named = dict.fromkeys(events, "")
            if not named or None in named:
                self._unnamed = SinkRefused(answer.line, answer=answer.words)
                return False
            for event, words in named.items():
                assert event is not None
                self._culprits[event] = Culprit(words or answer.line, "refused", answer.words)
                bad.add(event)
            if not verdict.stored:
                return len(events) == len(bad)
        for event in request.events.values():
            if event not in bad:
                self._missing[event] -= 1
        return True
