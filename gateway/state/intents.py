"""
Intents: the batch that a sink is about to get, recorded before it is first written.

A sink that recognizes batches by their id needs the same events under the same id after a crash. The intent
says where the batch ends and what it holds. If the content differs nevertheless, because the configuration,
the catalogue or the gateway's version changed in between, the batch gets another id.
"""

import hashlib

import msgspec


class Intent(msgspec.Struct, frozen=True):
    """The batch that begins at the recorded position of a sink in a partition."""

    end: int
    """One past its last position."""
    digest: str
    """The digest of its events."""
    version: int = 1
    """How many different contents have been sent for this range."""

    @property
    def suffix(self) -> str:
        """The end of the batch's id."""
        return f"~{self.version}" if self.version > 1 else ""

    def following(self, end: int, digest: str, version: int = 1) -> "Intent":
        """Return the intent of the batch sent now from the same position; `version` is for a new end."""
        if (self.end, self.digest) == (end, digest):
            return self
        return Intent(end, digest, self.version + 1 if self.end == end else version)


def digest(data: bytes) -> str:
    """Return a digest of a batch's events."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def encode(intent: Intent | None) -> str:
    """Encode for the database."""
    return msgspec.json.encode(intent).decode() if intent else ""


_decode = msgspec.json.Decoder(Intent).decode


def decode(text: str) -> Intent | None:
    """Decode from the database."""
    return _decode(text) if text else None
