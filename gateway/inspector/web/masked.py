"""Find the places of the keys in a stored request: each key is masked as ***."""

import re

_NAMES = "writeKey|write_key|write-key|token|tc_skey"
IN_BODY = re.compile(rf'"(?:{_NAMES})"\s*:\s*"(\*\*\*)"', re.IGNORECASE)
IN_QUERY = re.compile(rf"(?:^|[?&])(?:{_NAMES})=(\*\*\*)", re.IGNORECASE)


def around_keys(masked: re.Pattern[str], text: str) -> list[str]:
    """Return the parts of a body or query before, between and after its masked keys."""
    parts, end = [], 0
    for found in masked.finditer(text):
        parts.append(text[end : found.start(1)])
        end = found.end(1)
    return [*parts, text[end:]]
