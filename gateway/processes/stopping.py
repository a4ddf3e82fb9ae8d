"""How the supervisor stops its children: within a bounded time, whatever they or their sinks do."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from socket import socket
from typing import Any

import structlog

from gateway.processes import delivery, intake
from gateway.processes.child import Child
from gateway.processes.control import DRAIN

log = structlog.get_logger()

STOP_SECONDS = 8.0
"""Seconds within which the gateway stops, in addition to `[server] drain`. Docker kills after 10."""

_MARGIN_SECONDS = 0.5  # for a process to end once its time is over


def stop(
    signals: socket,
    listener: socket,
    intakes: Sequence[Child],
    others: Sequence[Child],
    drain: float,
    *,
    at_once: bool,
) -> None:
    """
    Turn load balancers away for `drain` seconds, stop accepting, then deliver what was accepted.

    With `at_once`, or when another signal arrives, kill all children instead. This process always ends.
    """
    watchdog = threading.Timer(drain + STOP_SECONDS + _MARGIN_SECONDS, os._exit, (1,))
    watchdog.daemon = True
    watchdog.start()
    log.info("gateway stopping")
    if drain and not at_once:
        for child in intakes:
            child.send(DRAIN)
        end = time.monotonic() + drain
        while not at_once and wait([signals], max(0.0, end - time.monotonic())):
            at_once = _asks_for_the_end(signals)
    listener.close()  # otherwise connections would wait in vain once the intakes have closed it
    at_once = _end(intakes, intake.GRACE, signals, at_once=at_once)
    _end(others, delivery.LAST_WORK, signals, at_once=at_once)
    log.info("gateway stopped")


def _end(children: Sequence[Child], seconds: float, signals: socket, *, at_once: bool) -> bool:
    """End children, and kill those that have not ended in time. Return True if another signal has arrived."""
    end = time.monotonic() + (0 if at_once else seconds + _MARGIN_SECONDS)
    try:
        for child in children:
            child.terminate()
        while (running := [child for child in children if child.running]) and time.monotonic() < end:
            events: list[Any] = [signals, *(event for child in running for event in child.events)]
            for event in wait(events, end - time.monotonic()):
                if event is signals and _asks_for_the_end(signals):
                    at_once, end = True, 0.0
                for child in running:
                    child.notice(event)
    except Exception:  # whatever it is, no child may be left
        log.exception("children not stopped in order")
    for child in children:
        child.kill()
    return at_once


def _asks_for_the_end(signals: socket) -> bool:
    """Read signals, and return True if one is not SIGHUP, which a closing terminal sends as well."""
    return any(number != signal.SIGHUP for number in signals.recv(64))
