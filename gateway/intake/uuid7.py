"""Make ids for events that have none."""

import os


def generate(milliseconds: int) -> str:
    """Return a UUIDv7 (RFC 9562) for an instant in milliseconds since 1970, unique by 74 random bits."""
    random = int.from_bytes(os.urandom(10))
    high = milliseconds << 16 | 0x7000 | random >> 68
    low = 0x8000 << 48 | random & (1 << 62) - 1
    digits = f"{high:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
