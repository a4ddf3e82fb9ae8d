"""The counters of a running gateway's intake, read from its inspector."""

from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_SECONDS = 3.0
_MAX_BYTES = 4 * 1024**2


def intake_counts(host: str, port: int, token: str) -> dict[str, Any] | None:
    """Return `received`, `accepted` and `refused` by code, or None if no gateway answers."""
    host = f"[{host}]" if ":" in host else host
    request = Request(f"http://{host}:{port}/metrics")  # the operator's own address
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_SECONDS) as answer:
            text = answer.read(_MAX_BYTES).decode()
    except (URLError, OSError, HTTPException, ValueError):
        return None
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    totals = {
        word: sum(int(each.value) for each in samples if each.name == f"gateway_events_{word}_total")
        for word in ("received", "accepted")
    }
    refused = {
        each.labels["code"]: int(each.value)
        for each in samples
        if each.name == "gateway_events_refused_total" and each.value
    }
    return {**totals, "refused": refused}
