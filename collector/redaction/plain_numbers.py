"""Plain numbers of dense texts, all at once: cards, accounts, social security numbers, telephone numbers, IP addresses that stand by themselves.

A list of numbers has one every twelve bytes; even one pattern match for each costs too much. Here the runs of digits of a text are
columns (first byte, length, the mark behind it), a form is a comparison of columns, and a check digit a sum over a table of bytes.
The forms and checks are those of the matchers (``numbers.py``, ``contact.py``); what is not plain goes to these as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np

from collector.redaction.addresses import plain_addresses
from collector.redaction.checksums import card_issuer, iban
from collector.redaction.contact import follows_version
from collector.redaction.matching import Span, near, words
from collector.redaction.phones import country_code
from collector.redaction.rules import load

Array = np.ndarray[Any, Any]

_TRIED, _FRUITFUL = 512, 8  # accounts between looks at the clock and at whether one in so many is one
_FORMS = 6  # runs that the longest form has
_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.uint8)
_PHONE_WORD, _NUMBER_WORDS = 14, (56, 20)  # bytes before (and behind) a number in which a word may say something else of it


def table(members: bytes | str) -> Array:
    """Which bytes are among these."""
    found = np.zeros(256, np.bool_)
    found[list(members.encode() if isinstance(members, str) else members)] = True
    return found


MARKS = table(b"\0 \t\r\n,;|\"'<>")  # what stands around a value that stands by itself
_ENDS = table(b"\0 \r\n")  # behind a full stop
_GOES_ON = table(b"0123456789#xXeE")  # behind a value, or behind a blank: more digits, an extension
_EXTENDS = table(b"#xXeEpPdD")
_LOOSE = table(b" \t\r\n\v\f:=\"'")  # between a word such as *version* and a number
_CAPITALS = table(bytes(range(65, 91)))
_WORDY = table(bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + b"=<>~^@._")
_GLUES = table(bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + bytes(range(128, 256)) + b"_.-/$#")
_IBAN = re.compile(
    rb"[A-Z]{2}[0-9]{2}( ?)[A-Z0-9]{4}(?:\1[A-Z0-9]{4}){2,6}(?:\1[A-Z0-9]{1,3})?+(?! ?(?:[0-9#]|x[0-9]|ext))(?=[\0 \t\r\n,;|\"'<>]|\.[\0 \r\n])"
)
_TELLING = table(bytes(range(65, 91)) + bytes(range(97, 123)) + bytes(range(128, 256)) + b"$").tobytes()  # letters and currencies


@cache
def _issuers(n: int) -> Array:
    """Which first four digits a card of ``n`` digits may have."""
    return np.array([card_issuer(f"{k:04d}", n) for k in range(10_000)])


@cache
def _codes() -> Array:
    """Which first three digits begin with a country code."""
    return np.array([country_code(f"{k:03d}") for k in range(1000)])


@cache
def _not_phones() -> Any:
    return words(next(rule.not_words for rule in load() if rule.id == "number"))


@dataclass(slots=True)
class Runs:
    """The runs of digits of a text, in columns with some empty rows behind; ``raw`` begins and ends with a NUL byte."""

    raw: Array
    first: Array
    past: Array
    size: Array
    mark: Array  # what stands between a run and the next, if it is one byte
    apart: Array  # does the run stand behind a mark, not joined to digits before?

    def at(self, places: Array) -> Array:
        """Bytes of the text."""
        return self.raw[np.minimum(places, len(self.raw) - 1)]

    def form(self, *sizes: int, marks: bytes) -> Array:
        """Where runs of these sizes follow each other with the same one of ``marks`` between them."""
        n = len(self.size) - _FORMS
        fits = np.logical_and.reduce([self.size[k : n + k] == size for k, size in enumerate(sizes)])
        if len(sizes) > 1:
            mark = self.mark[:n]
            fits &= np.logical_or.reduce([mark == m for m in marks])
            for k in range(1, len(sizes) - 1):
                fits &= self.mark[k : n + k] == mark
        return np.flatnonzero(fits)

    def alone_behind(self, past: Array) -> Array:
        """Does what ends there stand before a mark, and no digits or extension go on behind it?"""
        a, z = self.at(past), self.at(past + 1)
        ended = MARKS[a] | ((a == 46) & _ENDS[z])
        return ended & ~_GOES_ON[np.where(a == 32, z, a)]


def runs_of(raw: Array) -> Runs:
    """The runs of a text between two NUL bytes."""
    digit = np.subtract(raw, 48) < 10
    edges = np.flatnonzero(digit[1:] != digit[:-1]) + 1
    first, past = edges[::2], edges[1::2]
    size = past - first
    mark = np.zeros(len(first), np.uint8)
    close = first[1:] - past[:-1] == 1
    mark[:-1][close] = raw[past[:-1][close]]
    one, two, three = raw[first - 1], raw[first - 2], raw[first - 3]  # before the text: its last bytes, which do no harm
    blank, other = (one == 32) | (one == 9), (two == 32) | (two == 9)
    joined = ((one == 32) & (digit[first - 2] | (two == 41))) | (blank & (two == 41)) | (blank & other & (three == 41))
    empty = np.zeros(_FORMS, np.int64)
    return Runs(
        raw,
        np.concatenate([first, empty]),
        np.concatenate([past, empty]),
        np.concatenate([size, empty]),
        np.concatenate([mark, empty.astype(np.uint8)]),
        MARKS[one] & ~joined,
    )


def _sure_cards(runs: Runs, first: Array, digits: int, groups: tuple[int, ...]) -> Array:
    """Which of these are cards: issuer, Luhn, not one digit only."""
    offsets = np.arange(digits) + np.repeat(np.arange(len(groups)), groups)
    told = runs.raw[first[:, None] + offsets] - 48
    four = told[:, :4].astype(np.int64) @ np.array([1000, 100, 10, 1])
    total = told[:, ::-2].sum(1) + _DOUBLED[told[:, -2::-2]].sum(1)
    return _issuers(digits)[four] & (total % 10 == 0) & (told != told[:, :1]).any(1)


def _cards(runs: Runs, out: list[Span], lo: int) -> None:
    for groups in ((16,), (4, 4, 4, 4), (15,), (4, 6, 5)):
        at = runs.form(*groups, marks=b" -")
        at = at[runs.apart[at]]
        past = runs.past[at + len(groups) - 1]
        good = runs.alone_behind(past)
        at, past = at[good], past[good]
        sure = _sure_cards(runs, runs.first[at], sum(groups), groups)
        _append(out, lo, runs.first[at][sure], past[sure], "CREDIT_CARD")


def _card_rows(runs: Runs, out: list[Span], dull: list[Span], lo: int) -> None:
    """Sixteen digits, a blank, sixteen digits, …: each is a card or, without a word near, nothing."""
    n = len(runs.apart)
    linked = runs.mark[: n - 1] == 32
    if not linked.any():
        return
    heads = np.flatnonzero(np.concatenate([[True], ~linked]))
    size = runs.size[:n]
    good = np.logical_and.reduceat(size == 16, heads) & runs.apart[heads]
    tails = np.append(heads[1:], n) - 1
    good &= (tails > heads) & runs.alone_behind(runs.past[tails])
    at = np.flatnonzero(np.repeat(good, tails - heads + 1))
    first, past = runs.first[at], runs.past[at]
    sure = _sure_cards(runs, first, 16, (16,))
    _append(out, lo, first[sure], past[sure], "CREDIT_CARD")
    if not len(at):
        return
    quiet = ~sure & ~_told(runs, first - _NUMBER_WORDS[0], past + _NUMBER_WORDS[1])
    _append(dull, lo, first[quiet], past[quiet], "")


def _told(runs: Runs, start: Array, end: Array) -> Array:
    """Does a letter or a currency stand between these places?"""
    places = np.append(np.flatnonzero(np.frombuffer(runs.raw.tobytes().translate(_TELLING), np.uint8)), 1 << 60)
    return places[np.searchsorted(places, start)] < end


def _social_security_numbers(runs: Runs, out: list[Span], lo: int) -> None:
    """Alone, or three and more in a row between blanks."""
    at = runs.form(3, 2, 4, marks=b"-")
    if not len(at):
        return
    first, past, raw = runs.first[at], runs.past[at + 2], runs.raw
    area, group, serial = _value(raw, first, 3), _value(raw, first + 4, 2), _value(raw, first + 7, 4)
    valid = (area > 0) & (area != 666) & (area < 900) & (group > 0) & (serial > 0)
    linked = (at[1:] == at[:-1] + 3) & (runs.mark[at[:-1] + 2] == 32)
    heads = np.flatnonzero(np.concatenate([[True], ~linked]))
    tails = np.append(heads[1:], len(at)) - 1
    good = np.logical_and.reduceat(valid, heads) & runs.apart[at[heads]] & runs.alone_behind(past[tails]) & (tails != heads + 1)
    kept = np.repeat(good, tails - heads + 1)
    _append(out, lo, first[kept], past[kept], "US_SSN")


def _value(raw: Array, first: Array, n: int) -> Array:
    """So many digits as a number."""
    found = np.zeros(len(first), np.int64)
    for k in range(n):
        found = found * 10 + (raw.take(first + k, mode="clip") - 48)
    return found


def _international(runs: Runs, out: list[Span], lo: int) -> None:
    """``+``, a country code, and two to five groups in all."""
    n = len(runs.apart)
    raw, size, mark = runs.raw, runs.size, runs.mark
    at = np.flatnonzero((raw[runs.first[:n] - 1] == 43) & (size[:n] < 4))
    at = at[MARKS[raw[runs.first[at] - 2]] & (raw[runs.first[at]] != 48)]
    last, digits, more = at.copy(), size[at].copy(), np.ones(len(at), np.bool_)
    for k in range(1, 5):
        more = more & ((mark[at + k - 1] == 32) | (mark[at + k - 1] == 45)) & (size[at + k] > 1) & (size[at + k] < 8)
        last += more
        digits += np.where(more, size[at + k], 0)
    past = runs.past[last]
    good = (last > at) & (digits > 7) & (digits < 16) & runs.alone_behind(past) & ~_EXTENDS[_behind(runs, past)]
    good &= ~((size[at] == 3) & (size[at + 1] == 2) & (size[at + 2] == 4) & (last == at + 2))  # reads as a social security number
    at, past = at[good], past[good]
    three = [runs.first[at]]
    for _ in range(2):  # the place of the next digit: behind this one, or in the next group
        following = three[-1] + 1
        three.append(np.where(np.subtract(raw[following], 48) < 10, following, following + 1))
    code = sum((raw[place].astype(np.int64) - 48) * weight for place, weight in zip(three, (100, 10, 1), strict=True))
    known = _codes()[code]
    _append(out, lo, runs.first[at][known] - 1, past[known], "PHONE")


def _behind(runs: Runs, past: Array) -> Array:
    """The byte behind up to two blanks or commas."""
    for _ in range(2):
        c = runs.at(past)
        past = past + ((c == 32) | (c == 44))
    return runs.at(past)


def _in_brackets(runs: Runs, b: bytes, out: list[Span], lo: int, hi: int) -> None:
    """``(202) 555-0143`` and its kin, where no word says that it is something else."""
    n = len(runs.apart)
    raw, size, first, past = runs.raw, runs.size, runs.first, runs.past
    at = np.flatnonzero(
        (size[:n] == 3) & (size[1 : n + 1] == 3) & (size[2 : n + 2] == 4) & (raw[first[:n] - 1] == 40) & (raw[past[:n] % len(raw)] == 41)
    )
    if not len(at):
        return
    gap = first[at + 1] - past[at]
    between = raw[past[at] + 1]
    good = (gap == 1) | ((gap == 2) & ((between == 32) | (between == 45)))
    mark = runs.mark[at + 1]
    good &= (mark == 45) | (mark == 32) | (mark == 46)
    good &= (raw[first[at]] > 49) & (raw[first[at + 1]] > 48)
    good &= _value(raw, first[at], 3) != _value(raw, first[at + 1], 3)
    one, two = raw[first[at] - 2], raw[first[at] - 3]
    good &= MARKS[one] & ~((np.subtract(two, 48) < 10) | (two == 41))
    end = past[at + 2]
    good &= runs.alone_behind(end) & ~_EXTENDS[_behind(runs, end)]
    start, end = first[at][good], end[good]
    doubtful = _told(runs, start - _PHONE_WORD, start)
    for k in np.flatnonzero(doubtful).tolist():
        s = int(start[k]) + lo - 1
        doubtful[k] = near(_not_phones(), b, s, s, lo, hi, _PHONE_WORD, 0)
    _append(out, lo, start[~doubtful] - 1, end[~doubtful], "PHONE")


def _addresses(runs: Runs, b: bytes, out: list[Span], lo: int) -> None:
    """Dotted quads behind no word that says *version*."""
    n = len(runs.apart)
    raw, size, first, mark = runs.raw, runs.size, runs.first, runs.mark
    dots = mark == 46
    at = np.flatnonzero(dots[:n] & dots[1 : n + 1] & dots[2 : n + 2] & runs.apart & ~dots[3 : n + 3])
    if not len(at):
        return
    past = runs.past[at + 3]
    good = runs.alone_behind(past)
    for k in range(4):
        of, place = size[at + k], first[at + k]
        value = np.where(of == 3, _value(raw, place, 3), np.where(of == 2, _value(raw, place, 2), raw[place] - 48))
        good &= (of < 4) & (value < 256) & ~((of > 1) & (raw[place] == 48))
        if not k:
            good &= (value > 0) & (value != 127) & (value != 255)
    at, past = at[good], past[good]
    doubtful = _worded(runs, first[at])
    for k in np.flatnonzero(doubtful).tolist():
        doubtful[k] = follows_version(b, int(first[at[k]]) + lo - 1, lo)
    _append(out, lo, first[at][~doubtful], past[~doubtful], "IP_ADDRESS")


def _worded(runs: Runs, start: Array) -> Array:
    """Might a word, a path or a comparison stand before, with up to four blanks and quotes between?"""
    at = start - 1
    for _ in range(4):
        at = at - _LOOSE[runs.raw[at]]
    c = runs.raw[at]
    return _WORDY[c] | ((c == 47) & _WORDY[runs.raw[at - 1]])


def _accounts(runs: Runs, b: bytes, out: list[Span], lo: int, hi: int, check: Callable[[], None]) -> None:
    """IBANs: two capitals before the digits say where one may begin. Where next to none is one, the matchers may have them."""
    found = len(out)
    raw, first = runs.raw, runs.first[: len(runs.apart)]
    capital = _CAPITALS[raw[first - 1]] & _CAPITALS[raw[first - 2]] & MARKS[raw[first - 3]] & (first > 2)
    for k, at in enumerate((first[capital] + lo - 3).tolist(), 1):
        if not k % _TRIED:
            check()
            if (len(out) - found) * _FRUITFUL < k:
                return
        m = _IBAN.match(b, at, hi + 1)
        if m and iban(m[0].translate(None, b" ").decode()):
            out.append((at, m.end(), "IBAN"))


def _streets(runs: Runs, b: bytes, out: list[Span], lo: int, end: int) -> None:
    """Addresses: a number, a blank and a capital say where one may begin."""
    n = len(runs.apart)
    first, past = runs.first[:n], runs.past[:n]
    likely = (runs.size[:n] < 7) & _CAPITALS[runs.at(past + 1)] & (runs.at(past) == 32) & ~_GLUES[runs.raw[first - 1]]
    if likely.any():
        out += plain_addresses(b, (first[likely] + lo - 1).tolist(), end)


def _append(out: list[Span], lo: int, start: Array, end: Array, name: str) -> None:
    """Places in ``raw``, which begins one byte before the text, as spans."""
    out.extend(zip((start + lo - 1).tolist(), (end + lo - 1).tolist(), repeat(name)))


def full_of_digits(b: bytes, lo: int, hi: int) -> bool:
    """Is a fourth of a text digits?"""
    raw = np.frombuffer(b, np.uint8, hi - lo, lo)
    return bool(4 * np.count_nonzero(np.subtract(raw, 48) < 10) > len(raw))


def plain_numbers(b: bytes, lo: int, hi: int, end: int, out: list[Span], check: Callable[[], None]) -> list[Span]:
    """Append the spans of the plain numbers of a part of a text that ends at ``end``, in no order; gives places where there is nothing.
    ``check`` is called now and then."""
    dull: list[Span] = []
    runs = runs_of(np.frombuffer(b, np.uint8, hi - lo + 2, lo - 1))
    if len(runs.apart):
        _cards(runs, out, lo)
        _card_rows(runs, out, dull, lo)
        check()
        _social_security_numbers(runs, out, lo)
        _international(runs, out, lo)
        check()
        _in_brackets(runs, b, out, lo, hi)
        _addresses(runs, b, out, lo)
        check()
        _accounts(runs, b, out, lo, hi, check)
        _streets(runs, b, out, lo, end)
    return dull
