"""What mappings cost an event, and how many events reach a vendor that answers in 50 ms, in order."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import anyio

from gateway.config.secret import Secret
from gateway.destinations.planning import plan
from gateway.raw import timestamps
from gateway.sinks.base import Batch
from gateway.sinks.destination import Destination
from tests.bench.options import Options
from tests.bench.table import Row
from tests.build import event_line

PROGRAMS = ()
_EVENTS = 8000
_PERSONS = 500
_ANSWER_SECONDS = 0.05
_SETTINGS = {
    "ga4": {"measurement_id": "G-ABC123", "api_secret": "secret"},
    "meta": {"pixel_id": "1234", "access_token": "token"},
}
_PRODUCT = {"product_id": "p1", "name": "Shirt", "price": 5, "quantity": 2, "brand": "B", "category": "Tops"}


def measure(options: Options) -> Iterator[Row]:
    lines = [_line(number) for number in range(_EVENTS)]
    for name, settings in _SETTINGS.items():
        sink = Destination(name=name, settings={key: Secret(value) for key, value in settings.items()})
        program = sink.program()
        times = []
        for _ in range(options.rounds * 3):
            started = time.thread_time()
            planned = plan(program, lines[:1000], 1, time.time())
            times.append(time.thread_time() - started)
            assert not planned.refused
        micros = min(times) / 1000 * 1e6
        yield Row(
            f"mapping of {name}, an order", "", f"{1e6 / micros:,.0f}/s", f"{micros:.1f} µs", "", "≥ 20,000/s"
        )
    rates = [_deliver(lines) for _ in range(options.rounds)]
    yield Row(
        "8 in flight, answers in 50 ms", "", f"{sorted(rates)[len(rates) // 2]:,.0f}/s", "", "", "≥ 5,000/s"
    )


def _line(number: int) -> bytes:
    return event_line(
        number,
        event="Order Completed",
        userId=f"u{number % _PERSONS}",
        timestamp=timestamps.write(time.time_ns() // 1_000_000),
        properties={"order_id": "o1", "revenue": 10, "currency": "EUR", "products": [_PRODUCT]},
        context={
            "ip": "192.0.2.1",
            "userAgent": "Mozilla/5.0",
            "page": {"url": "https://shop.example/a", "title": "T", "referrer": "https://g.example"},
            "cookies": {"_ga": "GA1.1.12345.67890", "_fbp": "fb.1.1.1"},
            "traits": {"email": "ann@example.com", "phone": "+4930901820"},
        },
    )


def _deliver(lines: list[bytes]) -> float:
    """Return the events a second that Meta's mapping delivers to a server that takes its time."""
    vendor = _Vendor()
    settings = {key: Secret(value) for key, value in _SETTINGS["meta"].items()}
    sink = Destination(name="meta", settings=settings, url=vendor.start(), allow_private=True, in_flight=8)

    async def deliver() -> float:
        async with sink.connect("ads", b"") as connection:
            started = time.perf_counter()
            for first in range(0, _EVENTS, sink.batch_events):
                part = lines[first : first + sink.batch_events]
                end = first + len(part)
                data = b"".join(line + b"\n" for line in part)
                await connection.write(Batch("ads", "0", first, end, range(first, end), data))
            return _EVENTS / (time.perf_counter() - started)

    rate = anyio.run(deliver, backend_options={"use_uvloop": True})
    vendor.check()
    return rate


class _Vendor:
    """A server on loopback, in a thread of its own, that answers each request after 50 ms."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._port = 0
        self._ready = threading.Event()

    def start(self) -> str:
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()
        return f"http://127.0.0.1:{self._port}"

    def check(self) -> None:
        """Check that every event has arrived, in order for each person."""
        latest: dict[str, int] = {}
        events = [event for body in self._bodies for event in json.loads(body)["data"]]
        for event in events:
            person, number = event["user_data"]["external_id"][0], int(event["event_id"][1:])
            assert latest.get(person, -1) < number
            latest[person] = number
        assert len(events) == _EVENTS

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                [size] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                self._bodies.append(await reader.readexactly(int(size.partition(b":")[2])))
                await asyncio.sleep(_ANSWER_SECONDS)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
