"""
Events of Commanders Act and canonical ones, both ways.

What the way back could not know is kept in `native`, which is one of

* `event`: all of it as it was sent, where its own fields have our names or are of the wrong kind;
* `derived`: canonical fields that the event did not have and that were made from others,
  and `sent`: what the way back spells otherwise, as a JSON merge patch (RFC 7396) to its result.
"""
