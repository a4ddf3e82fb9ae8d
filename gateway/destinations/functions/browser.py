"""
Ids that vendors leave in browsers: cookies, and click ids in addresses.

They are looked for where `collect_ids` of a source puts them (intake/browser_ids.py): `context.cookies`
and `context.clickIds`; click ids also in the address of the page and of the page before it.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gateway.destinations.functions.numbers import time_ms

_GA_CLIENT = re.compile(r"GA\d\.\d+\.(\d+\.\d+)")
# GS1.1.<session>.<number>… and, since May 2025, GS2.1.s<session>$o<number>$…
_GA_SESSION = re.compile(r"GS\d\.\d+\.s?(\d+)")
_PLACES = ("url", "search", "referrer")
_MAX_PARAMETERS = 200


def cookie(context: Any, name: str) -> Any:
    """The value of a cookie, from the context."""
    return _below(_below(context, "cookies"), name)


def query(context: Any, name: str) -> Any:
    """A click id by the name of its query parameter, from the context."""
    found = _below(_below(context, "clickIds"), name)
    if found:
        return found
    page = _below(context, "page")
    addresses = [page.get(place) for place in _PLACES] if isinstance(page, dict) else []
    begin = f"{name}="
    for address in (*addresses, _below(_below(context, "referrer"), "url")):
        if isinstance(address, str) and begin in address and (found := _parameter(address, name)):
            return found
    return None


def ga_client(value: str) -> str | None:
    """The client id of Google Analytics in the value of the cookie `_ga`."""
    found = _GA_CLIENT.match(value)
    return found[1] if found else None


def ga_session(context: Any, measurement_id: str) -> str | None:
    """The session id of Google Analytics in its cookie for a measurement id, from the context."""
    found = _GA_SESSION.match(str(cookie(context, f"_ga_{measurement_id.removeprefix('G-')}") or ""))
    return found[1] if found else None


def fbc(event: Any) -> str | None:
    """
    Meta's click id, from the whole event: the cookie `_fbc`, else built from `fbclid` and the event's time.

    Meta documents the form `fb.1.<milliseconds>.<fbclid>`. The time should be that of the click, which only
    a cookie remembers.
    """
    context = _below(event, "context")
    stored = cookie(context, "_fbc")
    if isinstance(stored, str) and stored:
        return stored
    click = query(context, "fbclid")
    moment = time_ms(_below(event, "timestamp")) if click else None
    return None if moment is None else f"fb.1.{moment}.{click}"


def _below(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _parameter(address: str, name: str) -> str | None:
    """Return a parameter of an address."""
    try:
        query = urlsplit(address).query
        return dict(parse_qsl(query, max_num_fields=_MAX_PARAMETERS)).get(name)
    except ValueError:
        return None
