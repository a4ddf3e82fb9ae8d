"""
Webhooks that are forms, read as the JSON objects of their fields.

GitHub and Slack send `payload=<JSON>`, Mandrill `mandrill_events=<JSON>`, Twilio and Mailchimp plain fields,
Plex a `payload` with an image. https://url.spec.whatwg.org/#urlencoded-parsing, RFC 7578.
"""

import re
from email.message import Message as Head
from email.parser import HeaderParser
from urllib.parse import parse_qsl

from msgspec import Raw

from gateway.errors import UnreadableBody
from gateway.raw import bodies, objects
from gateway.submission import Submission

_MAX_FIELDS = 1000
# Limits for the head of a part, or a Content-Type: semicolons cost the standard parser quadratic time.
_MAX_HEAD_BYTES = 1024
_MAX_SEMICOLONS = 16

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")

Field = tuple[str, str | dict[str, str | int]]
"""A name with its value: a text, or the description of a file that is not one."""


def to_json(submission: Submission) -> bytes:
    """
    Return the body as JSON: for a form, the object of its fields; for anything else, the body as it is.

    A value is text, or a list if its name is repeated. A form whose single field holds a JSON object or list
    becomes that JSON; so does the value of a `payload` among other fields. A file that is not UTF-8 becomes
    {"filename", "size"} (bytes). A body that begins like JSON is not a form, whatever its Content-Type says:
    curl calls everything a form. Raises UnreadableBody for a form that is cut off or has over 1,000 fields.
    """
    body = submission.body
    content_type = submission.header(b"content-type")
    if "form" not in content_type.lower() or body.lstrip()[:1] in (b"", b"{", b"["):
        return body
    head = _parse_head(f"Content-Type: {content_type}")
    match head.get_content_type():
        case "application/x-www-form-urlencoded" if b"=" in body:
            return _write(_urlencoded(body))
        case "multipart/form-data":
            return _write(_multipart(body, _parameter(head, "content-type", "boundary") or ""))
    return body


def _urlencoded(body: bytes) -> list[Field]:
    try:
        # Latin-1 text stands for bytes, so that each value can have its own character set.
        pairs = parse_qsl(
            body.strip().decode("latin-1"),
            keep_blank_values=True,
            encoding="latin-1",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise UnreadableBody(f"the form has more than {_MAX_FIELDS} fields") from error
    return [(_text(name.encode("latin-1")), _text(value.encode("latin-1"))) for name, value in pairs]


def _multipart(body: bytes, boundary: str) -> list[Field]:
    mark = re.escape(b"--" + boundary.encode("latin-1", "replace"))
    delimiter = re.compile(rb"(?:\A|\r?\n)%b(--)?[ \t]*(?:\r?\n|\Z)" % mark)
    # What precedes the first delimiter; then for each delimiter, whether it ends the form, and what follows.
    _, *found = delimiter.split(body, _MAX_FIELDS + 2)
    ends, parts = found[::2], found[1::2]
    if len(ends) > _MAX_FIELDS + 1:
        raise UnreadableBody(f"the form has more than {_MAX_FIELDS} fields")
    if b"--" not in ends:
        raise UnreadableBody("the multipart form is cut off, or its boundary is not in it")
    return [_part(part) for part in parts[: ends.index(b"--")]]


def _part(part: bytes) -> Field:
    head_bytes, *values = _BLANK_LINE.split(part, maxsplit=1)
    value = values[0] if values else b""
    head = _parse_head(_text(head_bytes))
    name = _parameter(head, "content-disposition", "name") or ""
    filename = _parameter(head, "content-disposition", "filename")
    if filename is not None and not _is_utf8(value):
        return name, {"filename": filename, "size": len(value)}
    return name, _text(value)


def _parameter(head: Head, header: str, name: str) -> str | None:
    try:
        value = head.get_param(name, header=header)
    except TypeError as error:  # as the standard parser does for a mixture of the spellings of RFC 2231
        raise UnreadableBody(f"a parameter of {header} cannot be read") from error
    # The spelling of RFC 2231, with a character set of its own, is forbidden in forms (RFC 7578, 4.2).
    return value[2] if isinstance(value, tuple) else value


def _parse_head(text: str) -> Head:
    if len(text) > _MAX_HEAD_BYTES or text.count(";") > _MAX_SEMICOLONS:
        raise UnreadableBody(
            f"a head of the form has more than {_MAX_HEAD_BYTES} bytes, or is too complicated"
        )
    return HeaderParser().parsestr(text)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(value: bytes) -> str:
    """Decode UTF-8, or else Windows-1252, which PayPal's notifications use."""
    return value.decode() if _is_utf8(value) else value.decode("cp1252", "replace")


def _write(fields: list[Field]) -> bytes:
    values: dict[str, list[object]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    form: dict[str, object] = {name: found[0] if len(found) == 1 else found for name, found in values.items()}
    if len(form) == 1:
        [only] = form.values()
        if isinstance(only, str) and _holds_json(only):
            return only.encode()
    payload = form.get("payload")
    if isinstance(payload, str) and _holds_json(payload):
        text, repairs = bodies.readable(payload.encode())
        if not repairs:  # the event could not warn of them; as text it is still complete
            form["payload"] = Raw(text)
    return objects.write(form)


def _holds_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        bodies.readable(text.encode())
    except UnreadableBody:
        return False
    return True
