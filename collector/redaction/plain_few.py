"""The values that ``plain.py`` takes, in texts of a few kilobytes: one by one, for there columns cost more than they save.

The forms and checks are those of the columns (``plain_numbers.py``, ``plain_accounts.py``); what is not plain goes to the matchers as ever.
"""

from __future__ import annotations

import re

import numpy as np

from collector.redaction.addresses import STREET_WORDS
from collector.redaction.checksums import card_sure, iban
from collector.redaction.contact import follows_version, in_authority, top_level_domains
from collector.redaction.digit_runs import CAPITALS, DIGITS, MARKS, runs_of
from collector.redaction.matching import Span, near
from collector.redaction.national_ids import ssn
from collector.redaction.phones import country_code
from collector.redaction.plain_accounts import BEHIND_COUNTRY
from collector.redaction.plain_grids import grids, may_hold_grids
from collector.redaction.plain_network import network_addresses, quads
from collector.redaction.plain_numbers import NUMBER_WORDS, PHONE_WORD, not_phones

_DOTS = 48  # dots from which on addresses of networks are read in columns all the same
_FEW_DOTS = 12  # bytes for each dot at most
_FEW, _FEW_MIXED = 2_048, 20_480  # bytes of a text from which on columns are worth it: where values are alike, and where they are of several kinds

_M = rb"[\0 \t\r\n,;|\"'<>]"
_ALONE = rb"(?=[\0\t\r\n,;|\"'<>]|\.[\0 \r\n]| (?![0-9#xXeE]))"
_NO_EXTENSION = rb"(?![ ,]{0,2}+[#xXeEpPdD])"
_SSN = rb"[0-9]{3}-[0-9]{2}-[0-9]{4}"
_OCTET = rb"\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_CARD_IN_GROUPS, _ONE_SSN, _QUAD, _SSNS, _ROW, _STREET = 4, 5, 6, 7, 8, 9  # the last group of each form
_NUMBERS = re.compile(
    rb"[0-9](?<![\w.\-/$#\x80-\xff][0-9])(?:"
    rb"(?:(?<=[\0\r\n,;|\"'<>][0-9])|(?<=[ \t][0-9])(?<![0-9)] [0-9])(?<!\)\t[0-9])(?<!\)[ \t]{2}[0-9]))(?:"
    rb"[0-9]{14,15}+()" + _ALONE + rb"|"
    rb"[0-9]{3}(?:([ \-])[0-9]{4}\2[0-9]{4}\2[0-9]{4}|([ \-])[0-9]{6}\3[0-9]{5})" + _ALONE + rb"()|"
    rb"[0-9]{2}(?<!000)(?<!666)(?<!9[0-9]{2})-(?!00)[0-9]{2}-(?!0000)[0-9]{4}" + _ALONE + rb"()|"
    rb"(?:(?<=[1-9])[0-9]?|(?<=1)[0-9]{2}|(?<=2)(?:[0-4][0-9]|5[0-4]))(?<!127)" + 3 * _OCTET + _ALONE + rb"()|"
    rb"[0-9]{2}-[0-9]{2}-[0-9]{4}(?: " + _SSN + rb"){2,}+" + _ALONE + rb"()|"
    rb"[0-9]*+(?: [0-9]++)++" + _ALONE + rb"())|"
    rb"[0-9]{0,5}+ (?:[A-Z][a-z]+ ){1,3}([A-Z][a-z]+)(?=[,;|\r\n\"<>\0]| [a-z0-9])(?!,?\s+[A-Z#]))"
)
_INTERNATIONAL = re.compile(rb"\+(?<=" + _M + rb"\+)([1-9][0-9]{0,2}+(?:[ \-][0-9]{2,7}+){1,4}+)" + _ALONE + _NO_EXTENSION)
_IN_BRACKETS = re.compile(
    rb"\((?<=" + _M + rb"\()(?<![0-9)].\()([2-9][0-9]{2})\)[ \-]?(?!\1)([1-9][0-9]{2})[ \-.][0-9]{4}" + _ALONE + _NO_EXTENSION, re.DOTALL
)
_IBAN = re.compile(rb"[A-Z](?<=" + _M + rb"[A-Z])[A-Z]" + BEHIND_COUNTRY)
_EMAIL = re.compile(rb"[A-Za-z][A-Za-z0-9._+\-]{0,60}+(?<=[A-Za-z0-9])@(?:[A-Za-z0-9][A-Za-z0-9\-]{0,60}+\.){1,6}([A-Za-z]{2,24})")
_BEFORE_AT, _BEHIND_AT = 62, 400  # bytes of an address
_MARK, _DIGIT, _CAPITAL = b"\0", b"0", b"A"  # as which all marks, digits and capitals are told
_SHAPES = bytes((_MARK if MARKS[c] else _DIGIT if DIGITS[c] else _CAPITAL if CAPITALS[c] else bytes([c]))[0] for c in range(256))
_NO_DIGITS = bytes(c for c in range(256) if not 48 <= c <= 57)
_TELLING = re.compile(rb"[A-Za-z\x80-\xff$]")
_REPLACED = b"[CREDIT_CARD]"
_WORDY = re.compile(rb"[A-Za-z0-9=<>~^@._/][ \t\r\n\v\f:=\"']{0,4}\Z")
_ENDINGS = top_level_domains()


def few(b: bytes, lo: int, hi: int) -> bool:
    """Is a text so short that columns cost more than they save?"""
    return hi - lo < _FEW_MIXED and (hi - lo < _FEW or sum(b.find(mark, lo, hi) >= 0 for mark in (b"@", b"+", b"(")) > 1)


def few_values(b: bytes, lo: int, hi: int, out: list[Span]) -> list[Span]:
    """Append the spans of the values of a text that stand by themselves, in no order; gives places where there is nothing."""
    dull: list[Span] = []
    shapes = b[lo - 1 : hi + 1].translate(_SHAPES)
    dots = b.count(b".", lo, hi)
    dotted = dots >= _DOTS and dots * _FEW_DOTS >= hi - lo
    _numbers(b, lo, hi, out, dull, dotted=dotted)
    if dotted:
        quads(runs_of(np.frombuffer(b, np.uint8, hi - lo + 2, lo - 1)), b, lo, hi, out, dull)
    if b"\0+0" in shapes:
        _international(b, lo, hi, out)
    if b"\0(000)" in shapes:
        _in_brackets(b, lo, hi, out)
    if b"\0AA00" in shapes:
        _accounts(b, lo, hi, out)
    if b"@" in shapes:
        _emails(b, shapes, lo, out)
    network_addresses(b, lo, hi, out)
    if may_hold_grids(shapes):
        dull += grids(runs_of(np.frombuffer(b, np.uint8, hi - lo + 2, lo - 1)), b, lo, hi)
    return dull


def _numbers(b: bytes, lo: int, hi: int, out: list[Span], dull: list[Span], *, dotted: bool) -> None:
    """Numbers and street addresses; ``dotted``: dotted quads are taken elsewhere."""
    for m in _NUMBERS.finditer(b, lo, hi + 1):
        form, (start, end) = m.lastindex, m.span()
        if form == _ONE_SSN:
            out.append((start, end, "US_SSN"))
        elif form == _STREET:
            if m[_STREET] in STREET_WORDS:
                out.append((start, end, "STREET_ADDRESS"))
        elif form == _QUAD:
            if not dotted and (b[start - 1] in b",;|\0" or not _of_version(b, start, lo)):
                out.append((start, end, "IP_ADDRESS"))
        elif form == _ROW:
            _row(b, m, lo, hi, out, dull)
        elif form == _SSNS:
            _social_security_numbers(m[0], start, out)
        elif card_sure((m[0].translate(None, b" -") if form == _CARD_IN_GROUPS else m[0]).decode()):
            out.append((start, end, "CREDIT_CARD"))
        elif end - start == 16 and _quiet(b, start, end, lo, hi):
            dull.append((start, end, ""))


def _of_version(b: bytes, start: int, lo: int) -> bool:
    return _WORDY.search(b, max(lo, start - 5), start) is not None and follows_version(b, start, lo)


def _row(b: bytes, m: re.Match[bytes], lo: int, hi: int, out: list[Span], dull: list[Span]) -> None:
    """Numbers between blanks: sixteen digits that are a card are one whatever else stands there; where all have sixteen, the others are nothing."""
    start = m.start()
    numbers = m[0].split(b" ")
    alike = all(len(number) == 16 for number in numbers)
    for number in numbers:
        end = start + len(number)
        if len(number) == 16:
            if card_sure(number.decode()):
                out.append((start, end, "CREDIT_CARD"))
            elif alike and _quiet(b, start, end, lo, hi):
                dull.append((start, end, ""))
        start = end + 1


def _quiet(b: bytes, start: int, end: int, lo: int, hi: int) -> bool:
    """Is there no word near a number?"""
    before, behind = NUMBER_WORDS
    return _TELLING.search(b[max(lo, start - before) : min(hi, end + behind)].replace(_REPLACED, b"")) is None


def _social_security_numbers(told: bytes, start: int, out: list[Span]) -> None:
    """Three and more in a row between blanks."""
    if all(map(ssn, told.translate(None, b"-").decode().split(" "))):
        out += [(at, at + 11, "US_SSN") for at in range(start, start + len(told), 12)]


def _international(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """``+``, a country code, and two to five groups in all."""
    for m in _INTERNATIONAL.finditer(b, lo, hi + 1):
        told = m[1]
        digits = told.translate(None, _NO_DIGITS)
        if 7 < len(digits) < 16 and country_code(digits[:3].decode()) and not (told[3] in b" -" and _LIKE_SSN.fullmatch(told)):
            out.append((*m.span(), "PHONE"))


_LIKE_SSN = re.compile(rb"[0-9]{3}[ \-][0-9]{2}[ \-][0-9]{4}")


def _in_brackets(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """``(202) 555-0143`` and its kin, where no word says that it is something else."""
    for m in _IN_BRACKETS.finditer(b, lo, hi + 1):
        start, end = m.span()
        first = max(lo, start + 1 - PHONE_WORD)
        if not (_TELLING.search(b, first, start) and near(not_phones(), b, start + 1, start + 1, lo, hi, PHONE_WORD, 0)):
            out.append((start, end, "PHONE"))


def _accounts(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """IBANs: two capitals before the digits."""
    out += [(*m.span(), "IBAN") for m in _IBAN.finditer(b, lo, hi + 1) if iban(m[0].translate(None, b" ").decode())]


def _emails(b: bytes, shapes: bytes, lo: int, out: list[Span]) -> None:
    """Those of the text's words that are one: a name that begins with a letter, one ``@``, labels, and an ending that there is."""
    at, before, urls = shapes.find(b"@"), lo - 1, b"://" in shapes
    while at >= 0:
        first = shapes.rfind(b"\0", max(0, at - _BEFORE_AT), at) + 1
        past = shapes.find(b"\0", at, at + _BEHIND_AT)
        if past < 0:
            past = at + 1
        elif first:
            start, stop = before + first, before + past
            if shapes[past - 1] == 46 and b[stop] in b"\0 \r\n":
                stop -= 1
            m = _EMAIL.fullmatch(b, start, stop)
            if m and (len(m[1]) == 2 or m[1].lower() in _ENDINGS) and not (urls and b[start - 1] in b",;" and in_authority(b, start, lo)):
                out.append((start, stop, "EMAIL"))
        at = shapes.find(b"@", past)
