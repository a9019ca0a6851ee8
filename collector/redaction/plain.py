"""Texts dense with people's data: values in their usual form are found without a close look at each.

A customer table has a value every twenty bytes; the matchers around triggers (``handlers.py``) would take many microseconds for
each. Where a text is dense with triggers, values in their plainest form that stand by themselves, between blanks or the marks of
tables and lists, are taken at once, by the same checks. What is left goes to the matchers as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collector.redaction.checksums import card_sure, iban
from collector.redaction.contact import top_level_domains
from collector.redaction.matching import Span
from collector.redaction.national_ids import ssn
from collector.redaction.phones import country_code

DENSE = 48  # bytes a trigger in a text that is worth it
LEAST = 24  # triggers in it

_VALUE = re.compile(
    rb"(?<![^\0 \t\r\n,;|\"'<>])(?:"
    rb"(?P<email>[A-Za-z](?:[A-Za-z0-9._+\-]{0,60}+(?<=[A-Za-z0-9]))?@(?:[A-Za-z0-9][A-Za-z0-9\-]{0,60}+\.){1,6}[A-Za-z]{2,24}+)"
    rb"|(?<![0-9)] )(?<!\)[ \t] )(?<!\)\t)(?<!\) \t)(?:"
    rb"(?P<card>[0-9]{4}(?:([ \-]?)[0-9]{4}\3[0-9]{4}\3[0-9]{4}|([ \-]?)[0-9]{6}\4[0-9]{5}))"
    rb"|(?P<ssn>[0-9]{3}-[0-9]{2}-[0-9]{4})"
    rb"|(?P<phone>\+[1-9][0-9]{0,2}(?:[ \-][0-9]{2,4}){2,4}+)"
    rb"|(?P<iban>[A-Z]{2}[0-9]{2}( ?)[A-Z0-9]{4}(?:\8[A-Z0-9]{4}){2,6}(?:\8[A-Z0-9]{1,3})?+)"
    rb"|(?P<ip>(?<=[,;|])[1-9][0-9]{0,2}(?:\.(?:0|[1-9][0-9]{0,2})){3})"  # other marks may follow a word such as "version"
    rb")(?! ?(?:[0-9#]|x[0-9]|ext))"
    rb")(?=[\0 \t\r\n,;|\"'<>]|\.[\0 \r\n])"
)
_ENDINGS = top_level_domains()
_NUMBERED = bytes(c for c in range(256) if not 48 <= c <= 57)


def _email(value: bytes) -> bool:
    ending = value[value.rindex(b".") + 1 :]
    return len(ending) == 2 or ending.lower() in _ENDINGS


def _card(value: bytes) -> bool:
    return card_sure(value.translate(None, b" -").decode())


def _iban(value: bytes) -> bool:
    return iban(value.translate(None, b" ").decode())


def _ssn(value: bytes) -> bool:
    return ssn(value.translate(None, b"-").decode())


def _phone(value: bytes) -> bool:
    digits = value.translate(None, _NUMBERED).decode()
    return 8 <= len(digits) <= 15 and country_code(digits)


def _address(value: bytes) -> bool:
    octets = [int(part) for part in value.split(b".")]
    return max(octets) < 256 and octets[0] not in (127, 255)


_CHECKS: dict[str | None, tuple[str, Callable[[bytes], bool]]] = {
    "email": ("EMAIL", _email),
    "card": ("CREDIT_CARD", _card),
    "iban": ("IBAN", _iban),
    "ssn": ("US_SSN", _ssn),
    "phone": ("PHONE", _phone),
    "ip": ("IP_ADDRESS", _address),
}


def plain_values(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """Append the spans of all values of a text that stand by themselves, in order."""
    append, checks = out.append, _CHECKS
    for m in _VALUE.finditer(b, lo, hi + 1):  # with the NUL byte behind the text
        class_name, good = checks[m.lastgroup]
        if good(m[0]):
            append((m.start(), m.end(), class_name))
