"""
Collect the ids that advertising vendors leave in browsers into the context, where mappings look for them.

Cookies come from the request, which carries the site's own if the gateway's host name is a subdomain of the
site; click ids come from the URL of the page. For the vendors' formats see destinations/functions/browser.py.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from msgspec import Raw, UnsetType

from gateway.intake.visitor import opts_out
from gateway.message import Message
from gateway.raw import objects, values
from gateway.submission import Submission

# Google Analytics (with one for each stream), Meta, TikTok, Snap, Pinterest, LinkedIn, Reddit, HubSpot.
_COOKIE = re.compile(
    r"_ga|_ga_[A-Z0-9]{1,20}|_fbp|_fbc|_ttp|ttclid|_scid|_epik|li_fat_id|_rdt_uuid|hubspotutk"
)
_CLICK_IDS = (
    *("fbclid", "gclid", "gbraid", "wbraid", "ttclid", "ScCid", "epik", "li_fat_id", "rdt_cid", "msclkid"),
)
_MAX_CHARACTERS = 500
"""The longest id that is kept; Meta's click ids, the longest ones, have about 200."""
_MAX_COOKIES = 20
_MAX_PARAMETERS = 200
_ABSENT = (b"null", b"[]")


def collect(message: Message, *, submission: Submission) -> None:
    """
    Add `context.cookies` and `context.clickIds`, unless the browser opts out; the client's own are kept.

    A context that is no object stays as it is.
    """
    if opts_out(submission):
        return
    context = message.context
    if isinstance(context, UnsetType) or objects.write(context) in _ABSENT:
        context = Raw(b"{}")
    fields = objects.fields(context)
    if fields is None:
        return
    found = {"cookies": _cookies(submission), "clickIds": _click_ids(fields, submission)}
    changed = False
    for name, ids in found.items():
        stated = objects.fields(fields.get(name, Raw(b"{}")))
        if ids and stated is not None and not ids.keys() <= stated.keys():
            fields[name] = Raw(objects.write({**ids, **stated}))
            changed = True
    if changed:
        message.context = Raw(objects.write(fields))


def _cookies(submission: Submission) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in submission.header(b"cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if _COOKIE.fullmatch(name) and 0 < len(value) <= _MAX_CHARACTERS and len(found) < _MAX_COOKIES:
            found.setdefault(name, value)
    return found


def _click_ids(context: Mapping[str, Raw], submission: Submission) -> dict[str, str]:
    """Return the click ids in the URL of the page, which for a pixel is the referrer."""
    page = objects.fields(context.get("page")) or {}
    address = values.find_text(page.get("url")) or values.find_text(page.get("search"))
    address = address or submission.header(b"referer")
    if "?" not in address:
        return {}
    try:
        pairs = dict(parse_qsl(urlsplit(address).query, max_num_fields=_MAX_PARAMETERS))
    except ValueError:
        return {}
    return {name: pairs[name] for name in _CLICK_IDS if 0 < len(pairs.get(name, "")) <= _MAX_CHARACTERS}
