"""Sources: the senders that gateway.toml names, found by write key or API token."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from gateway.bucket import Bucket
from gateway.config import origins
from gateway.config.secret import Secret, Secrets
from gateway.config.units import Duration, Rate, Size
from gateway.errors import OriginNotAllowed, SourceDisabled, UnknownWriteKey
from gateway.webhooks.signature import Signature, check_secret
from gateway.webhooks.table import Webhook

MultiStatus = Literal["auto", "always", "never"]
Vocabulary = Literal["segment", "commandersact"]

NAMED = msgspec.Meta(extra={"named": True})
"""Marks a table that may be in its own file, whose name is then the value."""

_PUBLIC = "a write key is public, and cannot be an API token"


class Limits(msgspec.Struct, frozen=True):
    """Limits of one submission: bytes per event, bytes per body, events per batch, all inclusive."""

    max_event: int
    max_body: int
    max_events: int


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cookie that gives browsers an anonymousId if their pages send none."""

    cookie: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+\Z")] = "visitor"
    """The cookie's name."""
    domain: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]*\Z")] = ""
    """The site that shares it, such as "example.com"; empty for the gateway's own host."""
    heed_opt_out: bool = True
    """True if browsers that send Sec-GPC: 1 or DNT: 1 get no cookie, and any they send is ignored."""


class Source(msgspec.Struct, frozen=True):
    """One sender, as described by its table in gateway.toml. If a limit is None, the dialect's applies."""

    name: str
    write_keys: tuple[str, ...]
    """Never in a `repr`, although pages show them."""
    site_id: str = ""
    enabled: bool = True
    multi_status: MultiStatus = "auto"
    max_event: Size | None = None
    max_body: Size | None = None
    max_events: Annotated[int, msgspec.Meta(ge=1)] | None = None
    rate: Rate | None = None
    """Events per second that are accepted from the source; None: all."""
    burst: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Events that are accepted at once; None: a second's worth."""
    allowed_origins: tuple[str, ...] = ()
    """Pages that may send (see config/origins.py); empty: all."""
    api_tokens: tuple[Secret, ...] = ()
    """For the User API and the Product API of the source's site; never a write key, which is public."""
    identity: Identity | None = None
    """If set, browsers' events without an anonymousId get one from a cookie."""
    collect_ids: bool = False
    """True to put advertising vendors' cookies and click ids into the context of browsers' events."""
    truncate_ip: bool = False
    """True to keep only the network of `context.ip`: 24 bits for IPv4, 48 for IPv6."""
    translate: Vocabulary | None = None
    """The vocabulary into which e-commerce events are translated, whatever the client uses."""
    webhook: Annotated[Webhook | None, NAMED] = None
    """The table that turns bodies of webhooks into events, if they are not events in Segment's spec."""
    inspect: Duration = Duration(0)
    """How long its raw requests are kept on disk for the inspector; 0: only while somebody is looking."""
    webhook_secret: Secrets = Secrets()
    """If set, only signed webhooks are accepted; without `webhook`, signed like Segment's."""

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        if not self.write_keys or "" in self.write_keys:
            yield "write_keys", "there must be at least one, and none may be empty"
        if self.api_tokens and not self.site_id:
            yield "site_id", "missing; its api_tokens are for a site"
        if not {token.reveal() for token in self.api_tokens}.isdisjoint(self.write_keys):
            yield "api_tokens", _PUBLIC
        for limit in ("max_event", "max_body"):
            if getattr(self, limit) == 0:
                yield limit, "nothing would ever be small enough"
        if self.rate is not None and self.rate <= 0:
            yield "rate", "nothing would ever be accepted; to close a source, set enabled = false"
        if self.burst and self.rate is None:
            yield "burst", "there is no rate"
        try:
            for secret in self.webhook_secrets or ("",):
                check_secret(self.signature, secret)
        except ValueError as error:
            yield "webhook_secret", str(error)
        try:
            origins.check(self.allowed_origins)
        except ValueError as error:
            yield "allowed_origins", str(error)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets in the clear, to verify signatures."""
        return tuple(secret.reveal() for secret in self.webhook_secret)

    @property
    def signature(self) -> Signature | None:
        """The scheme with which its webhooks are signed; None if they are not."""
        if self.webhook:
            return self.webhook.signature
        return "segment" if self.webhook_secret else None

    def limits(self, dialect: Limits) -> Limits:
        """Return the limits of the source on the routes of a dialect."""
        # Systems send larger events (an order, a push) than pages do.
        default = dialect.max_body if self.webhook else dialect.max_event
        return Limits(
            default if self.max_event is None else self.max_event,
            dialect.max_body if self.max_body is None else self.max_body,
            dialect.max_events if self.max_events is None else self.max_events,
        )

    def check_origin(self, origin: bytes | None) -> None:
        """Raise OriginNotAllowed for pages that the source does not list. Senders without Origin pass."""
        allowed = self.allowed_origins
        if origin and allowed and not origins.allows(allowed, origin.decode("latin-1")):
            raise OriginNotAllowed


class Sources:
    """
    All sources of a configuration, found by write key or API token.

    Keys are compared by digest, so that the time of a comparison reveals nothing about a key. Each of
    `workers` processes lets an equal share of a source's rate pass.
    """

    def __init__(self, sources: Iterable[Source], workers: int = 1) -> None:
        sources = tuple(sources)
        self.buckets = {
            source.name: Bucket(source.rate / workers, (source.burst or source.rate) / workers)
            for source in sources
            if source.rate
        }
        """The buckets of the sources that have a rate, by name."""
        self._by_digest = {_digest(key): source for source in sources for key in source.write_keys}
        self._by_token = {
            _digest(token.reveal()): source for source in sources for token in source.api_tokens
        }

    def authenticate(self, write_key: str | None) -> Source:
        """Return the enabled source that owns the key. Raises UnknownWriteKey or SourceDisabled."""
        source = self._by_digest.get(_digest(write_key)) if write_key else None
        if source is None:
            raise UnknownWriteKey
        if not source.enabled:
            raise SourceDisabled
        return source

    def owner(self, write_key: str) -> Source | None:
        """Return the source that owns a key, whether enabled or not."""
        return self._by_digest.get(_digest(write_key))

    def __iter__(self) -> Iterator[Source]:
        """Iterate over all sources that have a write key; one with several keys comes several times."""
        return iter(self._by_digest.values())

    @property
    def have_tokens(self) -> bool:
        """True if a source has API tokens."""
        return bool(self._by_token)

    def authorize(self, api_token: str) -> Source | None:
        """Return the enabled source that owns an API token, if there is one."""
        source = self._by_token.get(_digest(api_token))
        return source if source and source.enabled else None

    def widest(self, dialect: Limits) -> int:
        """Return the most bytes in a body that any source accepts: the limit before the key is known."""
        return max(
            (source.limits(dialect).max_body for source in self._by_digest.values()),
            default=dialect.max_body,
        )

    def most_events(self, dialect: Limits) -> int:
        """Return the most events in a batch that any source accepts: the limit before a key is known."""
        return max(
            (source.limits(dialect).max_events for source in self._by_digest.values()),
            default=dialect.max_events,
        )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
