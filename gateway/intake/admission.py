"""Admission: the grant or the refusal of a write key, for one submission."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from gateway.dialects.base import Dialect
from gateway.dialects.shared import keys
from gateway.errors import BadSignature, BodyTooLarge, Refusal, TooManyEvents, UnknownWriteKey
from gateway.event import Origin
from gateway.intake.browser_ids import collect
from gateway.intake.normalize import Provenance
from gateway.intake.sender import is_device
from gateway.intake.translation import translate
from gateway.intake.visitor import Visitor, assign_anonymous_id
from gateway.message import DecodedSubmission, Message
from gateway.sources import Limits, MultiStatus, Source, Sources
from gateway.submission import Submission

# A line may be a little shorter than the event as it was sent, by less than this. Measuring the event itself
# would mean decoding it a second time.
_MARGIN_BYTES = 512

Step = Callable[[Message], None]
"""Changes a message before it is validated. Raises the Refusal of a message that it does not accept."""


class Grant(msgspec.Struct, frozen=True):
    """The rights of a write key, on one route and for one kind of sender."""

    source: str
    """The name of the source that owns the key."""
    provenance: Provenance
    limits: Limits
    safe_bytes: int
    """Events whose lines are no longer than this are within the limits; longer ones must be measured."""
    multi_status: MultiStatus
    erase_keys: Callable[[bytes], bytes]
    """Removes the source's own write keys from a block of lines."""
    steps: tuple[Step, ...] = ()
    """Steps that the source asks for, applied to each of its messages in this order."""


class _Known(NamedTuple):
    """A key that was admitted before."""

    source: Source
    grant: Grant
    is_plain: bool
    """True if its submissions need only their size checked, and no steps."""


class Admission:
    """Admits the submissions of one dialect."""

    def __init__(self, name: str, dialect: Dialect, sources: Sources) -> None:
        self._name = name
        self._limits = dialect.LIMITS
        self._sources = sources
        # Only valid keys are remembered, so that strangers cannot make it grow.
        self._known: dict[tuple[str, str, bool], _Known] = {}

    def admit(
        self, key: str, submission: Submission, decoded: DecodedSubmission, visitors: dict[str, Visitor]
    ) -> Grant | Refusal:
        """
        Return the grant of a key, or the reason why its messages are refused.

        `visitors` are those of the submission, by cookie: the steps add to them.
        """
        device = submission.method == "GET" or is_device(submission.headers)
        known = self._known.get((key, submission.route, device))
        try:
            source, grant, is_plain = known or self._grant(key, submission.route, device=device)
            if not is_plain:
                _check(source, submission, decoded)
        except Refusal as refusal:
            return refusal.with_traceback(None)
        limits, size, events = grant.limits, submission.size, len(decoded.messages)
        if size > limits.max_body or (not decoded.batch and size > limits.max_event):
            return BodyTooLarge()
        if events > limits.max_events:
            return TooManyEvents(events, limits.max_events)
        if is_plain:
            return grant
        steps = _steps(source, submission, decoded, visitors, device=device)
        return msgspec.structs.replace(grant, steps=steps) if steps else grant

    def _grant(self, key: str, route: str, *, device: bool) -> _Known:
        source = self._sources.authenticate(key)
        origin = Origin(source.name, self._name, source.site_id, route)
        provenance = Provenance.of(origin, device=device, truncate_ip=source.truncate_ip)
        limits = source.limits(self._limits)
        # Translation makes some lines much shorter.
        safe = -1 if source.translate else limits.max_event - _MARGIN_BYTES
        grant = Grant(
            source.name, provenance, limits, safe, source.multi_status, keys.eraser(source.write_keys)
        )
        known = self._known[key, route, device] = _Known(source, grant, _is_plain(source))
        return known


def _is_plain(source: Source) -> bool:
    """Return whether `_check` and `_steps` have nothing to do for a source."""
    conditions = (source.allowed_origins, source.site_id, source.webhook_secret)
    steps = (source.identity, source.collect_ids, source.translate)
    return not any((*conditions, *steps))


def _check(source: Source, submission: Submission, decoded: DecodedSubmission) -> None:
    """Raise a Refusal if the origin, the site or the signature is not what the source requires."""
    source.check_origin(submission.headers.get(b"origin"))
    if decoded.site is not None and source.site_id and decoded.site != source.site_id:
        raise UnknownWriteKey
    if source.webhook_secret and not decoded.signed:
        raise BadSignature("the source accepts only webhooks that its sender has signed")


def _steps(
    source: Source,
    submission: Submission,
    decoded: DecodedSubmission,
    visitors: dict[str, Visitor],
    *,
    device: bool,
) -> tuple[Step, ...]:
    steps: list[Step] = []
    if source.identity and device:
        steps.append(
            partial(assign_anonymous_id, identity=source.identity, submission=submission, visitors=visitors)
        )
    if source.collect_ids and device:
        steps.append(partial(collect, submission=submission))
    if source.translate:
        steps.append(partial(translate, vocabulary=source.translate, decoded=decoded))
    return tuple(steps)
