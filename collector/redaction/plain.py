"""Lists and tables of people's data: values in their usual form that fill a whole field, found without a close look at each.

A customer table has a value every twenty bytes; the matchers around triggers (``handlers.py``) would take many microseconds for
each. Where a text is dense with triggers it is cut at the marks that stand between fields, and a field that is nothing but one
value in its plainest form is taken at once. What is left goes to the matchers as ever. Nothing is taken that these would leave.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collector.redaction.checksums import card_sure
from collector.redaction.contact import top_level_domains
from collector.redaction.matching import Span
from collector.redaction.national_ids import ssn
from collector.redaction.phones import country_code

DENSE = 48  # bytes a trigger in a text that is worth it
LEAST = 24  # triggers in it

_BETWEEN = bytes.maketrans(b",;|\t\r\n\"'<>", bytes(10))  # what stands between fields
_EMAIL = re.compile(
    rb" ?([A-Za-z0-9](?:[A-Za-z0-9._+\-]{0,60}[A-Za-z0-9])?@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,60}[A-Za-z0-9])?\.){1,6}([A-Za-z]{2,24})) ?"
)
_NUMBER = re.compile(
    rb" ?(?:"
    rb"(?P<card>[0-9]{4}(?:([ \-]?)[0-9]{4}\2[0-9]{4}\2[0-9]{4}|([ \-]?)[0-9]{6}\3[0-9]{5}))"
    rb"|(?P<ssn>[0-9]{3}-[0-9]{2}-[0-9]{4})"
    rb"|(?P<phone>\+[1-9][0-9]{0,2}(?:[ \-][0-9]{2,4}){2,4})"
    rb"|(?P<ip>[1-9][0-9]{0,2}(?:\.(?:0|[1-9][0-9]{0,2})){3})"
    rb") ?"
)
_NUMBERED = bytes(c for c in range(256) if not 48 <= c <= 57)


def _card(value: bytes) -> bool:
    return card_sure(value.translate(None, b" -").decode())


def _ssn(value: bytes) -> bool:
    return ssn(value.translate(None, b"-").decode())


def _phone(value: bytes) -> bool:
    digits = value.translate(None, _NUMBERED).decode()
    return 8 <= len(digits) <= 15 and country_code(digits)


def _address(value: bytes) -> bool:
    octets = [int(part) for part in value.split(b".")]
    return max(octets) < 256 and octets[0] not in (127, 255)


_CHECKS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "card": ("CREDIT_CARD", _card),
    "ssn": ("US_SSN", _ssn),
    "phone": ("PHONE", _phone),
    "ip": ("IP_ADDRESS", _address),
}


def plain_values(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """Append the spans of all fields of a text that are one value each."""
    known = top_level_domains()
    at = lo
    for field in b[lo:hi].translate(_BETWEEN).split(b"\0"):
        start = at
        at += len(field) + 1
        if len(field) < 7 or (field[0] > 57 and b"@" not in field):  # no digit in front
            continue
        if b"@" in field:
            m = _EMAIL.fullmatch(field)
            if m and (len(m[2]) == 2 or m[2].lower() in known):
                first, past = m.span(1)
                out.append((start + first, start + past, "EMAIL"))
            continue
        m = _NUMBER.fullmatch(field)
        if m is None:
            continue
        name: str = m.lastgroup  # type: ignore[assignment] - one of them matched
        class_name, good = _CHECKS[name]
        if good(m[name]) and (name != "ip" or b[start - 1] in b",;|"):  # other marks may follow a word such as "version"
            first, past = m.span(name)
            out.append((start + first, start + past, class_name))
