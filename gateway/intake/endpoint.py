"""The first half of the journey: from a submission to events in the journal."""

from collections.abc import Iterable, Sequence

import msgspec

from gateway import commerce, metrics
from gateway.dialects import foreign
from gateway.dialects.base import Dialect
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
from gateway.intake.identity import Visitor, introduce
from gateway.intake.normalize import Stamp, normalize
from gateway.intake.sender import is_device
from gateway.journal.chunk import PRODUCTS
from gateway.message import Contents, Message, Unusable
from gateway.outcome import Outcome, Refused
from gateway.sources import Limits, MultiStatus, Source, Sources
from gateway.submission import Submission
from gateway.webhooks.signature import verify

# What an event can lose on its way to a line is made up for by what it gains: a line that is shorter
# than the limit by this much was no larger event. Measuring each would take a second decoding.
_MARGIN = 512

_STRICTEST_FIRST: tuple[MultiStatus, ...] = ("always", "auto", "never")


class Admission(msgspec.Struct, frozen=True):
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
        self._admissions: dict[tuple[str, str, bool], Admission] = {}

    def take(self, submission: Submission) -> tuple[list[bytes], Outcome]:
        """
        Judge each message on its own; raise the Refusal of a submission that is refused as a whole.

        The outcome holds only once the lines are on stable storage.
        """
        contents = self._decode(submission)
        if len(contents.messages) > self._most_events:
            raise TooManyEvents(len(contents.messages), self._most_events)
        lines: list[bytes] = []
        refused: list[Refused] = []
        entries: dict[str, tuple[Admission, Stamp] | Refusal] = {}
        default = contents.write_key
        visitors: dict[str, Visitor] = {}
        ignored = 0
        validate = self.dialect.validate
        for place, message in enumerate(contents.messages):
            if isinstance(message, Unusable):
                refused.append(Refused(place, message.message_id, message.refusal))
                continue
            key = message.write_key or default
            if key is None:
                key = default = self.dialect.write_key(submission) or ""
            if key not in entries:
                entries[key] = self._admit(key, submission, contents)
            entry = entries[key]
            if isinstance(entry, Refusal):
                refused.append(Refused(place, message.message_id, entry))
                continue
            if contents.ignores and message.type == contents.ignores:
                ignored += 1
                continue
            admission, stamp = entry
            if stamp.identity is not None and message.anonymous_id is None:
                introduce(message, stamp.identity, submission, visitors)
            try:
                validate(message)
                line = normalize(message, submission, contents, stamp)
                if contents.batch:
                    _check_size(line, admission.limits.max_event, contents, place)
                if admission.source.translate:
                    line = commerce.translate(line, admission.source.translate)
                lines.append(line)
            except Refusal as refusal:
                # Its traceback holds this frame, which holds the list.
                refused.append(Refused(place, message.message_id, refusal.with_traceback(None)))
        if not lines:
            self._refuse_whole(submission, contents, entries)
        if ignored:
            metrics.DELETIONS.inc(ignored)
        for one in refused:
            count_refusal(one.refusal)
        outcome = Outcome(len(lines), len(lines) + ignored, refused, contents.batch, carries=contents.carries)
        if visitors:
            outcome.cookies = [visitor.cookie for visitor in visitors.values()]
        if refused and outcome.accepted:
            outcome.multi_status = _strictest(entries.values())
            outcome.library = _library(contents.messages)
        return lines, outcome

    def _decode_webhook(self, submission: Submission) -> Contents:
        """As the source that the address names wants it, if it says so; else as the dialect does."""
        source = self.sources.by_webhook(self.dialect.write_key(submission))
        if source and source.webhook:
            return foreign.decode(source.webhook, source.webhook_secret, self._most_events, submission)
        if source is None:
            return self.dialect.decode(submission)
        verify("segment", source.webhook_secret, 0, submission)
        contents = self.dialect.decode(submission)
        contents.signed = True
        contents.forget_keys()  # who signs for one source signs for no other
        return contents

    def _admit(
        self, key: str, submission: Submission, contents: Contents
    ) -> tuple[Admission, Stamp] | Refusal:
        """What the key entitles to; raises the refusal of a submission that its source does not take."""
        device = submission.method == "GET" or is_device(submission.headers)
        known = (key, submission.route, device)
        admission = self._admissions.get(known)
        if admission is None:
            try:
                source = self.sources.authenticate(key)
            except Refusal as refusal:
                return refusal.with_traceback(None)
            origin = Origin(source.name, self.name, source.site_id, submission.route)
            limits = source.limits(self.dialect.LIMITS)
            facts = Facts(origin).encode()
            admission = self._admissions[known] = Admission(source, limits, origin, device, facts)
        source = admission.source
        if source.translate:
            contents.carries |= PRODUCTS  # which translation may make out of an event's own fields
        if contents.site is not None and source.site_id and contents.site != source.site_id:
            return UnknownWriteKey()
        try:
            source.check_origin(submission.headers.get(b"origin"))
        except Refusal as refusal:
            return refusal.with_traceback(None)
        if source.webhook_secret and not contents.signed:
            return BadSignature("the source takes its sender's signed webhooks alone")
        limits, size, events = admission.limits, submission.size, len(contents.messages)
        if size > limits.max_body or (not contents.batch and size > limits.max_event):
            raise BodyTooLarge
        if events > limits.max_events:
            raise TooManyEvents(events, limits.max_events)
        end = ending(submission.received_text, admission.facts)
        identity = source.identity if device else None
        return admission, Stamp(admission.origin, device, end, source.truncate_ip, identity)

    def _refuse_whole(
        self,
        submission: Submission,
        contents: Contents,
        entries: dict[str, tuple[Admission, Stamp] | Refusal],
    ) -> None:
        """Say it once if nothing can be stored because of the only key, or because there is nothing."""
        if not entries:
            key = contents.write_key or self.dialect.write_key(submission) or ""
            entries[key] = self._admit(key, submission, contents)
        if len(entries) == 1:
            [entry] = entries.values()
            if isinstance(entry, Refusal):
                entry.events = len(contents.messages)
                raise entry
        if not contents.messages:
            raise EmptyBatch


def _check_size(line: bytes, most: int, contents: Contents, place: int) -> None:
    if len(line) > most - _MARGIN:
        size = contents.measure(place)
        if size > most:
            raise EventTooLarge(f"{size} bytes; the limit is {most}")


def _strictest(entries: Iterable[tuple[Admission, Stamp] | Refusal]) -> MultiStatus:
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


def _library(messages: Sequence[Message | Unusable]) -> tuple[str, str]:
    """What the first message says of the library that sent it."""
    for message in messages:
        if isinstance(message, Message):
            try:
                library = _read_context(message.context or b"{}").library
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
            return library.name, library.version
    return "", ""
