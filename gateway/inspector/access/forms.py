"""Read the fields of a submitted form, within limits."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.types import Message, Receive

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 1024 * 1024
_MAX_FIELDS = 2000


class FormTooLarge(Exception):
    """A form has more bytes or fields than any of the inspector's forms."""


class Disconnected(Exception):
    """The client left before its request was complete; half an order is no order."""


async def read(receive: Receive) -> bytes:
    """Return the body of a request. Raises FormTooLarge or Disconnected."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > MAX_FORM_BYTES:
            raise FormTooLarge
        if not message.get("more_body"):
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first delivers a body already read, then continues with `receive`."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def parse(body: bytes) -> Mapping[str, list[str]]:
    """Return the values of each field. Raises FormTooLarge."""
    try:
        return parse_qs(
            body.decode(errors="replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise FormTooLarge from error
