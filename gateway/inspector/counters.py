"""The counters of a running gateway's intake, read from its inspector."""

from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

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
            return _counts(answer.read(_MAX_BYTES).decode())
    except (URLError, OSError, HTTPException, ValueError, LookupError, OverflowError):
        return None  # no server is there, or it is not a gateway


def _counts(text: str) -> dict[str, Any]:
    """Return the counts in the text of a gateway's metrics. Raises ValueError, LookupError, OverflowError."""
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    totals = {
        word: sum(int(each.value) for each in found[f"gateway_events_{word}_total"])
        for word in ("received", "accepted")
    }
    refused = {
        each.labels["code"]: int(each.value)
        for each in found.get("gateway_events_refused_total", ())
        if each.value
    }
    return {**totals, "refused": refused}
