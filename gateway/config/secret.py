"""Secrets of a configuration: they are compared and used, but never printed."""

import hmac

_MASK = "********"
_MAX_SECRETS = 8  # each costs a digest for every request


class Secret:
    """A text that shows in no log, error or `repr`. Two are compared in constant time."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def parse(cls, value: object) -> "Secret":
        """Return the secret given in a configuration. Raises ValueError if it is empty, or not a text."""
        if not isinstance(value, str):
            raise ValueError("expected a text")  # noqa: TRY004  # as for every other mistake
        if not value:
            raise ValueError("a secret must not be empty")
        return cls(value)

    def reveal(self) -> str:
        """Return the text, for signing, verifying or digesting."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._bytes(), other._bytes())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def _bytes(self) -> bytes:
        return self._text.encode("utf-8", "surrogatepass")


class Secrets(tuple[Secret, ...]):
    """One secret, or several during a rotation: a text or a list of texts in a configuration."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> "Secrets":
        """Return the secrets of a configuration. Raises ValueError if one is empty, or for more than 8."""
        values = value if isinstance(value, list) and value else [value or ""]
        if len(values) > _MAX_SECRETS:
            raise ValueError(f"expected at most {_MAX_SECRETS} secrets")
        return cls(map(Secret.parse, values))
