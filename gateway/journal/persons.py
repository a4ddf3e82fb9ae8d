"""Which partition an event goes to: all events of a person to the same one, so that they stay in order."""

from zlib import crc32


def partition(source: str, person: str, partitions: int) -> int:
    """
    Return the partition of a source's person: CRC-32 of `SOURCE NUL PERSON` in UTF-8, modulo `partitions`.

    `person` is the userId, else the anonymousId, else the messageId. It never changes, or the events of a
    person would be in two partitions.
    """
    return crc32(f"{source}\0{person}".encode("utf-8", "surrogatepass")) % partitions
