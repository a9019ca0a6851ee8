"""Plain addresses of networks and their hardware in dense texts, between the marks of lists: IPv6 and MAC by one pattern, IPv4 in columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from collector.redaction.checksums import mac
from collector.redaction.contact import VERSION_WORDS, follows_version, ipv6
from collector.redaction.digit_runs import MARKS, Runs, append, table
from collector.redaction.matching import Span
from collector.redaction.secrets import SCHEME_WORDS, follows_scheme
from collector.redaction.told_secrets import SECRET_WORDS, follows_secret_word

Array = np.ndarray[Any, Any]

_HEX, _MARK = rb"[0-9A-Fa-f]", rb"[\0 \t\r\n,;|\"'<>]"
_LIKELY = re.compile(rb":" + _HEX + rb"{0,4}:" + _HEX + rb"{0,4}:")
_BEFORE = 32  # bytes of an address before such a part, at most
_ADDRESS = re.compile(
    rb"%(h)b(?<=%(m)b.)(?:%(h)b:(?:%(h)b{2}:){4}%(h)b{2}()|%(h)b{0,3}+:[0-9A-Fa-f:]{3,34}+(?<!:))"
    rb"(?=[\0\t\r\n,;|\"'<>]|\.[\0 \r\n]| (?:(?![0-9#xXeE])|%(h)b{1,4}:%(h)b))" % {b"h": _HEX, b"m": _MARK},
    re.DOTALL,
)
_AT = b"@"[0]
_HYPHENS = re.compile(
    rb"%(h)b(?<=%(m)b.)(?<![0-9] .)%(h)b-(?:%(h)b{2}-){4}%(h)b{2}(?=[\0\t\r\n,;|\"'<>]|\.[\0 \r\n]| (?![0-9]))" % {b"h": _HEX, b"m": _MARK}, re.DOTALL
)
_BEHIND_DIGITS = re.compile(rb"[0-9](?:[\t\n]|\r\n)[0-9]\Z")
_WORD = re.compile(rb"[A-Za-z]{3}|[\x80-\xff$]")
_HYPHENED = re.compile(rb"-" + 3 * (_HEX + b"{2}-"))
_RUN, _LONGEST = table(b"0123456789abcdefABCDEF:."), 64  # what addresses are made of, and bytes of one
_VARIED = 6  # different bytes of an address of hardware from which on it is one, whatever they are
_CHECK_EVERY = 512  # addresses between looks at the clock


def network_addresses(b: bytes, lo: int, hi: int, out: list[Span], check: Callable[[], None] | None = None) -> None:
    """Append the spans of those that stand by themselves. ``check`` is called now and then."""
    hyphened = _HYPHENED.search(b, lo, hi)
    if hyphened is not None:
        _hyphened(b, max(lo, hyphened.start() - 2), hi, out, worded=_WORD.search(b, lo, hi) is not None)
    likely = _LIKELY.search(b, lo, hi)
    if likely is None:
        return
    for k, m in enumerate(_ADDRESS.finditer(b, max(lo, likely.start() - _BEFORE), hi + 1), 1):
        if check and not k % _CHECK_EVERY:
            check()
        told = m[0]
        if m.lastindex:
            if len(set(told)) > _VARIED or mac(told.replace(b":", b"").decode()):
                out.append((*m.span(), "MAC_ADDRESS"))
        elif ipv6(told):
            out.append((*m.span(), "IP_ADDRESS"))


def without_networks(b: bytes, tos: Array) -> Array:
    """Which of the triggers of IPv6 addresses that end at these places are in something else, such as a time: neither two colons in a row
    nor seven in all, and no dot?"""
    first = max(0, int(tos.min()) - _LONGEST)
    raw = np.frombuffer(b[first : int(tos.max()) + _LONGEST] + b"\0", np.uint8)
    others = np.append(-1, np.flatnonzero(~_RUN[raw]))
    k = np.searchsorted(others, tos - first)
    start, end = others[k - 1] + 1, others[k]
    colon = raw == 58
    one, two, dots = (np.append(0, np.cumsum(which)) for which in (colon, colon & np.append(colon[1:], False), raw == 46))
    told = (one[end] - one[start] != 7) & (two[end] == two[start]) & (dots[end] == dots[start])
    return told & (end - start < _LONGEST) & (raw[end - 1] != 58) & (start > 0)


def _hyphened(b: bytes, lo: int, hi: int, out: list[Span], *, worded: bool) -> None:
    """Addresses of hardware with hyphens. Among words, digits in the line before may be a number that goes on in one."""
    for m in _HYPHENS.finditer(b, lo, hi + 1):
        start = m.start()
        if (len(set(m[0])) > _VARIED or mac(m[0].replace(b"-", b"").decode())) and not (
            worded and _BEHIND_DIGITS.search(b, max(lo, start - 3), start + 1)
        ):
            out.append((start, m.end(), "MAC_ADDRESS"))


_LOOSE = table(b" \t\r\n\v\f:=\"'")  # between a word such as *version* and a number
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_LETTER, _SIGNS = table(_LETTERS), table(b"=^@.")  # the latter: what a comparison, or the short form of a word, ends in
_LOWER = 32  # of a letter, the bit that makes it a small one
_NUMBERED = table(_LETTERS + b"=^@./_0123456789")  # what may stand there where a word may go on with digits
_NUMBERED_WORD = re.compile(rb"(?i)assembly")
_TELLING = table(_LETTERS + bytes(range(128, 256)) + b"$")  # letters and currencies: words about a number
_QUIET = bytes(np.flatnonzero(~_TELLING).tolist())
_WORDS_NEAR = (56, 20)  # bytes before and behind numbers in which these may stand
_OPENS, _CLOSES = table(b"([{=@:/"), table(b")]}/")  # what else may stand around an address, if no digit is near
_BEFORE_QUADS = MARKS | _OPENS
_UNCLEAR, _APART = (
    table(bytes(range(48, 58)) + bytes(range(128, 256)) + b"&%\\"),
    5,
)  # digits, and what may stand for a blank before some; bytes beyond
_PARTS = table(b"?\"',:=[]{}<>|@!#~^+`$\0")  # no number goes on beyond these
_FOUR, _PREFIX = 4, 2  # numbers of an address; digits of what says how long a prefix is
_SEVERAL, _NO_NUMBER = 3, 19  # addresses of a row that is not looked at in parts; digits of the longest number


class _Quads(NamedTuple):
    """Dotted quads in columns: the first of their runs of digits, where they begin and end, their digits, and whether each is an address of
    somebody, or of nobody."""

    at: Array
    first: Array
    past: Array
    digits: Array
    good: Array
    nobody: Array


def quads(runs: Runs, b: bytes, lo: int, hi: int, out: list[Span], dull: list[Span]) -> None:
    """Append the spans of IPv4 addresses among the runs of a part of a text that stand by themselves or in rows between blanks, perhaps with a
    port or the length of a prefix behind, but for those behind a word that says *version*; to ``dull`` those of nobody where no word is near."""
    told = _quads(runs)
    if not len(told.at):
        return
    kept = _unbroken(runs, told.first) & runs.apart[told.at] & runs.alone_behind(told.past)
    if not kept.all() or told.nobody.any():
        quiet = ~_words_near(runs.raw, told.first, told.past, b[hi : hi + _WORDS_NEAR[1]])
        kept = _kept(runs, told, kept, quiet)
        nothing = np.flatnonzero(kept & told.nobody & quiet)
        append(dull, lo, told.first[nothing], told.past[nothing], "")
    found = np.flatnonzero(kept & told.good)
    doubtful = found[_worded(runs, told.first[found], b, lo, hi)].tolist()
    others = [k for k in doubtful if _other(b, int(told.first[k]) + lo - 1, lo)]
    found = np.setdiff1d(found, others, assume_unique=True) if others else found
    append(out, lo, told.first[found], told.past[found], "IP_ADDRESS")


def _other(b: bytes, start: int, lo: int) -> bool:
    """Does a word stand before that says that it is no address, or a secret?"""
    if follows_secret_word(b, start, lo) or follows_scheme(b, start, lo):
        return True
    return follows_version(b, start, lo) and b[start - 1] != _AT


def _quads(runs: Runs) -> _Quads:
    """All that have three dots between four groups of one to three digits, as addresses are written."""
    n = len(runs.apart)
    dots, size = runs.mark == 46, runs.size
    at = np.flatnonzero(dots[:n] & dots[1 : n + 1] & dots[2 : n + 2] & ~dots[3 : n + 3])
    at = at[_BEFORE_QUADS[runs.raw[runs.first[at] - 1]]]
    at = at[(size[at] < _FOUR) & (size[at + 1] < _FOUR) & (size[at + 2] < _FOUR) & (size[at + 3] < _FOUR)]
    valid, values = np.ones(len(at), np.bool_), [at] * 0
    for k in range(_FOUR):
        of, past = size[at + k], runs.past[at + k]
        one, two, three = (runs.raw[past - back].astype(np.int64) - 48 for back in (1, 2, 3))
        values.append(one + np.where(of > 1, 10 * two, 0) + np.where(of > 2, 100 * three, 0))
        valid &= (values[k] < 256) & ((of == 1) | (runs.raw[past - of] != 48))
    nobody = (values[0] == 0) | (values[0] == 127) | (values[0] == 255)
    return _Quads(at, runs.first[at], runs.past[at + 3], runs.past[at + 3] - runs.first[at] - 3, valid & ~nobody, valid & nobody)


def _kept(runs: Runs, told: _Quads, usual: Array, quiet: Array) -> Array:
    """Which quads are nothing else for the digits around them, given which stand by themselves as usual, and which have no word near.

    In a long row between blanks nothing is a number but each by itself. A short one, or one with a prefix, might be one beside a word for
    telephones or documents. What stands at an end that goes on in another way belongs to what goes on there."""
    linked = (told.at[1:] == told.at[:-1] + _FOUR) & (runs.mark[told.at[:-1] + 3] == 32)
    heads = np.flatnonzero(np.append(True, ~linked))
    tails = np.append(heads[1:], len(told.at)) - 1
    calm, rows = np.logical_and.reduceat(quiet, heads), tails - heads + 1
    begins, listed = _begins(runs, told, heads)
    ends, prefix = _ends(runs, told, tails)
    begins |= listed & calm
    ends |= prefix & calm
    single = (rows == 1) & begins & ends
    single &= usual[heads] | calm | _clear(runs.raw, told.first[heads] - 1, -1, single & ~usual[heads] & ~calm)
    long = (rows > 1) & (np.add.reduceat(told.digits, heads) > _NO_NUMBER + np.where(rows < _SEVERAL, 3, 0))
    kept = np.repeat(single | (begins & ends & calm), rows) | (np.repeat(long, rows) & quiet)
    kept[heads[~begins]] = kept[tails[~ends]] = False
    return kept


def _clear(raw: Array, at: Array, step: int, which: Array) -> Array:
    """Beyond which of these places, if asked for, is no digit, nor the sign of an escape, that may belong to those here?"""
    clear = np.zeros(len(at), np.bool_)
    places = np.flatnonzero(which)
    if not len(places):
        return clear
    at, limit = at[places], len(raw) - 1
    found, past = np.zeros(len(at), np.bool_), np.zeros(len(at), np.bool_)
    for k in range(step, (1 + _APART) * step, step):
        c, further = raw[np.minimum(at + k, limit)], raw[np.minimum(at + k + step, limit)]
        found |= _UNCLEAR[c] & ~past
        past |= _PARTS[c] | (_LETTER[c] & _LETTER[further])
    clear[places] = ~found
    return clear


def _begins(runs: Runs, told: _Quads, heads: Array) -> tuple[Array, Array]:
    """Which rows begin by themselves, and which behind the port or prefix of another in a list between blanks."""
    at, first = told.at[heads], told.first[heads]
    opened = _clear(runs.raw, first - 1, -1, _OPENS[runs.raw[first - 1]])
    before = np.append(0, told.past)[heads]  # where the address before ends
    sign = runs.raw[before]
    listed = (runs.first[at - 1] == before + 1) & (runs.past[at - 1] + 1 == first) & (runs.raw[first - 1] == 32) & (heads > 0)
    listed &= (runs.size[at - 1] > 1) & (runs.raw[before + 1] != 48) & ((sign == 58) | (sign == 47))
    return (runs.apart[at] | opened) & _unbroken(runs, first), listed


def _unbroken(runs: Runs, first: Array) -> Array:
    """At which of these places does no line of quoted-printable text go on?"""
    one, two, three = (runs.raw[first - back] for back in (1, 2, 3))
    return (one != 10) | ((two != 61) & ((two != 13) | (three != 61)))


def _ends(runs: Runs, told: _Quads, tails: Array) -> tuple[Array, Array]:
    """Which rows end by themselves, and which in the length of a prefix."""
    at, past = told.at[tails], told.past[tails]
    behind = runs.at(past)
    closed = _clear(runs.raw, past, 1, _CLOSES[behind])
    prefix = (behind == 47) & (runs.first[at + _FOUR] == past + 1) & (runs.size[at + _FOUR] <= _PREFIX)
    prefix &= MARKS[runs.at(runs.past[at + _FOUR])]
    return runs.alone_behind(past) | (behind == 58) | closed, prefix


def _words_near(raw: Array, start: Array, end: Array, beyond: bytes) -> Array:
    """Does a letter or a currency stand near these numbers? ``beyond``: what comes behind all."""
    told = beyond.translate(None, _QUIET) != b""
    places = np.append(np.flatnonzero(_TELLING[raw]), [len(raw) if told else 1 << 60, 1 << 60])
    before, behind = (places[np.searchsorted(places, at)] for at in (start - _WORDS_NEAR[0], end))
    return (before < start) | (behind < end + _WORDS_NEAR[1])


def _worded(runs: Runs, start: Array, b: bytes, lo: int, hi: int) -> Array:
    """Might one of these words, a path or a comparison stand before, with up to four blanks and quotes between?"""
    at = start - 1
    for _ in range(4):
        at = at - _LOOSE[runs.raw[at]]
    c, before = runs.raw[at], runs.raw[at - 1]
    if _NUMBERED_WORD.search(b, lo, hi):
        return _NUMBERED[c]
    letters = (runs.raw[at - 2] | _LOWER).astype(np.int64) << 16 | (before | _LOWER).astype(np.int64) << 8 | c | _LOWER
    return _SIGNS[c] | (c | _LOWER == ord("v")) | ((c == 47) & _LETTER[before]) | np.isin(letters, _word_ends())


@cache
def _word_ends() -> Array:
    """The last three letters of the words that say of a number behind them that it is no address, or a secret, as one number each."""
    words = f"{VERSION_WORDS}|{SCHEME_WORDS}|{SECRET_WORDS}".encode().split(b"|")
    return np.array(sorted({int.from_bytes(bytes(c | _LOWER for c in word[-3:])) for word in words}), np.int64)
