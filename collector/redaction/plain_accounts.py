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

_TRIED, _FRUITFUL = 128, 2  # accounts that tell whether the others are worth a look at each: one in so many is one
_AT_ONCE = 1_024  # accounts whose check digits are added up together
_BEFORE = 24  # bytes from an account's first letter to the end of its trigger, at most
_LONGEST = 34  # letters and digits of an account
_NOTHING = 255
_VALUES = bytes(int(chr(c), 36) if c < 128 and chr(c).isalnum() else _NOTHING for c in range(256))
_NOTHING_ELSE = re.compile(  # an account in groups, of which the matcher for numbers takes nothing: it hangs on letters, and no group is a card
    rb"(?<![A-Za-z0-9%\\])(?<!\\u..)[A-Za-z]{2}[0-9]{2}(?: [0-9]{1,14}+){2,8}+(?=[,;|\"'<>\0]|[ \t\r\n]{1,2}[A-Za-z\0\"'])", re.DOTALL
)
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
    at = np.flatnonzero(capital)
    at = at[~_digits_only(runs, at, out, lo)]
    if not len(at):
        return
    places, found = first[at] + lo - 3, 0
    for some in (places[:_TRIED], places[_TRIED:]):
        check()
        if len(some) > _TRIED and found * _FRUITFUL < _TRIED:  # most are none
            some = some[np.isin(some, account_starts(b[lo - 1 : hi + 1]) + lo - 1)]
        before = len(out)
        _taken(b, hi, some.tolist(), out)
        found = len(out) - before


def _taken(b: bytes, hi: int, places: list[int], out: list[Span]) -> None:
    """Append the accounts that begin at these places."""
    for place in places:
        m = _IBAN.match(b, place, hi + 1)
        if m and iban(m[0].translate(None, b" ").decode()):
            out.append((place, m.end(), "IBAN"))


def account_starts(text: bytes) -> Array:
    """Where the check digits of an account hold, whatever stands between its letters and digits, in order: elsewhere there is none."""
    values = np.frombuffer(text.translate(_VALUES), np.uint8)
    digit, wordy = values < 10, values < _NOTHING
    start = np.flatnonzero(digit[3:] & digit[2:-1] & ~digit[1:-2] & wordy[1:-2] & ~digit[:-3] & wordy[:-3])
    size = _lengths()[values[start].astype(np.int64) * 36 + values[start + 1]]
    start, size = start[size > 0], size[size > 0]
    start, size = start[~wordy[start - 1] | (start == 0)], size[~wordy[start - 1] | (start == 0)]
    if not len(start):
        return start
    places = np.flatnonzero(wordy)
    told = np.lib.stride_tricks.sliding_window_view(np.append(values[places], np.zeros(_LONGEST, np.uint8)), _LONGEST)
    k = np.searchsorted(places, start)
    good = [_check_digits(told[k[n : n + _AT_ONCE]], size[n : n + _AT_ONCE]) for n in range(0, len(start), _AT_ONCE)]
    return start[np.concatenate(good)]


def _check_digits(told: Array, size: Array) -> Array:
    """Which of these accounts, given as values of their letters and digits and how many there are, leave one modulo 97? Letters count two digits."""
    told = np.roll(told, -4, axis=1)  # country and check digits are read last
    beyond = np.arange(_LONGEST - 4) >= (size - 4)[:, None]
    told[:, :-4][beyond] = 0
    digits = (told > 9).view(np.uint8) + np.uint8(1)
    digits[:, :-4][beyond] = 0
    behind = np.cumsum(digits[:, ::-1], axis=1, dtype=np.uint8)[:, ::-1] - digits
    return (told * _powers()[behind]).sum(1, dtype=np.uint32) % 97 == 1


@cache
def _powers() -> Array:
    """What the digits before so many others count for, modulo 97."""
    return np.array([pow(10, k, 97) for k in range(2 * _LONGEST)], np.uint16)


def without_accounts(b: bytes, tos: Array) -> Array:
    """Which of the triggers that end at these places have no account near whose check digits hold?"""
    first = max(0, int(tos.min()) - _BEFORE - 1)
    starts = account_starts(b[first : int(tos.max()) + 3 * _LONGEST]) + first
    last = np.append(starts, -_BEFORE - 1)[np.searchsorted(starts, tos) - 1]  # the last one before the trigger's end
    return last < tos - _BEFORE


def within_accounts(b: bytes, tos: Array) -> Array:
    """Which of the triggers of numbers that end at these places are in accounts in groups, valid or not?"""
    found = [m.span() for m in _NOTHING_ELSE.finditer(b, max(0, int(tos.min()) - 3 * _LONGEST), int(tos.max()) + 3 * _LONGEST)]
    if not found:
        return np.zeros(len(tos), np.bool_)
    starts, ends = np.array(found).T
    k = np.searchsorted(starts, tos) - 1
    return (k >= 0) & (tos <= ends[k])


def _digits_only(runs: Runs, at: Array, out: list[Span], lo: int) -> Array:
    """Append the IBANs among these runs behind two capitals that have no other letters and no blanks; says of which of the runs that tells."""
    raw, first, past = runs.raw, runs.first[at], runs.past[at]
    country = (raw[first - 2].astype(np.int64) - 55) * 36 + raw[first - 1] - 55
    size = runs.size[at]
    ended = MARKS[runs.at(past)]
    good = (_lengths()[country] == size + 2) & ended
    sums = np.zeros(len(at), np.int64)
    for n in np.unique(size[good]).tolist():
        some = np.flatnonzero(good & (size == n))
        digits = raw[first[some][:, None] + np.arange(n)].astype(np.int64) - 48
        letters = np.stack([raw[first[some] - 2], raw[first[some] - 1]]).astype(np.int64) - 55
        sums[some] = (digits @ _weights(n) + letters[0] * 10_000 + letters[1] * 100) % 97  # the check digits stand behind the letters
    good &= sums == 1
    doubtful = good & _extended(runs, past)
    good &= ~doubtful
    append(out, lo, first[good] - 2, past[good], "IBAN")
    return ended & (size > 2) & ~doubtful


@cache
def _weights(n: int) -> Array:
    """What each of the digits behind the letters counts for, modulo 97: two check digits, then the account, which is read first."""
    return np.array([10, 1, *(pow(10, n + 5 - k, 97) for k in range(2, n))], np.int64)


@cache
def _lengths() -> Array:
    """How many characters an account of a country has, by the values of its two letters."""
    found = np.zeros(36 * 36, np.int64)
    for country, length in IBAN_LENGTH.items():
        found[int(country, 36)] = length
    return found


def _extended(runs: Runs, past: Array) -> Array:
    """Do digits or an extension go on behind these places, or behind a blank there?"""
    c = runs.at(past)
    return EXTENDS[np.where(c == 32, runs.at(past + 1), c)] | DIGITS[np.where(c == 32, runs.at(past + 1), c)]
