"""The first half of the journey: from a submission to events, ready for the journal."""

import math
import sys
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET

from gateway import metrics
from gateway.dialects.base import Decode, Dialect, ForSource
from gateway.dialects.shared import keys
from gateway.errors import EventTooLarge, InvalidField, RateLimited, Refusal, TooManyEvents
from gateway.event import encode_block
from gateway.intake.account import Account
from gateway.intake.admission import Admission, Grant
from gateway.intake.normalize import normalize
from gateway.intake.recent import Recent
from gateway.journal import persons
from gateway.journal.base import Promise
from gateway.message import DecodedSubmission, Message, Rejected
from gateway.outcome import Outcome, Refused
from gateway.raw import bodies
from gateway.sources import Sources
from gateway.submission import BODY_METHODS, Submission


class Trial(NamedTuple):
    """What would happen to a submission."""

    decoded: DecodedSubmission
    account: Account
    lines: list[bytes]
    """The canonical events that would be stored, one for each place in the account."""


class Endpoint:
    """Judges the submissions of one dialect, message by message."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        sources: Sources,
        recent: Recent | None = None,
        promise: Promise | None = None,
        partitions: int = 1,
        max_line: int = sys.maxsize,
    ) -> None:
        """`promise`, `partitions` and `max_line` are those of the journal's appender."""
        self.promise = promise or Promise()
        self._partitions = partitions
        self._max_line = max_line
        self.name = name
        self.dialect = dialect
        self.sources = sources
        self.recent = recent or Recent()
        self._seconds: dict[int, Callable[[float], None]] = {}
        self._admission = Admission(name, dialect, sources)
        self._max_events = sources.most_events(dialect.LIMITS)
        self._decoders = _decoders(dialect, sources, self._max_events)

    def observe(self, status: int, seconds: float) -> None:
        """Count an answer, and the time that it took."""
        add = self._seconds.get(status)
        if add is None:
            add = self._seconds[status] = metrics.http_seconds(self.name, status).add
        add(seconds)

    def process(self, submission: Submission) -> Outcome:
        """
        Judge each message on its own; raise the Refusal of a submission that is refused as a whole.

        The outcome holds only once its block is on stable storage.
        """
        decoded = self._decode(submission)
        account = Account()
        if decoded.is_handshake and submission.method not in BODY_METHODS:
            return account.close(b"", decoded)  # before there is a source for it
        if self.sources.buckets:
            self._check_rates(submission, decoded, account)
        block = self._judge(submission, decoded, account)
        outcome = account.close(block, decoded)
        if self._partitions > 1:
            stored = zip(account.stored, account.grants, strict=True)
            outcome.partitions = [self._partition(message, grant) for message, grant in stored]
        return outcome

    def try_out(self, submission: Submission) -> Trial:
        """
        Judge each message as `process` does, but count nothing and leave the source's rate alone.

        Raises the Refusal of a submission that is refused as a whole.
        """
        decoded = self._decode(submission)
        account = Account()
        block = self._judge(submission, decoded, account)
        return Trial(decoded, account, block.split(b"\n") if block else [])

    def _partition(self, message: Message, grant: Grant) -> int:
        person = message.user_id or message.anonymous_id or message.message_id or ""
        return persons.partition(grant.source, person, self._partitions)

    def _judge(self, submission: Submission, decoded: DecodedSubmission, account: Account) -> bytes:
        """Divide the messages into those to store, whose block is returned, and those refused."""
        stored, places, grants, refused = account.stored, account.places, account.grants, account.refused
        validate, ignores = self.dialect.validate, decoded.ignores
        last: str | None = None
        grant: Grant | Refusal | None = None
        for place, message in enumerate(decoded.messages):
            if isinstance(message, Rejected):
                refused.append(Refused(place, message.message_id, message.refusal))
                continue
            key = message.write_key or decoded.write_key
            if grant is None or key != last:
                last, grant = key, self._admit(key, submission, decoded, account)
            if isinstance(grant, Refusal):
                refused.append(Refused(place, message.message_id, grant))
                continue
            if ignores and message.type == ignores:
                account.ignored += 1
                continue
            try:
                for step in grant.steps:
                    step(message)
                validate(message)
                normalize(message, submission, decoded, grant.provenance)
            except Refusal as refusal:
                # Its traceback holds this frame, which holds the list.
                refused.append(Refused(place, message.message_id, refusal.with_traceback(None)))
            else:
                stored.append(message)
                places.append(place)
                grants.append(grant)
        if not account.by_key:
            self._admit(decoded.write_key, submission, decoded, account)
        block = encode_block(stored)
        if stored and (len(block) > self._max_line or _needs_checks(block, decoded, account)):
            block = _drop_unacceptable_events(block, decoded, account, self._max_line)
        for each in account.by_key.values():
            if isinstance(each, Grant):
                block = each.erase_keys(block)
        if not account.stored:
            account.check_refusal(decoded)
        return block

    def _decode(self, submission: Submission) -> DecodedSubmission:
        """
        Decode as the source with the key outside the body asks for, or else as the dialect does.

        Raises UnreadableBody, BadSignature or TooManyEvents.
        """
        decode = self.dialect.decode
        if self._decoders:
            try:
                source = self.sources.authenticate(self._outside_key(submission))
            except Refusal:  # admission raises it again, unless a key in the body outranks this one
                pass
            else:
                decode = self._decoders.get(source.name, decode)
        decoded = decode(submission)
        if len(decoded.messages) > self._max_events:
            raise TooManyEvents(len(decoded.messages), self._max_events)
        return decoded

    def _outside_key(self, submission: Submission) -> str:
        """Return the write key outside the body, or ""."""
        return keys.resolve(self.dialect.write_key(submission), self.sources)

    def _admit(
        self, key: str | None, submission: Submission, decoded: DecodedSubmission, account: Account
    ) -> Grant | Refusal:
        """Admit messages by their own key or that of their batch, or else by the key outside the body."""
        if key is None:
            key = self._outside_key(submission)
        grant = account.by_key.get(key)
        if grant is None:
            grant = self._admission.admit(key, submission, decoded, account.visitors)
            account.by_key[key] = grant
        return grant

    def _check_rates(self, submission: Submission, decoded: DecodedSubmission, account: Account) -> None:
        """
        Raise RateLimited for the whole submission if a source exceeds its rate.

        Clients send a refused submission again, but not single events that a 207 lists.
        """
        sent: Counter[str] = Counter()
        messages = (message for message in decoded.messages if isinstance(message, Message))
        for key, events in Counter(message.write_key or decoded.write_key for message in messages).items():
            grant = self._admit(key, submission, decoded, account)
            if isinstance(grant, Grant) and grant.source in self.sources.buckets:
                sent[grant.source] += events
        for source, events in sent.items():
            if seconds := self.sources.buckets[source].wait(events):
                raise RateLimited(source, len(decoded.messages), math.ceil(seconds))
        for source, events in sent.items():
            self.sources.buckets[source].take(events)


def _decoders(dialect: Dialect, sources: Sources, max_events: int) -> dict[str, Decode]:
    """Return the decoders of the sources that have one of their own, by the source's name."""
    if not isinstance(dialect, ForSource):
        return {}
    found = ((source.name, dialect.for_source(source, max_events)) for source in sources)
    return {name: decode for name, decode in found if decode}


def has_longer_line(block: bytes, most: int) -> bool:
    """Return whether a line has more than `most` bytes, in leaps of that length."""
    start, end = 0, len(block)
    while end - start > most:
        start = block.rfind(b"\n", start, start + most + 1) + 1
        if not start:
            return True
    return False


def _needs_checks(block: bytes, decoded: DecodedSubmission, account: Account) -> bool:
    """Return whether some event may be too large or too deeply nested, so that each line must be checked."""
    if decoded.batch and has_longer_line(block, account.safe_bytes):
        return True
    most = 2 * bodies.MAX_LEVELS
    return len(block) > most and has_longer_line(block, most) and any(map(_may_nest_too_deep, account.stored))


def _may_nest_too_deep(message: Message) -> bool:
    """Return False only if no part of the event, nor of its extras, can be nested too deeply."""
    parts = (message.properties, message.context, message.traits, message.integrations, message.native)
    for part in (*parts, *message.extras.values()):
        if part is not UNSET and bodies.may_nest_too_deep(part, bodies.MAX_LEVELS - 2):
            return True
    return False


def _drop_unacceptable_events(
    block: bytes, decoded: DecodedSubmission, account: Account, max_line: int
) -> bytes:
    """
    Refuse each event that is too large for its source or the journal, or too deeply nested.

    Returns the lines of the others.
    """
    lines: list[bytes] = []
    stored: list[Message] = []
    places: list[int] = []
    grants: list[Grant] = []
    entries = zip(block.split(b"\n"), account.stored, account.places, account.grants, strict=True)
    for line, message, place, grant in entries:
        try:
            if decoded.batch and len(line) > grant.safe_bytes:
                _check_size(line, decoded, place, grant.limits.max_event)
            if len(line) > max_line:
                raise EventTooLarge(f"{len(line)} bytes as it is stored; the journal's limit is {max_line}")
            bodies.check_depth(line)
        except (EventTooLarge, InvalidField) as refusal:
            account.refused.append(Refused(place, message.message_id, refusal.with_traceback(None)))
        else:
            lines.append(line)
            stored.append(message)
            places.append(place)
            grants.append(grant)
    account.stored, account.places, account.grants = stored, places, grants
    account.refused.sort(key=lambda one: one.place or 0)
    return b"\n".join(lines)


def _check_size(line: bytes, decoded: DecodedSubmission, place: int, most: int) -> None:
    size = decoded.measure(place) if decoded.measure else len(line)
    if size > most:
        raise EventTooLarge(f"{size} bytes; the limit is {most}")
