"""Matcher for clusters of digits: cards, phones, social security and other national numbers.

A cluster is a maximal chain of digit groups with up to three separators between neighbours (blank, dash, dot, line
break, their Unicode, URL- and JSON-escaped kin). It is read once, whichever trigger found it: cards first, then the number
rules of ``rules/numbers.yaml``, then phones, each over the whole cluster, its lines, and its tokens.
"""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from collector.redaction.checksums import VALIDATORS, card, card_sure, ssn
from collector.redaction.matching import Handler, Span, near, said_near, word_set, words
from collector.redaction.phones import phone
from collector.redaction.rules import Rule

_SEP = rb"[ .\-()\t\r\n_/*]|\xe2\x80[\x80-\x95\xaf]|\xe2\x88\x92|\xe3\x80\x80|\xc2\xa0|\\\\?[nrt]|&nbsp;|%20|%2[DE]"
_PES = rb"[ .\-()\t\r\n_/*]|[\x80-\x95\xaf]\x80\xe2|\x92\x88\xe2|\x80\x80\xe3|\xa0\xc2|[nrt]\\\\?|;psbn&|02%|[DE]2%"
_FORWARD = re.compile(rb"(?:(?:" + _SEP + rb"){0,3}[0-9])*+")
_BACKWARD = re.compile(rb"(?:(?:" + _PES + rb"){1,3}(?=[0-9])|[0-9])*+")
_LONGEST = 2048  # bytes of a cluster judged at once
_NO_DIGITS = bytes(c for c in range(256) if not 48 <= c <= 57)
_USUAL = re.compile(rb"([0-9]{3}-[0-9]{2}-[0-9]{4})|([0-9]{4}([ \-])[0-9]{4}\3[0-9]{4}\3[0-9]{4})")  # a social security number, a card
_ISO_DATE = re.compile(rb"(?:19|20)[0-9]{2}[\-/.](?:0[1-9]|1[0-2])[\-/.](?:0[1-9]|[12][0-9]|3[01])(?:[\r\n]+|$)")
_YEARS = re.compile(rb"(?:(?:19|20)[0-9]{2}[\-/., ]{1,3})+(?:19|20)[0-9]{2}")
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_DOTTED_QUAD = re.compile(rb"%b(?:\.%b){3}" % (_OCTET, _OCTET))
_ONE_LINE = re.compile(rb"[0-9]{1,4}(?:[ \-.]?[0-9]{2,7}){1,5}")
_GROUP = re.compile(rb"%2[0DE]|([0-9]+)")
_EXTENSION = re.compile(rb"(?i)[ ,]{0,2}(?:x|ext\.?|extension|poste|durchwahl|#) ?[0-9]{1,6}(?![0-9])")
_DASHES = re.compile(rb"-|\xe2\x80[\x90-\x95]|\xe2\x88\x92|%2D")
_BREAKS = re.compile(rb"[\r\n]|\\[nr]")
_CARD_SIZES = {
    (4, 4, 4, 4),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 2),
    (4, 4, 4, 4, 1),
    (8, 8),
    (4, 12),
    (12, 4),
    (6, 10),
    (6, 13),
    (4, 4, 8),
    (4, 8, 4),
    (8, 4, 4),
    (4, 4, 5),
    (4, 4, 4),
    (5, 5, 5),
    (4, 5, 6),
}
_CARD_WORDS = words(
    r"cards?|pan|credit|debit|visa|mastercard|amex|carte|karte|tarjeta|cart[aã]o|carta|cc|payment|account|maestro|kreditkarte|unionpay|kaart|kort|number is|cvv|cvc|exp"
)

_SHAPES_BY_FIRST = {n: sorted((s for s in _CARD_SIZES if s[0] == n), key=len, reverse=True) for n in (4, 5, 6, 8)}
NumberRule = tuple[re.Pattern[str], Callable[[str], bool], str, int]  # shape, check, class, number of its words or -1
Group = tuple[
    int, int, str, str
]  # first byte, one past the last, digits, separator before: one of "-", ".", " ", "/", "(", "\n", "|" (several of a kind, or mixed)


def number_handler(rules: Sequence[Rule], phone_rule: Rule) -> Handler:
    """One handler for every digit trigger; ``rules`` are the kind ``number``, ``phone_rule`` brings the words for phones."""
    told = word_set([*(r.words for r in rules), phone_rule.words])
    phones, other = len(rules), words(phone_rule.not_words)
    by_length: dict[int, list[NumberRule]] = {}
    for k, rule in enumerate(rules):
        for n in rule.digits:
            by_length.setdefault(n, []).append((re.compile(rule.shape), VALIDATORS[rule.validator], rule.class_name, k if rule.words else -1))
    unconditional = {n: [entry for entry in entries if entry[3] < 0] for n, entries in by_length.items()}

    def judge(b: bytes, piece: list[Group], lo: int, hi: int, out: list[Span], *, phone_too: bool = True) -> bool:
        digits = "".join([g[2] for g in piece])
        n = len(digits)
        if not 6 <= n <= 19 or (n == 8 and len(piece) == 3 and _date(piece)):
            return False
        start, end = piece[0][0], piece[-1][1]
        said = said_near(told, b, start, end, lo, hi, 56, 20)
        shape = digits if len(piece) == 1 else piece[0][2] + "".join([g[3] + g[2] for g in piece[1:]])
        for pattern, valid, class_name, k in (by_length if said else unconditional).get(n, ()):
            if (k >= 0 and k not in said) or pattern.fullmatch(shape) is None or not valid(digits):
                continue
            out.append((start, end, class_name))
            return True
        spoken = phones in said
        if not phone_too or (len(piece) == 1 and not spoken and b[start - 1] not in b"+("):
            return False  # one plain run of digits says nothing by itself
        return _phone(b, piece, digits, lo, hi, out, spoken, other, phone_rule.class_name)

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        for _ in range(8):  # some triggers end behind the digits
            if 48 <= b[to - 1] <= 57 or to <= lo:
                break
            to -= 1
        left = b[max(lo, to - 256) : to]
        start = to - _BACKWARD.match(left[::-1]).end()  # type: ignore[union-attr]
        end = _FORWARD.match(b, to, min(hi, to + _LONGEST)).end()  # type: ignore[union-attr]
        if _glued(b, start, lo):
            return _only_long(b, start, end, lo, hi, out)
        cluster = b[start:end]
        if cluster.isdigit():
            whole = [(start, end, cluster.decode(), "")]
            if len(cluster) >= 12 and _is_card(b, whole, 0, 1, lo, hi, usual=True):
                out.append((start, end, "CREDIT_CARD"))
            else:
                judge(b, whole, lo, hi, out)
            return end
        date = _ISO_DATE.match(cluster)
        if date:
            cluster = cluster[date.end() :]
            start += date.end()
        digits = cluster.translate(None, _NO_DIGITS)
        if len(digits) < 6 or _DOTTED_QUAD.fullmatch(cluster) or _YEARS.fullmatch(cluster):
            return end
        usual = _USUAL.fullmatch(cluster)
        if usual and (ssn if usual[1] else card_sure)(digits.decode()):
            out.append((start, end, "US_SSN" if usual[1] else "CREDIT_CARD"))
            return end
        groups = _groups(b, start, end)
        if (
            b[start - 1] == 43
            and _ONE_LINE.fullmatch(cluster)
            and _phone(b, groups, digits.decode(), lo, hi, out, False, other, phone_rule.class_name)
        ):
            return end
        free = _cards(b, groups, lo, hi, out)
        if not free:
            return end
        for part in _split(free, "|") if _spread(free) else [free]:
            lines = list(_split(part, "\n"))
            if len(lines) > 1 and len(part) < 20 and judge(b, part, lo, hi, out, phone_too=False):
                continue
            for line in lines:
                if (len(line) < 20 and judge(b, line, lo, hi, out)) or len(line) == 1:
                    continue
                tokens = list(_split(line, " "))
                hit = len(tokens) > 1 and any(judge(b, token, lo, hi, out) for token in tokens)
                if not hit and 2 < len(line) < 9 and not (len(line) == 3 and _date(line)):
                    _ = judge(b, line[1:], lo, hi, out) or judge(b, line[:-1], lo, hi, out)
        return end

    return handle


def _date(groups: list[Group]) -> bool:
    """Year, month and day, in either order."""
    first, second, third = (g[2] for g in groups)
    if len(first) == 4:
        return first[:2] in ("19", "20") and second < "13" and third < "32"
    return len(third) == 4 and third[:2] in ("19", "20") and groups[1][3] in "./-"


def _spread(groups: list[Group]) -> bool:
    """Are there groups apart from each other (two blanks, mixed marks), and not all in the same way?"""
    return any(g[3] == "|" for g in groups[1:]) and any(g[3] != "|" for g in groups[1:])


def _glued(b: bytes, start: int, lo: int) -> bool:
    """Do the digits continue a word (``sha1234567``)? An escape such as ``\\n`` is no word."""
    c = b[start - 1]
    if not (65 <= c <= 90 or 97 <= c <= 122):
        return False
    return not (start - 2 >= lo and (b[start - 2] == 92 or b[start - 3 : start - 2] == b"%" or b[start - 6 : start - 4] == b"\\u"))


def _only_long(b: bytes, start: int, end: int, lo: int, hi: int, out: list[Span]) -> int:
    """A cluster whose first group hangs on a word: only whole groups that are certainly cards are taken."""
    out.extend(
        (m.start(), m.end(), "CREDIT_CARD")
        for m in _GROUP.finditer(b, start, end)
        if len(m[0]) >= 15 and card_sure(m[0].decode()) and (m.start() > start or near(_CARD_WORDS, b, m.start(), m.end(), lo, hi))
    )
    return end


def _groups(b: bytes, start: int, end: int) -> list[Group]:
    groups: list[Group] = []
    last = start
    for m in _GROUP.finditer(b, start, end):
        digits = m[1]
        if digits is None:
            continue
        first, past = m.span()
        raw = b[last:first]
        kind = _KINDS.get(raw)
        if kind is None:
            kind = _separator(raw)
            if len(_KINDS) < 4096:
                _KINDS[raw] = kind
        groups.append((first, past, digits.decode(), kind))
        last = past
    return groups


_KINDS: dict[bytes, str] = {}  # separators seen so far


def _separator(raw: bytes) -> str:
    if len(raw) <= 1:
        return raw.decode("latin-1").replace("\t", "|").replace("\r", "\n")
    if _BREAKS.search(raw):
        return "\n"
    if b"(" in raw or b")" in raw:
        return "("
    if _DASHES.fullmatch(raw):
        return "-"
    if raw == b"%2E":
        return "."
    if raw.strip(b" -./_*\t"):
        return " "  # one Unicode blank, or an escaped one
    return "|"


def _cards(b: bytes, groups: list[Group], lo: int, hi: int, out: list[Span]) -> list[Group]:
    """Take cards out of the cluster; what is left goes on to the other rules."""
    if sum(len(g[2]) for g in groups) < 12:
        return groups
    sizes = [len(g[2]) for g in groups]
    table = len(groups) > 8 and max(sizes) < 6
    if table and not near(_CARD_WORDS, b, groups[0][0], groups[-1][1], lo, hi, 64, 24):
        spelled = len(groups) <= 19 and max(sizes) == 1
        if not (spelled and card_sure("".join(g[2] for g in groups))):
            return groups
    i, left = 0, []
    few = sum(sizes) <= 19
    while i < len(groups):
        n = _card_at(b, groups, sizes, i, lo, hi, whole=few and i == 0)
        if n:
            out.append((groups[i][0], groups[i + n - 1][1], "CREDIT_CARD"))
            i += n
        else:
            left.append(groups[i])
            i += 1
    return left


def _card_at(b: bytes, groups: list[Group], sizes: list[int], i: int, lo: int, hi: int, *, whole: bool) -> int:
    """How many groups from ``i`` on are a card; 0 for none."""
    if whole and len(groups) > 1 and _is_card(b, groups, 0, len(groups), lo, hi, usual=tuple(sizes) in _CARD_SIZES or max(sizes) == 1):
        return len(groups)
    if sizes[i] >= 12:
        return int(_is_card(b, groups, i, i + 1, lo, hi, usual=True))
    for shape in _SHAPES_BY_FIRST.get(sizes[i], ()):
        if tuple(sizes[i : i + len(shape)]) == shape and _is_card(b, groups, i, i + len(shape), lo, hi, usual=True):
            return len(shape)
    if sizes[i] == 1 and 19 < len(groups) < 200:
        for n in (16, 15, 14, 19):
            if max(sizes[i : i + n]) == 1 and _is_card(b, groups, i, i + n, lo, hi, usual=True):
                return n
    return 0


def _is_card(b: bytes, groups: list[Group], i: int, j: int, lo: int, hi: int, *, usual: bool) -> bool:
    digits = "".join(g[2] for g in groups[i:j])
    if not card(digits):
        return False
    start, end = groups[i][0], groups[j - 1][1]
    if not usual or not card_sure(digits):
        return near(_CARD_WORDS, b, start, end, lo, hi, 64, 24)
    return not (j == i + 1 and b[start - 1 : start] == b"/" and b[end : end + 1] == b"-")


def _split(groups: list[Group], strong: str) -> Iterator[list[Group]]:
    piece: list[Group] = []
    for g in groups:
        if piece and g[3] and g[3] in strong:
            yield piece
            piece = []
        piece.append(g)
    yield piece


def _phone(b: bytes, piece: list[Group], digits: str, lo: int, hi: int, out: list[Span], spoken: bool, other: Any, class_name: str) -> bool:
    start, end = piece[0][0], piece[-1][1]
    plus = b[start - 1 : start] == b"+" or b[start - 2 : start] in (b"+(", b"(+")
    extension = _EXTENSION.match(b, end, hi)
    if b[end : end + 1].isalnum() and not extension:
        return False
    judged = phone(
        [len(g[2]) for g in piece],
        digits,
        [g[3] for g in piece[1:]],
        plus=plus,
        spoken_of=lambda: spoken,
        refused=partial(near, other, b, start, end, lo, hi, 14, 0),
    )
    if judged:
        first = start - (1 if plus or b[start - 1 : start] == b"(" else 0)
        out.append((first, extension.end() if extension else end, class_name))
    return judged
