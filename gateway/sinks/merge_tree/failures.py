"""
The class of a failure, by ClickHouse's error codes (src/Common/ErrorCodes.cpp, the same in all versions).

An error that is not in the table may be temporary, so the same batch is tried again.
"""

import re

from gateway.errors import Culprit, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.http_client import answers
from gateway.sinks.http_client.answers import Answer

_VIOLATED_CONSTRAINT = 469
_REFUSED = {
    6: "invalid_value",  # CANNOT_PARSE_TEXT, and so on
    26: "invalid_value",
    27: "invalid_value",
    33: "invalid_value",
    38: "invalid_value",
    41: "invalid_value",
    53: "invalid_value",  # TYPE_MISMATCH
    69: "invalid_value",  # ARGUMENT_OUT_OF_BOUND
    72: "invalid_value",
    117: "invalid_value",  # INCORRECT_DATA
    131: "too_large",  # TOO_LARGE_STRING_SIZE
    349: "invalid_value",  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    395: "constraint",  # FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, in a materialized view
    _VIOLATED_CONSTRAINT: "constraint",
}
_MISCONFIGURED = frozenset(
    [
        *(10, 16, 20, 44, 47),  # the table's columns
        *(36, 43, 46, 50, 62, 73, 80),  # a statement that this version does not understand
        48,  # NOT_IMPLEMENTED, such as an insert into a view
        60,  # UNKNOWN_TABLE
        81,  # UNKNOWN_DATABASE
        *(115, 452),  # a setting, which is unknown or fixed by a constraint
        164,  # READONLY
        *(192, 193, 194, 195, 516),  # the user, the password, the address
        *(291, 497),  # permissions
    ]
)
_CODE = re.compile(r"Code: (\d+)\.")
_VIOLATED = re.compile(r"is violated at row (\d+)")
"""The first match counts; the values of the event follow it."""
_FAILED = re.compile(r".*\(at row (\d+)\)")
"""The last match counts; the text of the event comes before it."""
_MAX_MESSAGE_CHARACTERS = 500


def check(answer: Answer, *, of_events: bool) -> None:
    """
    Return if the server did what it was asked to.

    Raises SinkUnavailable, SinkMisconfigured or, if `of_events`, SinkRefused. An answer that is not from
    ClickHouse, such as a proxy's, is judged by its status.
    """
    code = _code(answer)
    if code is None:
        try:
            return answers.check(answer)
        except SinkRefused as error:
            if of_events and answer.status == 413:
                raise
            raise SinkMisconfigured(str(error), answer=error.answer) from None
    words = " ".join(answer.words.split())
    message = f"{answer.host}: {words[:_MAX_MESSAGE_CHARACTERS]}"
    if code in _MISCONFIGURED or (code in _REFUSED and not of_events):
        raise SinkMisconfigured(message, answer=answer.words)
    if code not in _REFUSED:
        raise SinkUnavailable(message, answer=answer.words)
    row = (_VIOLATED.search if code == _VIOLATED_CONSTRAINT else _FAILED.match)(words)
    culprits = {int(row[1]) - 1: Culprit(message, _REFUSED[code], answer.words)} if row else None
    raise SinkRefused(message, culprits, code=_REFUSED[code], answer=answer.words)


def _code(answer: Answer) -> int | None:
    """Return the code of an error with which ClickHouse answered, or None."""
    stated = answer.headers.get("X-ClickHouse-Exception-Code", "")
    if stated.isascii() and stated.isdecimal():
        return int(stated[:9])
    found = _CODE.match(answer.words) if answer.status >= 400 else None
    return int(found[1][:9]) if found else None
