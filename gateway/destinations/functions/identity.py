"""
What vendors recognize people by, in the forms that they compare, and hashes of it.

A value that is a SHA-256 in hexadecimal digits already passes every function here, so that nothing is hashed
twice. What cannot be a valid value (an address without "@") is absent.
"""

import hashlib
import re
from functools import lru_cache

import phonenumbers

from gateway.raw import timestamps

_HASHED = re.compile(r"[0-9a-fA-F]{64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DOTLESS = ("gmail.com", "googlemail.com")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_COUNTRY = re.compile(r"[a-z]{2}")
_NO_LETTER = re.compile(r"[\W\d_]+")
_SPACE = re.compile(r"\s+")

# Clearly an international number, like most of them: the library takes 50 µs for each.
_PLAIN = re.compile(r"\+[1-9]\d*+(?:[ .-]\d\d++)*+", re.ASCII)
_NOT_DIGIT = re.compile(r"\D", re.ASCII)
_MIN_DIGITS, _MAX_DIGITS = 8, 15  # ITU-T E.164; the shortest numbers with a country code have eight
_MAX_PHONE_CHARACTERS = 64
_MAX_CACHED_PHONES = 10_000

_GENDERS = {"f": "f", "female": "f", "woman": "f", "m": "m", "male": "m", "man": "m"}


def sha256(value: str) -> str:
    """The SHA-256 in lower-case hexadecimal digits; a value that already is one stays."""
    if _HASHED.fullmatch(value):
        return value.lower()
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def email(value: str) -> str | None:
    """An e-mail address without surrounding space, in lower case."""
    found = value.strip().lower()
    return found if _EMAIL.fullmatch(found) or _HASHED.fullmatch(found) else None


def gmail(value: str) -> str | None:
    """An e-mail address as Google compares it: no white space, and at Gmail no dots before the `@`."""
    found = email(_SPACE.sub("", value))
    name, at, domain = (found or "").partition("@")
    return f"{name.replace('.', '')}@{domain}" if at and domain in _DOTLESS else found


def plain(value: str) -> str | None:
    """The value, unless it is a SHA-256, for vendors that write to people and cannot use one."""
    return None if _HASHED.fullmatch(value) else value


def phone_digits(value: str, region: str = "") -> str | None:
    """
    A telephone number with its country code, only digits: `49301234567`.

    `region` is the country of numbers without a country code, such as `DE`; without one they are absent.
    """
    found = e164(value, region)
    return found.removeprefix("+") if found else None


def e164(value: str, region: str = "") -> str | None:
    """A telephone number with a `+` before its country code, as in ITU-T E.164."""
    value = value.strip()
    if _HASHED.fullmatch(value):
        return value
    if len(value) > _MAX_PHONE_CHARACTERS:
        return None
    if _PLAIN.fullmatch(value):
        digits = _NOT_DIGIT.sub("", value)
        return f"+{digits}" if _MIN_DIGITS <= len(digits) <= _MAX_DIGITS else None
    return _parse_phone(value, region.upper())


@lru_cache(_MAX_CACHED_PHONES)
def _parse_phone(value: str, region: str) -> str | None:
    if value.startswith("00"):  # the prefix for international calls nearly everywhere
        value = f"+{value[2:]}"
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return found if len(found) > _MIN_DIGITS else None


@lru_cache(_MAX_CACHED_PHONES)
def valid_phone(value: str) -> str | None:
    """A number in E.164 if its length and prefix exist in its country, for vendors that refuse others."""
    try:
        return value if phonenumbers.is_valid_number(phonenumbers.parse(value)) else None
    except phonenumbers.NumberParseException:
        return None


def state(value: str) -> str:
    """A state or province: only its letters, in lower case."""
    return value if _HASHED.fullmatch(value) else _NO_LETTER.sub("", value.lower())


def country(value: str) -> str | None:
    """A country's two-letter code (ISO 3166-1), in lower case."""
    found = value.strip().lower()
    return found if _COUNTRY.fullmatch(found) or _HASHED.fullmatch(found) else None


def zip(value: str) -> str:
    """A postal code in lower case without white space; for ZIP+4, only the first part."""
    found = _SPACE.sub("", value.lower())
    return found.partition("-")[0]


def yyyymmdd(value: str) -> str | None:
    """A day as `19701231`."""
    value = value.strip()
    if _HASHED.fullmatch(value):
        return value
    if found := _DAY.match(value):  # ignoring any time after it, which could make it another day
        return "".join(found.groups())
    try:
        return timestamps.write(timestamps.read(value))[:10].replace("-", "")
    except ValueError:
        return None


def gender(value: str) -> str | None:
    """`f` or `m`."""
    found = value.strip().lower()
    return found if _HASHED.fullmatch(found) else _GENDERS.get(found)
