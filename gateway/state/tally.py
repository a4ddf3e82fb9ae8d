"""Tallies: events counted by outcome. One row of the state holds all counts of a sink in a partition."""

from collections import Counter
from collections.abc import Mapping

import msgspec

Tally = Counter[tuple[str, str]]
"""
Number of events by (outcome, reason):

* delivered: written by the sink
* filtered {source, type, event, consent, integrations}: excluded by the sink's filters
* duplicate: the same messageId from the same source was delivered before
* dead {the code of the letter, damaged}: a dead letter, or no longer readable
* skipped {before_sink, not_kept, operator, dropped}: accepted before the sink was configured, no longer
  retained, passed by order, or a dead letter that was dropped
* rewound: delivered again, because the recorded position did not belong to the journal
* replayed: sent again by order of an operator

For every sink, journal + rewound = delivered + filtered + duplicate + dead + skipped + pending.
"""

_read = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


def decode(text: str) -> Tally:
    """Decode a tally from JSON such as `{"filtered":{"type":2}}`. Raises msgspec.DecodeError."""
    counts = _read(text)
    return Tally(
        {(outcome, reason): n for outcome, reasons in counts.items() for reason, n in reasons.items()}
    )


def encode(tally: Mapping[tuple[str, str], int]) -> str:
    """Encode a tally as JSON, without counts of 0."""
    counts: dict[str, dict[str, int]] = {}
    for (outcome, reason), events in tally.items():
        if events:
            counts.setdefault(outcome, {})[reason] = events
    return msgspec.json.encode(counts).decode()
