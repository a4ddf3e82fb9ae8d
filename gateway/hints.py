"""Hints for people whose event was refused: what each code means, and what to change."""

HINTS = {
    "unknown_write_key": (
        "no source has this key, the key is missing, or tc_s is not the source's site_id; "
        "compare it with write_keys in the configuration"
    ),
    "source_disabled": "the key's source has enabled = false; set it to true, or use another key",
    "origin_not_allowed": "the page's origin is not among the source's allowed_origins; add it there",
    "bad_signature": (
        "the webhook's signature is missing or wrong, or its time is too far from now; "
        "compare the sender's secret with webhook_secret, and both clocks"
    ),
    "unreadable_body": (
        "not JSON, not UTF-8, or not what Content-Encoding says; send one JSON document in UTF-8"
    ),
    "body_too_large": "the whole body, or a single event; send less at once, or raise the source's max_body",
    "event_too_large": "one event of a batch; shorten it, or raise the source's max_event",
    "empty_batch": "the batch holds no events; put them into a list, under batch",
    "too_many_events": (
        "the batch holds too many, and none was stored; send less at once, or raise the source's max_events"
    ),
    "not_an_object": "an event is not a JSON object; send {…} for each",
    "missing_type": "an event of a batch or webhook has no type; add it",
    "unknown_type": "type is not identify, track, page, screen, group or alias; use one of them",
    "missing_id": "neither userId nor anonymousId; add one of them",
    "missing_event": "a track event without a name in event; add it",
    "missing_group_id": "a group event without groupId; add it",
    "missing_previous_id": "an alias event without previousId; add it",
    "invalid_field": "a value of the wrong kind, or nested too deep; Details says where",
    "message_id_too_long": "messageId has more than 100 characters; shorten it",
    "rate_limited": (
        "the source sends more than its rate, and nothing was acknowledged; "
        "send again after Retry-After, or raise the source's rate"
    ),
    "overloaded": (
        "too many bytes in flight, or too much to do; nothing was acknowledged; send again after Retry-After"
    ),
    "journal_unavailable": (
        "the journal cannot store events now (its disk is full or broken, or its engine away), and nothing"
        " was acknowledged; the inspector and the log say why"
    ),
}
"""By code, in the words of config/README.md."""
