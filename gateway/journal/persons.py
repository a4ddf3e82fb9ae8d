"""Which partition an event goes to: all of a person's events go to the same one, to stay in order."""

from zlib import crc32


def partition(source: str, person: str, partitions: int) -> int:
    """
    Return the partition of a source's person: CRC-32 of `SOURCE NUL PERSON` in UTF-8, modulo `partitions`.

    `person` is the userId, else the anonymousId, else the messageId. This rule must never change, or a
    person's events would be in two partitions.
    """
    return crc32(f"{source}\0{person}".encode("utf-8", "surrogatepass")) % partitions
