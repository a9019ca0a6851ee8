"""Plain account numbers (IBAN) of dense texts, all at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from collector.redaction.checksums import IBAN_LENGTH, iban
from collector.redaction.digit_runs import CAPITALS, DIGITS, EXTENDS, MARKS, Runs, append
from collector.redaction.matching import Span

Array = np.ndarray[Any, Any]

_TRIED, _FRUITFUL = 512, 8  # accounts between looks at the clock and at whether one in so many is one
BEHIND_COUNTRY = rb"[0-9]{2}( ?)[A-Z0-9]{4}(?:\1[A-Z0-9]{4}){1,6}(?:\1[A-Z0-9]{1,3})?+(?! ?(?:[0-9#]|x[0-9]|ext))(?=[\0 \t\r\n,;|\"'<>]|\.[\0 \r\n])"
_IBAN = re.compile(rb"[A-Z]{2}" + BEHIND_COUNTRY)


def accounts(runs: Runs, b: bytes, out: list[Span], lo: int, hi: int, check: Callable[[], None]) -> None:
    """IBANs: two capitals before the digits say where one may begin. Where next to none is one, the matchers may have them."""
    raw, first = runs.raw, runs.first[: len(runs.apart)]
    capital = CAPITALS[raw[first - 1]]
    if not capital.any():
        return
    capital &= CAPITALS[raw[first - 2]] & MARKS[raw[first - 3]] & (first > 2)
    if not capital.any():
        return
    found = len(out)
    at = np.flatnonzero(capital)
    at = at[~_digits_only(runs, at, out, lo)]
    for k, start in enumerate((first[at] + lo - 3).tolist(), 1):
        if not k % _TRIED:
            check()
            if (len(out) - found) * _FRUITFUL < k:
                return
        m = _IBAN.match(b, start, hi + 1)
        if m and iban(m[0].translate(None, b" ").decode()):
            out.append((start, m.end(), "IBAN"))


def _digits_only(runs: Runs, at: Array, out: list[Span], lo: int) -> Array:
    """Append the IBANs among these runs behind two capitals that have no other letters and no blanks; says which they are."""
    raw, first, past = runs.raw, runs.first[at], runs.past[at]
    country = raw[first - 2].astype(np.int64) << 8 | raw[first - 1]
    size = runs.size[at]
    good = (_lengths()[country] == size + 2) & MARKS[runs.at(past)] & ~_extended(runs, past)
    sums = np.zeros(len(at), np.int64)
    for n in np.unique(size[good]).tolist():
        some = np.flatnonzero(good & (size == n))
        digits = raw[first[some][:, None] + np.arange(n)].astype(np.int64) - 48
        letters = np.stack([raw[first[some] - 2], raw[first[some] - 1]]).astype(np.int64) - 55
        sums[some] = (digits @ _weights(n) + letters[0] * 10_000 + letters[1] * 100) % 97  # the check digits stand behind the letters
    good &= sums == 1
    append(out, lo, first[good] - 2, past[good], "IBAN")
    return good


@cache
def _weights(n: int) -> Array:
    """What each of the digits behind the letters counts for, modulo 97: two check digits, then the account, which is read first."""
    return np.array([10, 1, *(pow(10, n + 5 - k, 97) for k in range(2, n))], np.int64)


@cache
def _lengths() -> Array:
    """How many characters an account of a country has, by its two letters."""
    found = np.zeros(1 << 16, np.int64)
    for country, length in IBAN_LENGTH.items():
        found[ord(country[0]) << 8 | ord(country[1])] = length
    return found


def _extended(runs: Runs, past: Array) -> Array:
    """Do digits or an extension go on behind these places, or behind a blank there?"""
    c = runs.at(past)
    return EXTENDS[np.where(c == 32, runs.at(past + 1), c)] | DIGITS[np.where(c == 32, runs.at(past + 1), c)]
