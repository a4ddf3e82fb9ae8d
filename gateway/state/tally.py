"""What became of events, counted: one row of the state holds all counts of a sink in a partition."""

from collections import Counter
from collections.abc import Mapping

import msgspec

Tally = Counter[tuple[str, str]]
"""
Events by outcome and reason:

* delivered: the sink has them
* filtered {source, type, consent, integrations}: not for this sink
* dead {damaged}: not deliverable
* skipped {before_sink, not_kept}: accepted before the sink was configured, or no longer kept
* rewound: delivered once more, because a recorded position could not be believed

For every sink, journal + rewound = delivered + filtered + dead + skipped + pending.
"""

_read = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


def decode(text: str) -> Tally:
    """Read counts from their JSON, such as `{"filtered":{"type":2}}`. msgspec.DecodeError."""
    counts = _read(text)
    return Tally(
        {(outcome, reason): n for outcome, reasons in counts.items() for reason, n in reasons.items()}
    )


def encode(tally: Mapping[tuple[str, str], int]) -> str:
    """Write counts as JSON, without those that are 0."""
    counts: dict[str, dict[str, int]] = {}
    for (outcome, reason), events in tally.items():
        if events:
            counts.setdefault(outcome, {})[reason] = events
    return msgspec.json.encode(counts).decode()
