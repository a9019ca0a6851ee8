"""Plain numbers of dense texts, all at once: cards, accounts, social security numbers, telephone numbers, IP addresses that stand by themselves.

A list of numbers has one every twelve bytes; even one pattern match for each costs too much. Here the runs of digits of a text are
columns (first byte, length, the mark behind it), a form is a comparison of columns, and a check digit a sum over a table of bytes.
The forms and checks are those of the matchers (``numbers.py``); what is not plain goes to these as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from collector.redaction.addresses import plain_addresses
from collector.redaction.checksums import issuers
from collector.redaction.digit_runs import CAPITALS, EXTENDS, MARKS, Runs, append, runs_of, table
from collector.redaction.matching import Span, near, said_near, word_set, words
from collector.redaction.phones import country_prefixes
from collector.redaction.plain_accounts import accounts
from collector.redaction.plain_grids import grids
from collector.redaction.plain_network import quads
from collector.redaction.rules import load

Array = np.ndarray[Any, Any]

_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.uint8)
_ASKED = 256  # times that it is asked for a part of a text whether words say something of a number; the others are left to the matchers
_SHORT = 4_096  # bytes that numpy would take longer for
PHONE_WORD, NUMBER_WORDS = 14, (56, 20)  # bytes before (and behind) a number in which a word may say something else of it


_GLUES = table(bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + bytes(range(128, 256)) + b"_.-/$#")
_LONG_ROW = 9  # numbers in a row that is never judged as one line
_GROUPED = ("000-000-0000", "000.000.0000", "000 000 0000")
_CARD = b"[CREDIT_CARD]"
_TELLING = table(bytes(range(65, 91)) + bytes(range(97, 123)) + bytes(range(128, 256)) + b"$").tobytes()  # letters and currencies


@cache
def not_phones() -> Any:
    """Words that say of a number that it is none for a telephone."""
    return words(next(rule.not_words for rule in load() if rule.id == "number"))


def _sure_cards(runs: Runs, first: Array, digits: int, groups: tuple[int, ...]) -> Array:
    """Which of these are cards: issuer, Luhn, not one digit only."""
    offsets = np.arange(digits) + np.repeat(np.arange(len(groups)), groups)
    told = runs.raw[first[:, None] + offsets] - 48
    four = told[:, :4].astype(np.int64) @ np.array([1000, 100, 10, 1])
    total = told[:, ::-2].sum(1) + _DOUBLED[told[:, -2::-2]].sum(1)
    return np.frombuffer(issuers(digits), np.bool_)[four] & (total % 10 == 0) & (told != told[:, :1]).any(1)


def _cards(runs: Runs, out: list[Span], lo: int) -> None:
    for groups in ((16,), (4, 4, 4, 4), (15,), (4, 6, 5)):
        if not runs.holds(*groups):
            continue
        at = runs.form(*groups, marks=b" -")
        at = at[runs.apart[at]]
        past = runs.past[at + len(groups) - 1]
        good = runs.alone_behind(past)
        at, past = at[good], past[good]
        sure = _sure_cards(runs, runs.first[at], sum(groups), groups)
        append(out, lo, runs.first[at][sure], past[sure], "CREDIT_CARD")


def _card_rows(runs: Runs, out: list[Span], dull: list[Span], lo: int) -> None:
    """Numbers alone or in a row between blanks: sixteen digits that are a card are one whatever else stands there. Where all have sixteen,
    the others are nothing without a word near."""
    n = len(runs.apart)
    sixteen = runs.size[:n] == 16
    heads = np.flatnonzero(np.concatenate([[True], runs.mark[: n - 1] != 32]))
    tails = np.append(heads[1:], n) - 1
    good = runs.apart[heads] & runs.alone_behind(runs.past[tails])
    alike = np.logical_and.reduceat(sixteen, heads)
    rows = tails - heads + 1
    at = np.flatnonzero(np.repeat(good, rows) & sixteen)
    first, past = runs.first[at], runs.past[at]
    sure = _sure_cards(runs, first, 16, (16,))
    listed = sure & np.repeat(tails > heads, rows)[at]
    append(out, lo, first[listed], past[listed], "CREDIT_CARD")
    quiet = ~sure & np.repeat(alike, rows)[at]
    if quiet.any():
        first, past = first[quiet], past[quiet]
        text = runs.raw.tobytes().replace(_CARD, bytes(len(_CARD)))  # a card that has been replaced says nothing of others
        quiet = ~_told(text, first - NUMBER_WORDS[0], past + NUMBER_WORDS[1])
        append(dull, lo, first[quiet], past[quiet], "")


def _told(text: bytes, start: Array, end: Array) -> Array:
    """Does a letter or a currency stand between these places?"""
    places = np.append(np.flatnonzero(np.frombuffer(text.translate(_TELLING), np.uint8)), 1 << 60)
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
    append(out, lo, first[kept], past[kept], "US_SSN")


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
    if not len(at):
        return
    at = at[MARKS[raw[runs.first[at] - 2]] & (raw[runs.first[at]] != 48)]
    last, digits, more = at.copy(), size[at].copy(), np.ones(len(at), np.bool_)
    for k in range(1, 5):
        more = more & ((mark[at + k - 1] == 32) | (mark[at + k - 1] == 45)) & (size[at + k] > 1) & (size[at + k] < 8)
        last += more
        digits += np.where(more, size[at + k], 0)
    past = runs.past[last]
    good = (last > at) & (digits > 7) & (digits < 16) & runs.alone_behind(past) & ~EXTENDS[_behind(runs, past)]
    good &= ~((size[at] == 3) & (size[at + 1] == 2) & (size[at + 2] == 4) & (last == at + 2))  # reads as a social security number
    at, past = at[good], past[good]
    three = [runs.first[at]]
    for _ in range(2):  # the place of the next digit: behind this one, or in the next group
        following = three[-1] + 1
        three.append(np.where(np.subtract(raw[following], 48) < 10, following, following + 1))
    code = sum((raw[place].astype(np.int64) - 48) * weight for place, weight in zip(three, (100, 10, 1), strict=True))
    known = np.frombuffer(country_prefixes(), np.bool_)[code]
    append(out, lo, runs.first[at][known] - 1, past[known], "PHONE")


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
    good &= runs.alone_behind(end) & ~EXTENDS[_behind(runs, end)]
    start, end = first[at][good], end[good]
    doubtful = _told(runs.raw.tobytes(), start - PHONE_WORD, start)
    _refused(b, start + lo - 1, doubtful, lo, hi)
    append(out, lo, start[~doubtful] - 1, end[~doubtful], "PHONE")


def _refused(b: bytes, starts: Array, doubtful: Array, lo: int, hi: int) -> None:
    """Which of the doubtful ones of these numbers does a word before say to be none? Of more than a text may ask for it stays doubtful."""
    most = not_phones().new + _ASKED
    for k in np.flatnonzero(doubtful).tolist():
        if not_phones().new > most:
            return
        doubtful[k] = near(not_phones(), b, int(starts[k]), int(starts[k]), lo, hi, PHONE_WORD, 0)


def _national(runs: Runs, b: bytes, out: list[Span], lo: int, hi: int) -> None:
    """``202-555-0143``, alone or in a row between blanks, where no word says that it is something else."""
    at = runs.form(3, 3, 4, marks=b"-. ")
    if not (runs.apart[at].any() or (at[1:] == at[:-1] + 3).any()):
        return
    raw, mark, first, past = runs.raw, runs.mark, runs.first[at], runs.past[at + 2]
    valid = (raw[first] > 49) & (raw[first + 4] > 48) & (_value(raw, first, 3) != _value(raw, first + 4, 3))
    linked = (at[1:] == at[:-1] + 3) & (mark[at[:-1] + 2] == 32) & (mark[at[1:]] != 32) & (mark[at[:-1]] != 32)
    heads = np.flatnonzero(np.concatenate([[True], ~linked]))
    tails = np.append(heads[1:], len(at)) - 1
    apart = runs.apart[at[heads]] & runs.alone_behind(past[tails]) & ~EXTENDS[_behind(runs, past[tails])]
    apart &= (raw[first[heads] - 2] != 40) & ((runs.at(past[tails]) != 32) | (runs.at(past[tails] + 1) != 40))  # a bracket joins numbers
    rows = tails - heads + 1
    kept = np.repeat(np.logical_and.reduceat(valid, heads) & (apart | (rows >= _LONG_ROW)), rows)
    kept[heads[~apart]] = kept[tails[~apart]] = False  # its ends belong to what goes on there
    if not kept.any():
        return
    first, past = first[kept], past[kept]
    text = b"\0%b\0" % b[lo : hi + NUMBER_WORDS[1]]
    if not_phones().Match(text):
        doubtful = _told(raw.tobytes(), first - PHONE_WORD, first)
        _refused(b, first + lo - 1, doubtful, lo, hi)
        first, past = first[~doubtful], past[~doubtful]
    if _no_phones_words().Match(text):
        words, told = _no_phones_words(), np.ones(len(first), np.bool_)
        most = words.new + _ASKED
        for k, (s, z) in enumerate(zip((first + lo - 1).tolist(), (past + lo - 1).tolist(), strict=True)):
            if words.new > most:
                break
            told[k] = bool(said_near(words, b, s, z, lo, hi, *NUMBER_WORDS))
        first, past = first[~told], past[~told]
    append(out, lo, first, past, "PHONE")


@cache
def _no_phones_words() -> Any:
    """Words that say of ten digits, grouped as a telephone number's, that they are another one."""
    return word_set(
        [rule.words for rule in load() if rule.kind == "number" and any(map(partial(re.fullmatch, rule.shape), _GROUPED)) and 10 in rule.digits]
    )


def _streets(runs: Runs, b: bytes, out: list[Span], lo: int, end: int) -> None:
    """Addresses: a number, a blank and a capital say where one may begin."""
    n = len(runs.apart)
    first, past = runs.first[:n], runs.past[:n]
    likely = (runs.size[:n] < 7) & CAPITALS[runs.at(past + 1)] & (runs.at(past) == 32) & ~_GLUES[runs.raw[first - 1]]
    if likely.any():
        out += plain_addresses(b, (first[likely] + lo - 1).tolist(), end)


def share_of_digits(b: bytes, lo: int, hi: int) -> float:
    """Which part of the bytes of a text are digits?"""
    if hi - lo < _SHORT:
        return 1 - len(b[lo:hi].translate(None, b"0123456789")) / (hi - lo)
    raw = np.frombuffer(b, np.uint8, hi - lo, lo)
    return np.count_nonzero(np.subtract(raw, 48) < 10) / len(raw)


def plain_numbers(b: bytes, lo: int, hi: int, end: int, out: list[Span], check: Callable[[], None]) -> list[Span]:
    """Append the spans of the plain numbers of a part of a text that ends at ``end``, in no order; gives places where there is nothing.
    ``check`` is called now and then."""
    dull: list[Span] = []
    runs = runs_of(np.frombuffer(b, np.uint8, hi - lo + 2, lo - 1))
    if len(runs.apart):
        _cards(runs, out, lo)
        if runs.holds(16):
            _card_rows(runs, out, dull, lo)
        check()
        if runs.holds(3, 2, 4) and b.find(b"-", lo, hi) >= 0:
            _social_security_numbers(runs, out, lo)
        if b.find(b"+", lo, hi) >= 0:
            _international(runs, out, lo)
        check()
        if runs.holds(3, 3, 4) and b.find(b"(", lo, hi) >= 0:
            _in_brackets(runs, b, out, lo, hi)
        if runs.holds(3, 3, 4):
            _national(runs, b, out, lo, hi)
        if b.find(b".", lo, hi) >= 0:
            quads(runs, b, lo, hi, out, dull)
        check()
        accounts(runs, b, out, lo, hi, check)
        _streets(runs, b, out, lo, end)
        dull += grids(runs, b, lo, hi)
    return dull
