"""
The class of a failure, by its SQLSTATE (PostgreSQL's manual, appendix A).

An error that is not in the table may be temporary, so the same batch is tried again.
"""

import os
import re
import socket
import ssl
from collections.abc import Collection
from typing import Literal

import asyncpg

from gateway.errors import Culprit, SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable

_Failure = Literal["unavailable", "misconfigured", "refused"]

# The longest prefix of the SQLSTATE counts.
_CLASSES: dict[str, _Failure] = {
    "0A": "misconfigured",  # not supported: a partitioned table, row-level security
    "0L": "misconfigured",  # invalid grantor
    "0P": "misconfigured",  # invalid role
    "22": "refused",  # the value
    "23": "refused",  # a constraint
    "26": "misconfigured",  # a pooler that uses another connection for each transaction
    "28": "misconfigured",  # the password
    "3D": "misconfigured",  # no such database
    "3F": "misconfigured",  # no such schema
    "42": "misconfigured",  # no such table or column, no permission
    "42P07": "unavailable",  # another process has just created the same table,
    "42710": "unavailable",  # which is a type too
    "54": "refused",  # the row is too large
    "54011": "misconfigured",  # too many columns
    "P0": "refused",  # by a trigger
}
_CODES = {"22": "invalid_value", "23": "constraint", "54": "too_large"}

# The words are translated if the server uses another language.
_CULPRIT = re.compile(r"^COPY [^,]+,\D*(\d+)", re.MULTILINE)
_MAX_ANSWER_CHARACTERS = 4096

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
)
"""asyncpg's exceptions; TimeoutError is an OSError."""


def translate(
    error: Exception, passwords: Collection[str], *, hosts: str = "", of_events: bool, first: int = 0
) -> SinkError:
    """
    Return the SinkError for one of DRIVER_ERRORS, without any of the passwords.

    `hosts` are those of the dsn, for a failure that is not the server's own answer. `of_events` is true while
    events are written; otherwise no event can be to blame. `first` is the number of events of the batch that
    were not written because the table already has them.
    """
    message, answer, failure = _describe(error)
    if hosts and not isinstance(error, asyncpg.PostgresError):
        message = f"{hosts}: {message}"
    for password in passwords:
        message, answer = message.replace(password, "***"), answer.replace(password, "***")
    if failure == "unavailable":
        return SinkUnavailable(message, answer=answer)
    if failure == "misconfigured" or not of_events:
        return SinkMisconfigured(message, answer=answer)
    code = _CODES.get(getattr(error, "sqlstate", "")[:2], "refused")
    found = _CULPRIT.search(getattr(error, "context", None) or "")
    culprits = {first + int(found[1]) - 1: Culprit(message, code, answer)} if found else None
    return SinkRefused(message, culprits, code=code, answer=answer, delivered=range(first))


def _describe(error: Exception) -> tuple[str, str, _Failure]:
    """Return a line for operators, the server's words, and the class of a failure."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        message = " ".join(f"{state} {error.args[0] if error.args else ''}".split())
        said = (message, *(getattr(error, name, None) for name in ("detail", "hint", "context")))
        answer = "\n".join(filter(None, said))[:_MAX_ANSWER_CHARACTERS]
        return message[:500], answer, _classify(error, state)
    message = str(error) or type(error).__name__
    if isinstance(error, asyncpg.exceptions.ClientConfigurationError | ssl.SSLCertVerificationError):
        return message, "", "misconfigured"
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in message:
        return f"{message}: the server has no TLS", "", "misconfigured"
    if isinstance(error, TimeoutError):
        message = "no answer in time"
    elif isinstance(error, ConnectionError) and error.errno:
        message = os.strerror(error.errno)  # asyncio's is "Connect call failed", with a tuple
    elif isinstance(error, socket.gaierror):
        message = error.strerror or message
    return message, "", "unavailable"


def _classify(error: asyncpg.PostgresError, state: str) -> _Failure:
    if isinstance(error, asyncpg.InvalidCachedStatementError):  # 0A000: the table was changed
        return "unavailable"
    if getattr(error, "schema_name", None) == "pg_catalog":  # 23505: another process creates the same table
        return "unavailable"
    return _CLASSES.get(state) or _CLASSES.get(state[:2]) or "unavailable"
