"""The live tail in a browser at 10,000 events/s: whether the page stays small and quick, and misses none."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, CDPSession, Page, TimeoutError, sync_playwright

from tests.bench import cpu, events, open_loop, pinned
from tests.bench.configs import config
from tests.bench.open_loop import Latencies
from tests.bench.table import Row
from tests.browser.conftest import FLAGS
from tests.gateway import PATIENCE, Gateway

BROWSER = "chromium"
_RATE = 10_000  # events a second
_BATCH = 20
_SECONDS = 60
_WARM_UP_SECONDS = 5
_BEHIND_SECONDS = 10.0  # after the load, for what has not been shown yet

_OBSERVE = """
const seen = window.seen = { events: 0, frames: 0, gap: 0, tasks: 0, longest: 0, input: 0 };
window.EventSource = class extends EventSource {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const burst = JSON.parse(data);
      seen.events += burst.rows.length + burst.more;
    });
  }
};
let last;
const frame = (now) => {
  seen.frames += 1;
  if (last) seen.gap = Math.max(seen.gap, now - last);
  last = now;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
const observe = (type, note, more) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, ...more });
observe("longtask", ({ duration }) => {
  seen.tasks += 1;
  seen.longest = Math.max(seen.longest, duration);
});
observe("event", ({ duration }) => (seen.input = Math.max(seen.input, duration)), { durationThreshold: 16 });
"""
_RESET = "Object.assign(seen, { frames: 0, gap: 0, tasks: 0, longest: 0, input: 0 })"


class Memory(NamedTuple):
    """What a page takes, in MB."""

    heap: float
    """Of its script, after a collection."""
    process: float
    """Of the process that renders it."""
    nodes: int


def measure(folder: Path) -> Iterator[Row]:
    folder.mkdir(exist_ok=True)
    program = open_loop.build(folder)
    with (
        sync_playwright() as playwright,
        pinned.gateway(folder / "gateway", config({"null": "null"})) as gateway,
    ):
        browser = playwright.chromium.launch(executable_path=f"/usr/bin/{BROWSER}", args=FLAGS)
        try:
            yield from _watch(program, gateway, browser)
        finally:
            browser.close()


def _watch(program: Path, gateway: Gateway, browser: Browser) -> Iterator[Row]:
    page = browser.new_page()
    page.add_init_script(_OBSERVE)
    page.goto(f"http://127.0.0.1:{gateway.inspector_port}/events")
    page.locator("[data-tail-state]", has_text="Live").wait_for(timeout=PATIENCE * 1000)
    protocol = page.context.new_cdp_session(page)
    _send(program, gateway, page, _WARM_UP_SECONDS)
    renderer = _renderer(browser.new_browser_cdp_session())
    counted = _counted(page)
    before = _memory(protocol, renderer)
    page.evaluate(_RESET)
    inspector = gateway.children()["inspector"]
    begun, used, shown = time.perf_counter(), cpu.seconds(inspector), cpu.seconds(renderer)
    sent = _send(program, gateway, page, _SECONDS)
    seconds = time.perf_counter() - begun
    shares = [(cpu.seconds(pid) - start) / seconds for pid, start in ((inspector, used), (renderer, shown))]
    seen = page.evaluate("seen")
    late = _wait_for_all(page, counted + sent)
    yield from _rows(page, seen, before, _memory(protocol, renderer), seconds, shares)
    missed = counted + sent - _counted(page)
    yield Row("  events neither drawn nor counted", wall=f"{missed:,} of {sent:,}", goal="0")
    yield Row("  the last counted after the load ended", wall=f"{late:.1f} s", goal="≤ 1 s")


def _rows(
    page: Page, seen: dict[str, Any], before: Memory, after: Memory, seconds: float, shares: list[float]
) -> Iterator[Row]:
    undrawn = page.locator("[data-tail-more]").inner_text()
    yield Row(f"live tail at {_RATE:,} events/s for {seconds:.0f} s: {undrawn}")
    yield Row("  heap of the page, start and end", wall=f"{before.heap:.1f}, {after.heap:.1f} MB")
    yield Row("  memory of its process", wall=f"{before.process:.0f}, {after.process:.0f} MB", goal="bounded")
    yield Row("  nodes", wall=f"{before.nodes:,}, {after.nodes:,}", goal="bounded")
    frames = f"{seen['frames'] / seconds:.0f}, {seen['gap']:.0f} ms"
    yield Row("  frames a second, longest time between two", wall=frames)
    yield Row("  long tasks (> 50 ms), the longest", wall=f"{seen['tasks']}, {seen['longest']:.0f} ms")
    yield Row("  input answered, slowest", wall=f"{seen['input']:.0f} ms", goal="≤ 100 ms")
    for name, share in zip(("the inspector", "the page's process"), shares, strict=True):
        yield Row(f"  CPU of {name}", cpu=f"{share:.0%}".replace("%", " % of a core"))


def _send(program: Path, gateway: Gateway, page: Page, seconds: int) -> int:
    """Send events while somebody types into the page, and return how many. Raises RuntimeError."""
    results: list[Latencies] = []
    path, body = events.DIALECTS[0].batch, events.batch(_BATCH)

    def send() -> None:
        results.append(open_loop.run(program, gateway.port, path, body, _RATE / _BATCH, seconds))

    thread = threading.Thread(target=send)
    thread.start()
    text = page.get_by_label("Text")
    while thread.is_alive():
        with suppress(TimeoutError):  # the page is to be measured, and its slowest answer is
            text.press("x")
        page.wait_for_timeout(500)
    thread.join()
    if not results or results[0].failed:
        raise RuntimeError("not all events were accepted")
    return results[0].due * _BATCH


def _wait_for_all(page: Page, events: int) -> float:
    """Return after how many seconds the page has counted so many events, or has had time enough."""
    begun = time.perf_counter()
    while _counted(page) < events and time.perf_counter() < begun + _BEHIND_SECONDS:
        page.wait_for_timeout(100)
    return time.perf_counter() - begun


def _counted(page: Page) -> int:
    return int(page.evaluate("seen.events"))


def _memory(protocol: CDPSession, renderer: int) -> Memory:
    protocol.send("HeapProfiler.collectGarbage")
    protocol.send("Performance.enable")
    found = {each["name"]: each["value"] for each in protocol.send("Performance.getMetrics")["metrics"]}
    return Memory(found["JSHeapUsedSize"] / 1e6, cpu.resident(renderer), int(found["Nodes"]))


def _renderer(browser: CDPSession) -> int:
    """Return the process that renders the only page: of all renderers the one that has used the most CPU."""
    found = browser.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [each for each in found if each["type"] == "renderer"]
    return int(max(renderers, key=lambda each: each["cpuTime"])["id"])
