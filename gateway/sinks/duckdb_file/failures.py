"""
The class of a failure, by DuckDB's exception.

Failures not in the tables may be temporary, such as a lock, a full disk or a conflict: the batch is retried.
"""

import duckdb

from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable

_OF_A_VALUE = {
    duckdb.ConstraintException: "constraint",
    duckdb.ConversionException: "invalid_value",
    duckdb.OutOfRangeException: "invalid_value",
    duckdb.InvalidInputException: "invalid_value",
}
_OF_THE_TABLE = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.NotImplementedException,
    duckdb.ParserException,
    duckdb.PermissionException,
    duckdb.SerializationException,  # a file of a newer version
)
# IOException covers everything about a file; the system's words tell these from temporary failures.
_OF_THE_FILE = (
    "Permission denied",
    "Is a directory",
    "Not a directory",
    "Read-only",
    "not a valid DuckDB",
    "newer",
)
# Another connection was faster at creating a table, or at starting a partition.
_OF_A_RACE = ((duckdb.CatalogException, "already exists"), (duckdb.ConstraintException, "Duplicate key"))
_MAX_ANSWER_CHARACTERS = 4096
_MAX_MESSAGE_CHARACTERS = 500


def translate(error: Exception, *, of_events: bool) -> SinkError:
    """
    Return the SinkError for an exception from DuckDB or the file system.

    `of_events` is true while events are written; otherwise no event can be to blame.
    """
    answer = str(error)[:_MAX_ANSWER_CHARACTERS]
    message = " ".join(answer.split())[:_MAX_MESSAGE_CHARACTERS] or type(error).__name__
    code = next((code for kind, code in _OF_A_VALUE.items() if isinstance(error, kind)), None)
    if code and of_events:
        return SinkRefused(message, code=code, answer=answer)
    if any(isinstance(error, kind) and words in answer for kind, words in _OF_A_RACE):
        return SinkUnavailable(message, answer=answer)
    if code or isinstance(error, _OF_THE_TABLE) or any(words in answer for words in _OF_THE_FILE):
        return SinkMisconfigured(message, answer=answer)
    return SinkUnavailable(message, answer=answer)
