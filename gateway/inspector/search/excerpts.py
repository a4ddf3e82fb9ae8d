"""The excerpts of events that searches examine and lists show."""

import msgspec

from gateway.journal.chunk import Chunk


class Origin(msgspec.Struct, gc=False):
    """The source and dialect by which an event arrived."""

    name: str = ""
    dialect: str = ""


class Note(msgspec.Struct, gc=False):
    """The code of a warning."""

    code: str = ""


class Excerpt(msgspec.Struct, rename="camel", gc=False):
    """What searches and lists need of an event; "" for anything it lacks."""

    type: str = ""
    message_id: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    event: str = ""
    name: str = ""
    received_at: str = ""
    source: Origin = msgspec.field(default_factory=Origin)
    warnings: tuple[Note, ...] = ()

    @property
    def title(self) -> str:
        """The name of a track event, page or screen."""
        return self.event or self.name


_decoder = msgspec.json.Decoder(Excerpt)


def read(chunk: Chunk) -> list[Excerpt]:
    """Return the excerpt of each event of a chunk; it is empty for an event that cannot be decoded."""
    try:
        excerpts = _decoder.decode_lines(chunk.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [read_excerpt(line) for line in chunk.lines()]
    return excerpts if len(excerpts) == chunk.count else [read_excerpt(line) for line in chunk.lines()]


def read_excerpt(line: bytes) -> Excerpt:
    """Return the excerpt of an event; it is empty if the event cannot be decoded."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Excerpt()
