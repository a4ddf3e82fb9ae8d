"""Find the places in what is kept of a request where its keys were: each is masked as ***."""

import re

_NAMES = "writeKey|write_key|write-key|token|tc_skey"
IN_BODY = re.compile(rf'"(?:{_NAMES})"\s*:\s*"(\*\*\*)"', re.IGNORECASE)
IN_QUERY = re.compile(rf"(?:^|[?&])(?:{_NAMES})=(\*\*\*)", re.IGNORECASE)


def around_keys(masked: re.Pattern[str], text: str) -> list[str]:
    """Return the parts of a body or query before, between and after the keys that are masked in it."""
    parts, end = [], 0
    for found in masked.finditer(text):
        parts.append(text[end : found.start(1)])
        end = found.end(1)
    return [*parts, text[end:]]
