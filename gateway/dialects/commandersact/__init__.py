"""
Commanders Act's events become canonical ones, and canonical events become Commanders Act's.

What a canonical event cannot express is in its `native`, which is one of

* `event`: the whole event as it was sent, if its fields already have canonical names or are of the wrong
  kind;
* `derived`: canonical fields that the event did not have, derived from others; and `sent`: a JSON
  merge patch (RFC 7396) from what writing.py would make of the canonical event to what was sent.
"""
