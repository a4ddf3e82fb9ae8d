"""Translate e-commerce events into the vocabulary that their source asks for."""

from gateway.commerce import translate_fields
from gateway.journal.chunk import PRODUCTS
from gateway.message import EMPTY, DecodedSubmission, Message
from gateway.raw.objects import require
from gateway.sources import Vocabulary


def translate(message: Message, *, vocabulary: Vocabulary, decoded: DecodedSubmission) -> None:
    """
    Translate the name and properties of an e-commerce message in place; others are left as they are.

    Raises InvalidField if the properties are not an object.
    """
    name = message.event or message.event_name
    if name is None:
        return
    properties = require("properties", message.properties or EMPTY)
    translated = translate_fields(name, properties, vocabulary)
    if translated is not None:
        message.event, message.properties = translated
        decoded.carries |= PRODUCTS  # which translation may make of an event's own fields
