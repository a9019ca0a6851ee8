"""Matcher for clusters of digits: cards, phones, social security and other national numbers.

A cluster is a maximal chain of digit groups with up to three separators between neighbours (blank, dash, dot, line
break, their Unicode, URL- and JSON-escaped kin). It is read once, whichever trigger found it: cards first, then the number
rules of ``rules/numbers.yaml``, then phones, each over the whole cluster, its lines, and its tokens.
"""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

from collector.redaction.checksums import card, card_sure
from collector.redaction.matching import Handler, Span, near, said_near, word_set, words
from collector.redaction.national_ids import ssn
from collector.redaction.phones import own_layout, phone
from collector.redaction.rules import Rule
from collector.redaction.validators import VALIDATORS

_SEP = rb"[ .\-()\t\r\n_/*]|\xe2\x80[\x80-\x95\xaf]|\xe2\x88\x92|\xe3\x80\x80|\xc2\xa0|\\\\?[nrt]|&nbsp;|%20|%2[DE]"
_PES = rb"[ .\-()\t\r\n_/*]|[\x80-\x95\xaf]\x80\xe2|\x92\x88\xe2|\x80\x80\xe3|\xa0\xc2|[nrt]\\\\?|;psbn&|02%|[DE]2%"
_FORWARD = re.compile(rb"(?:[0-9]++|(?:" + _SEP + rb"){1,3}(?=[0-9]))*+")
_BACKWARD = re.compile(rb"(?:(?:[1-9]|0(?!2%))++|(?:" + _PES + rb"){1,3}(?=[0-9]))*+")
_LONGEST = 2048  # bytes of a cluster judged at once
_NO_DIGITS = bytes(c for c in range(256) if not 48 <= c <= 57)
_USUAL = re.compile(rb"([0-9]{3}-[0-9]{2}-[0-9]{4})|([0-9]{4}([ \-])[0-9]{4}\3[0-9]{4}\3[0-9]{4})")  # a social security number, a card
_ISO_DATE = re.compile(rb"(?:19|20)[0-9]{2}[\-/.](?:0[1-9]|1[0-2])[\-/.](?:0[1-9]|[12][0-9]|3[01])(?:[\r\n]+|$)")
_DATED = re.compile(
    rb"(?<![0-9.\-/ ])(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[\r\n ][0-9]{2}"
)  # and an hour, or a number in the next line
_YEARS = re.compile(rb"(?:(?:19|20)[0-9]{2}[\-/., ]{1,3})+(?:19|20)[0-9]{2}")
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_DOTTED_QUAD = re.compile(rb"%b(?:\.%b){3}" % (_OCTET, _OCTET))
_ONE_LINE = re.compile(rb"[0-9]{1,4}(?:[ \-.]?[0-9]{2,7}){1,5}")
_GROUP = re.compile(rb"%2[0DE]|([0-9]+)")
_PIECES = re.compile(r"([0-9]+)")
_EXTENSION = re.compile(rb"(?i)[ ,]{0,2}(?:x|ext\.?|extension|poste|durchwahl|#) ?[0-9]{1,6}(?![0-9])")
_DASHES = re.compile(rb"-|\xe2\x80[\x90-\x95]|\xe2\x88\x92|%~D")
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
_ZEROS = ["0" * n for n in range(_LONGEST + 1)]
_AS_ZEROS = bytes(48 if 48 <= c <= 57 else c for c in range(256))
_ZERO_LED, _ZEROS_LED = re.compile(rb"(?<![0-9])0"), re.compile(rb"(?<![0-9])0(?:0|(?![0-9]))")  # the second may go on in the next group
_NEAR = (56, 20)  # bytes before and after digits in which a word about them may stand
NumberRule = tuple[re.Pattern[str], Callable[[str], bool], str, int]  # shape, check, class, number of its words or -1
Group = tuple[
    int, int, str, str
]  # first byte, one past the last, digits, separator before: one of "-", ".", " ", "/", "(", "\n", "|" (several of a kind, or mixed)


class Around:
    """Which rules have a word near a cluster and its pieces? Asked only if need be, and once if there is none."""

    __slots__ = ("_found", "_place", "_words")

    def __init__(self, words_of_rules: Any, b: bytes, start: int, end: int, lo: int, hi: int) -> None:
        self._found: list[int] | None = None
        self._words, self._place = words_of_rules, (b, start, end, lo, hi)

    def near(self, start: int, end: int) -> Sequence[int]:
        """Numbers of the rules with a word near a piece. If there is none near the cluster, there is none near any piece either:
        between the pieces there are but digits and separators."""
        b, first, last, lo, hi = self._place
        if self._found is None:
            self._found = said_near(self._words, b, first, last, lo, hi, *_NEAR)
        if not self._found or (start == first and end == last):
            return self._found
        return said_near(self._words, b, start, end, lo, hi, *_NEAR)


def number_handler(rules: Sequence[Rule], phone_rule: Rule) -> Handler:
    """One handler for every digit trigger; ``rules`` are the kind ``number``, ``phone_rule`` brings the words for phones."""
    told = word_set([*(r.words for r in rules), phone_rule.words])
    phones, other = len(rules), words(phone_rule.not_words)
    by_length: dict[int, list[NumberRule]] = {}
    for k, rule in enumerate(rules):
        for n in rule.digits:
            by_length.setdefault(n, []).append((re.compile(rule.shape), VALIDATORS[rule.validator], rule.class_name, k if rule.words else -1))

    @lru_cache(maxsize=4096)
    def fitting(layout: str) -> tuple[list[NumberRule], list[NumberRule]]:
        """Rules whose shape these groups have (digits are told as ``0``): all, and those that need no word."""
        fit = [entry for entry in by_length.get(layout.count("0"), ()) if entry[0].fullmatch(layout)]
        return fit, [entry for entry in fit if entry[3] < 0]

    @lru_cache(maxsize=4096)
    def silent(layout: bytes, zeros: int) -> bool:
        """Can nothing be in a cluster of this layout (its digits told as ``0``) where no word is near and no ``+`` before? Cards apart."""
        for piece in _pieces(layout, _groups(layout, 0, len(layout))):
            n = sum([len(g[2]) for g in piece])
            if 6 <= n <= 19 and (fitting(_layout(piece))[1] or own_layout([len(g[2]) for g in piece], [g[3] for g in piece[1:]], zeros)):
                return False
        return True

    def judge(b: bytes, piece: list[Group], lo: int, hi: int, out: list[Span], around: Around, *, phone_too: bool = True) -> bool:
        digits = "".join([g[2] for g in piece])
        n = len(digits)
        if not 6 <= n <= 19 or (n == 8 and len(piece) == 3 and _date(piece)):
            return False
        start, end = piece[0][0], piece[-1][1]
        fit, free = fitting(_ZEROS[n] if len(piece) == 1 else _layout(piece))
        said = around.near(start, end)
        for _, valid, class_name, k in fit if said else free:
            if (k >= 0 and k not in said) or not valid(digits):
                continue
            out.append((start, end, class_name))
            return True
        spoken = phones in said
        if not phone_too or (len(piece) == 1 and not spoken and b[start - 1] not in b"+("):
            return False  # one plain run of digits says nothing by itself
        return _phone(b, piece, digits, lo, hi, out, spoken, other, phone_rule.class_name)

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        least = max(lo, to - 8)
        while not 48 <= b[to - 1] <= 57 and to > least:  # some triggers end behind the digits
            to -= 1
        end = _FORWARD.match(b, to, min(hi, to + _LONGEST)).end()  # type: ignore[union-attr]
        if end - to < 4 and to - 13 >= lo and _DATED.match(b, to - 13, to):
            return end
        start = to - _BACKWARD.match(b[max(lo, to - 256) : to][::-1]).end()  # type: ignore[union-attr]
        if _glued(b, start, lo):
            return _only_long(b, start, end, lo, hi, out)
        cluster = b[start:end]
        around = Around(told, b, start, end, lo, hi)
        if cluster.isdigit():
            whole = [(start, end, cluster.decode(), "")]
            if len(cluster) >= 12 and _is_card(b, whole, 0, 1, lo, hi, usual=True):
                out.append((start, end, "CREDIT_CARD"))
            else:
                judge(b, whole, lo, hi, out, around)
            return end
        if cluster.startswith((b"19", b"20")):
            date = _ISO_DATE.match(cluster)
            if date:
                cluster = cluster[date.end() :]
                start += date.end()
            if _YEARS.fullmatch(cluster):
                return end
        digits = cluster.translate(None, _NO_DIGITS)
        if len(digits) < 6 or (cluster.count(b".") == 3 and _DOTTED_QUAD.fullmatch(cluster)):
            return end
        usual = _USUAL.fullmatch(cluster) if len(cluster) in (11, 19) else None
        if usual and (ssn if usual[1] else card_sure)(digits.decode()):
            out.append((start, end, "US_SSN" if usual[1] else "CREDIT_CARD"))
            return end
        zeros = 0 if b"0" not in cluster or _ZERO_LED.search(cluster) is None else 1 if _ZEROS_LED.search(cluster) is None else 2
        quiet = b[start - 1] not in b"+(" and b"%" not in cluster and silent(cluster.translate(_AS_ZEROS), zeros)
        if quiet and len(digits) < 12 and not around.near(start, end):
            return end
        groups = _groups(b, start, end)
        if (
            b[start - 1] == 43
            and _ONE_LINE.fullmatch(cluster)
            and _phone(b, groups, digits.decode(), lo, hi, out, False, other, phone_rule.class_name)
        ):
            return end
        free = _cards(b, groups, lo, hi, out)
        if not free or (quiet and len(free) == len(groups) and not around.near(start, end)):
            return end
        kinds = {g[3] for g in free[1:]}
        for part in _split(free, "|") if "|" in kinds and len(kinds) > 1 else [free]:
            lines = list(_split(part, "\n")) if "\n" in kinds else [part]
            if len(lines) > 1 and len(part) < 20 and judge(b, part, lo, hi, out, around, phone_too=False):
                continue
            for line in lines:
                if (len(line) < 20 and judge(b, line, lo, hi, out, around)) or len(line) == 1:
                    continue
                tokens = list(_split(line, " "))
                hit = len(tokens) > 1 and sum(judge(b, token, lo, hi, out, around) for token in tokens) > 0  # each of them
                if not hit and len(line) > 3:
                    hit = sum(judge(b, piece, lo, hi, out, around) for piece in _opened(b, line)) > 0
                if not hit and 2 < len(line) < 9 and not (len(line) == 3 and _date(line)):
                    _ = judge(b, line[1:], lo, hi, out, around) or judge(b, line[:-1], lo, hi, out, around)
        return end

    return handle


def _layout(piece: list[Group]) -> str:
    """A piece with its digits told as ``0``."""
    return _ZEROS[len(piece[0][2])] + "".join([g[3] + _ZEROS[len(g[2])] for g in piece[1:]])


def _opened(b: bytes, line: list[Group]) -> list[list[Group]]:
    """The pieces of a line that begin with an opening bracket; none if it is but one."""
    at = [k for k, g in enumerate(line) if k and b[g[0] - 1] == 40]
    return [line[i:j] for i, j in pairwise([0, *at, len(line)])] if at else []


def _pieces(b: bytes, groups: list[Group]) -> Iterator[list[Group]]:
    """Every piece of a cluster that may be judged."""
    kinds = {g[3] for g in groups[1:]}
    for part in _split(groups, "|") if "|" in kinds and len(kinds) > 1 else [groups]:
        yield part
        for line in _split(part, "\n"):
            yield line
            yield from _split(line, " ")
            yield from _opened(b, line)
            if len(line) > 2:
                yield line[1:]
                yield line[:-1]


def _date(groups: list[Group]) -> bool:
    """Year, month and day, in either order."""
    first, second, third = (g[2] for g in groups)
    if len(first) == 4:
        return first[:2] in ("19", "20") and second < "13" and third < "32"
    return len(third) == 4 and third[:2] in ("19", "20") and groups[1][3] in "./-"


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
    """The groups of a cluster; it begins with a digit."""
    text = b[start:end].decode("latin-1")
    if "%" in text:  # an escaped separator has digits of its own
        text = text.replace("%20", "%~z").replace("%2", "%~")
    pieces = _PIECES.split(text)
    groups: list[Group] = []
    at, kind = start, ""
    for i in range(1, len(pieces), 2):
        digits, after = pieces[i], pieces[i + 1]
        past = at + len(digits)
        groups.append((at, past, digits, kind))
        at = past + len(after)
        if after in _KINDS:
            kind = _KINDS[after]
        else:
            kind = _separator(after)
            if len(_KINDS) < 4096:
                _KINDS[after] = kind
    return groups


_KINDS: dict[str, str] = {}  # separators seen so far


def _separator(text: str) -> str:
    """What stands between two groups, reduced to one of the marks that :data:`Group` names. ``text``: its bytes as Latin-1."""
    raw = text.encode("latin-1")
    if len(raw) <= 1:
        return text.replace("\t", "|").replace("\r", "\n")
    if _BREAKS.search(raw):
        return "\n"
    if b"(" in raw or b")" in raw:
        return "("
    if _DASHES.fullmatch(raw):
        return "-"
    if raw == b"%~E":
        return "."
    if raw.strip(b" -./_*\t"):
        return " "  # one Unicode blank, or an escaped one
    return "|"


def _cards(b: bytes, groups: list[Group], lo: int, hi: int, out: list[Span]) -> list[Group]:
    """Take cards out of the cluster; what is left goes on to the other rules."""
    sizes = [len(g[2]) for g in groups]
    if sum(sizes) < 12:
        return groups
    table = len(groups) > 8 and max(sizes) < 6
    if table and not near(_CARD_WORDS, b, groups[0][0], groups[-1][1], lo, hi, 64, 24):
        cards = _all_cards(groups, sizes)
        if cards:
            out.extend(cards)
            return []
        spelled = len(groups) <= 19 and max(sizes) == 1
        if not (spelled and card_sure("".join(g[2] for g in groups))):
            return groups
    few = sum(sizes) <= 19
    spelled = 19 < len(groups) < 200
    if not few and not spelled and max(sizes) < 4:
        return groups
    i, left = 0, []
    while i < len(groups):
        size = sizes[i]
        n = _card_at(b, groups, sizes, i, lo, hi, whole=few and i == 0) if size > 3 or (size == 1 and spelled) or (few and i == 0) else 0
        if n:
            out.append((groups[i][0], groups[i + n - 1][1], "CREDIT_CARD"))
            i += n
        else:
            left.append(groups[i])
            i += 1
    return left


def _all_cards(groups: list[Group], sizes: list[int]) -> list[Span]:
    """Cards in a row and nothing else: three or more are no table of numbers."""
    if len(groups) < 12 or len(groups) % 4 or set(sizes) != {4}:
        return []
    cards = [groups[i : i + 4] for i in range(0, len(groups), 4)]
    if not all(card_sure("".join(g[2] for g in four)) for four in cards):
        return []
    return [(four[0][0], four[-1][1], "CREDIT_CARD") for four in cards]


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
    plus = b[start - 1] == 43 or (b[start - 1] == 40 and b[start - 2] == 43)
    judged = phone(
        [len(g[2]) for g in piece],
        digits,
        [g[3] for g in piece[1:]],
        plus=plus,
        spoken=spoken,
        refused=partial(near, other, b, start, end, lo, hi, 14, 0),
    )
    if not judged:
        return False
    extension = _EXTENSION.match(b, end, hi)
    if b[end : end + 1].isalnum() and not extension:
        return False
    first = start - (1 if plus or b[start - 1] == 40 else 0)
    out.append((first, extension.end() if extension else end, class_name))
    return True
