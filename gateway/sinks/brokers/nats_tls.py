"""TLS to NATS: nothing is sent in the clear if the configuration asks for TLS."""

import ssl
from pathlib import Path
from typing import Any, Self

from nats import errors

from gateway.config.secret import Secret


class Tls(ssl.SSLContext):
    """Knows if it was used: nats-py continues in the clear if a server claims to have no TLS."""

    used = False

    @classmethod
    def verifying(cls, authorities: Path | None) -> Self:
        """Return a context that accepts only valid certificates of the authorities."""
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        if authorities:
            context.load_verify_locations(authorities)
        else:
            context.load_default_certs()
        return context

    def wrap_bio(self, *arguments: Any, **keys: Any) -> ssl.SSLObject:
        self.used = True
        return super().wrap_bio(*arguments, **keys)


def check_encrypted(tls: Tls | None) -> None:
    """Raise SecureConnWantedError if TLS is required but not in use."""
    if tls and not tls.used:
        raise errors.SecureConnWantedError


def reveal(secret: Secret, tls: Tls | None) -> str:
    """Return a secret that is about to be sent."""
    check_encrypted(tls)
    return secret.reveal()
