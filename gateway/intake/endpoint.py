"""The first half of the journey: from a submission to events in the journal."""

from collections.abc import Iterable, Sequence

import msgspec

from gateway import commerce, metrics
from gateway.dialects.base import Dialect
from gateway.dialects.webhook import mapped
from gateway.errors import (
    BadSignature,
    BodyTooLarge,
    EmptyBatch,
    EventTooLarge,
    Refusal,
    TooManyEvents,
    UnknownWriteKey,
)
from gateway.event import Facts, Origin, ending
from gateway.intake.normalize import Provenance, normalize
from gateway.intake.sender import is_device
from gateway.intake.visitor import Visitor, assign_anonymous_id
from gateway.journal.chunk import PRODUCTS
from gateway.message import DecodedSubmission, Message, Rejected
from gateway.outcome import Outcome, Refused
from gateway.sources import Limits, MultiStatus, Source, Sources
from gateway.submission import Submission
from gateway.webhooks.signature import verify

# What an event can lose on its way to a line is made up for by what it gains: a line that is shorter
# than the limit by this much was no larger event. Measuring each would take a second decoding.
_MARGIN = 512

_STRICTEST_FIRST: tuple[MultiStatus, ...] = ("always", "auto", "never")


class Grant(msgspec.Struct, frozen=True):
    """What a write key entitles to, on one route and for one kind of sender."""

    source: Source
    limits: Limits
    origin: Origin
    device: bool
    facts: bytes


class Endpoint:
    """Takes the submissions of one dialect apart: into lines for the journal, and reasons."""

    def __init__(self, name: str, dialect: Dialect, sources: Sources) -> None:
        self.name = name
        self.dialect = dialect
        self.sources = sources
        self._most_events = sources.most_events(dialect.LIMITS)
        special = name == "webhook" and sources.have_webhooks
        self._decode = self._decode_webhook if special else dialect.decode
        self.seconds = metrics.http_seconds(name)
        # Of keys that are known to be good, so that it cannot grow.
        self._grants: dict[tuple[str, str, bool], Grant] = {}

    def process(self, submission: Submission) -> tuple[list[bytes], Outcome]:
        """
        Judge each message on its own; raise the Refusal of a submission that is refused as a whole.

        The outcome holds only once the lines are on stable storage.
        """
        decoded = self._decode(submission)
        if len(decoded.messages) > self._most_events:
            raise TooManyEvents(len(decoded.messages), self._most_events)
        lines: list[bytes] = []
        refused: list[Refused] = []
        entries: dict[str, tuple[Grant, Provenance] | Refusal] = {}
        default = decoded.write_key
        visitors: dict[str, Visitor] = {}
        ignored = 0
        validate = self.dialect.validate
        for place, message in enumerate(decoded.messages):
            if isinstance(message, Rejected):
                refused.append(Refused(place, message.message_id, message.refusal))
                continue
            key = message.write_key or default
            if key is None:
                key = default = self.dialect.write_key(submission) or ""
            if key not in entries:
                entries[key] = self._admit(key, submission, decoded)
            entry = entries[key]
            if isinstance(entry, Refusal):
                refused.append(Refused(place, message.message_id, entry))
                continue
            if decoded.ignores and message.type == decoded.ignores:
                ignored += 1
                continue
            grant, provenance = entry
            if provenance.identity is not None and message.anonymous_id is None:
                assign_anonymous_id(message, provenance.identity, submission, visitors)
            try:
                validate(message)
                line = normalize(message, submission, decoded, provenance)
                if decoded.batch:
                    _check_size(line, grant.limits.max_event, decoded, place)
                if grant.source.translate:
                    line = commerce.translate(line, grant.source.translate)
                lines.append(line)
            except Refusal as refusal:
                # Its traceback holds this frame, which holds the list.
                refused.append(Refused(place, message.message_id, refusal.with_traceback(None)))
        if not lines:
            self._refuse_whole(submission, decoded, entries)
        if ignored:
            metrics.DELETIONS.inc(ignored)
        for one in refused:
            count_refusal(one.refusal)
        outcome = Outcome(len(lines), len(lines) + ignored, refused, decoded.batch, carries=decoded.carries)
        if visitors:
            outcome.cookies = [visitor.cookie for visitor in visitors.values()]
        if refused and outcome.accepted:
            outcome.multi_status = _strictest(entries.values())
            outcome.library = _library(decoded.messages)
        return lines, outcome

    def _decode_webhook(self, submission: Submission) -> DecodedSubmission:
        """As the source that the address names wants it, if it says so; else as the dialect does."""
        source = self.sources.by_webhook(self.dialect.write_key(submission))
        if source and source.webhook:
            return mapped.decode(source.webhook, source.webhook_secrets, self._most_events, submission)
        if source is None:
            return self.dialect.decode(submission)
        verify("segment", source.webhook_secrets, 0, submission)
        decoded = self.dialect.decode(submission)
        decoded.signed = True
        decoded.forget_keys()  # who signs for one source signs for no other
        return decoded

    def _admit(
        self, key: str, submission: Submission, decoded: DecodedSubmission
    ) -> tuple[Grant, Provenance] | Refusal:
        """What the key entitles to; raises the refusal of a submission that its source does not take."""
        device = submission.method == "GET" or is_device(submission.headers)
        known = (key, submission.route, device)
        grant = self._grants.get(known)
        if grant is None:
            try:
                source = self.sources.authenticate(key)
            except Refusal as refusal:
                return refusal.with_traceback(None)
            origin = Origin(source.name, self.name, source.site_id, submission.route)
            limits = source.limits(self.dialect.LIMITS)
            facts = Facts(origin).encode()
            grant = self._grants[known] = Grant(source, limits, origin, device, facts)
        source = grant.source
        if source.translate:
            decoded.carries |= PRODUCTS  # which translation may make out of an event's own fields
        if decoded.site is not None and source.site_id and decoded.site != source.site_id:
            return UnknownWriteKey()
        try:
            source.check_origin(submission.headers.get(b"origin"))
        except Refusal as refusal:
            return refusal.with_traceback(None)
        if source.webhook_secret and not decoded.signed:
            return BadSignature("the source takes its sender's signed webhooks alone")
        limits, size, events = grant.limits, submission.size, len(decoded.messages)
        if size > limits.max_body or (not decoded.batch and size > limits.max_event):
            raise BodyTooLarge
        if events > limits.max_events:
            raise TooManyEvents(events, limits.max_events)
        end = ending(submission.received_text, grant.facts)
        identity = source.identity if device else None
        return grant, Provenance(grant.origin, device, end, source.truncate_ip, identity)

    def _refuse_whole(
        self,
        submission: Submission,
        decoded: DecodedSubmission,
        entries: dict[str, tuple[Grant, Provenance] | Refusal],
    ) -> None:
        """Say it once if nothing can be stored because of the only key, or because there is nothing."""
        if not entries:
            key = decoded.write_key or self.dialect.write_key(submission) or ""
            entries[key] = self._admit(key, submission, decoded)
        if len(entries) == 1:
            [entry] = entries.values()
            if isinstance(entry, Refusal):
                entry.events = len(decoded.messages)
                raise entry
        if not decoded.messages:
            raise EmptyBatch


def _check_size(line: bytes, most: int, decoded: DecodedSubmission, place: int) -> None:
    if len(line) > most - _MARGIN:
        size = decoded.measure(place)
        if size > most:
            raise EventTooLarge(f"{size} bytes; the limit is {most}")


def _strictest(entries: Iterable[tuple[Grant, Provenance] | Refusal]) -> MultiStatus:
    wishes = {entry[0].source.multi_status for entry in entries if isinstance(entry, tuple)}
    return min(wishes, key=_STRICTEST_FIRST.index)


class _Library(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Context(msgspec.Struct):
    library: _Library = msgspec.field(default_factory=_Library)


_read_context = msgspec.json.Decoder(_Context).decode


def count_refusal(refusal: Refusal) -> None:
    metrics.RECEIVED.add(refusal.events)
    metrics.REFUSED.labels(refusal.code).inc(refusal.events)


def _library(messages: Sequence[Message | Rejected]) -> tuple[str, str]:
    """What the first message says of the library that sent it."""
    for message in messages:
        if isinstance(message, Message):
            try:
                library = _read_context(message.context or b"{}").library
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
            return library.name, library.version
    return "", ""
