"""Who may send: the sources in gateway.toml, found by write key."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from gateway.config.units import Size
from gateway.errors import OriginNotAllowed, SourceDisabled, UnknownWriteKey
from gateway.webhooks.signature import Signature
from gateway.webhooks.table import Webhook

MultiStatus = Literal["auto", "always", "never"]
Vocabulary = Literal["segment", "commandersact"]


class Limits(msgspec.Struct, frozen=True):
    """How much one submission may hold: bytes an event, bytes a body, events a batch, all inclusive."""

    max_event: int
    max_body: int
    max_events: int


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cookie by which visitors are known whom no page names."""

    cookie: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+\Z")] = "visitor"
    """Its name."""
    domain: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]*\Z")] = ""
    """The site that shares it, as "example.com"; empty for the gateway's own host."""
    heed_opt_out: bool = True
    """Whether who sends Sec-GPC: 1 or DNT: 1 gets none, and is not known by one."""


class Source(msgspec.Struct, frozen=True):
    """One sender, as its table in gateway.toml describes it; a limit that is None is the dialect's."""

    name: str
    write_keys: tuple[str, ...]
    site_id: str = ""
    enabled: bool = True
    multi_status: MultiStatus = "auto"
    max_event: Size | None = None
    max_body: Size | None = None
    max_events: Annotated[int, msgspec.Meta(ge=1)] | None = None
    allowed_origins: tuple[str, ...] = ()
    api_tokens: tuple[str, ...] = ()
    """For the User API and the Product API of the source's site; never a write key, which is public."""
    identity: Identity | None = None
    """If there is one, what a browser sends without an anonymousId gets that of a cookie."""
    truncate_ip: bool = False
    """Whether `context.ip` is kept without its last part: of IPv4 24 bits stay, of IPv6 48."""
    translate: Vocabulary | None = None
    """What the events of shops are called, whatever the client calls them."""
    webhook: Webhook | None = None
    """How the bodies of its webhooks are read, if not as events in Segment's spec."""
    webhook_secret: str | Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=8)] = ""
    """
    With it, only what is signed is taken; by Segment, if there is no `webhook`. Several while it is rotated.
    """

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return (self.webhook_secret,) if isinstance(self.webhook_secret, str) else self.webhook_secret

    @property
    def signature(self) -> Signature | None:
        """How its webhooks are signed."""
        if self.webhook:
            return self.webhook.signature
        return "segment" if self.webhook_secret else None

    def limits(self, dialect: Limits) -> Limits:
        # What systems tell each other (an order, a push) is larger than what a page tells of a visitor.
        usual = dialect.max_body if self.webhook else dialect.max_event
        return Limits(
            usual if self.max_event is None else self.max_event,
            dialect.max_body if self.max_body is None else self.max_body,
            dialect.max_events if self.max_events is None else self.max_events,
        )

    def check_origin(self, origin: bytes | None) -> None:
        """Refuse events from a page that the source does not list; senders without Origin pass."""
        if origin and self.allowed_origins and origin.decode("latin-1") not in self.allowed_origins:
            raise OriginNotAllowed


class Sources:
    """All sources of a configuration. Keys are compared by digest, so that no time tells how much fits."""

    def __init__(self, sources: Iterable[Source]) -> None:
        sources = tuple(sources)
        self._by_digest = {_digest(key): source for source in sources for key in source.write_keys}
        self._by_token = {_digest(token): source for source in sources for token in source.api_tokens}

    def authenticate(self, write_key: str | None) -> Source:
        """The enabled source that owns the key, else UnknownWriteKey or SourceDisabled."""
        source = self._by_digest.get(_digest(write_key)) if write_key else None
        if source is None:
            raise UnknownWriteKey
        if not source.enabled:
            raise SourceDisabled
        return source

    def __iter__(self) -> Iterator[Source]:
        """Iterate over all sources that have a write key; one with several of them comes several times."""
        return iter(self._by_digest.values())

    @property
    def have_tokens(self) -> bool:
        return bool(self._by_token)

    def authorize(self, api_token: str) -> Source | None:
        """The enabled source for whose site a token is."""
        source = self._by_token.get(_digest(api_token))
        return source if source and source.enabled else None

    def widest(self, dialect: Limits) -> int:
        """The largest body that any source accepts: what may be read before the key is known."""
        return max(
            (source.limits(dialect).max_body for source in self._by_digest.values()),
            default=dialect.max_body,
        )

    def most_events(self, dialect: Limits) -> int:
        """The most events that any source accepts at once: what is looked at before a key is known."""
        return max(
            (source.limits(dialect).max_events for source in self._by_digest.values()),
            default=dialect.max_events,
        )


def _digest(write_key: str) -> bytes:
    return hashlib.sha256(write_key.encode("utf-8", "surrogatepass")).digest()
