"""Matcher for clusters of digits: cards, phones, social security and other national numbers.

A cluster (``clusters.py``) is read once, whichever trigger found it: cards first, then the number
rules of ``rules/numbers.yaml``, then phones, each over the whole cluster, its lines, and its tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from collector.redaction.cards import CARD_WORD_LIST, CARD_WORDS, is_card, take_cards
from collector.redaction.checksums import card, card_sure
from collector.redaction.clusters import LONGEST, ZEROS, Group, groups_of, in_row, layout_of, opened, split_at
from collector.redaction.matching import AS_ZEROS, LISTED, Runaway, Span, near, said_near, word_set, words
from collector.redaction.national_ids import ssn
from collector.redaction.phones import phone
from collector.redaction.readings import FEWEST, MOST, Reading, Readings, sizes_of
from collector.redaction.rules import Rule
from collector.redaction.word_blocks import WordBlocks

_SEP = rb"[ .\-()\t\r\n_/*]|\xe2\x80[\x80-\x95\xaf]|\xe2\x88\x92|\xe3\x80\x80|\xc2\xa0|\\\\?[nrt]|&nbsp;|%20|%2[DE]"
_PES = rb"[ .\-()\t\r\n_/*]|[\x80-\x95\xaf]\x80\xe2|\x92\x88\xe2|\x80\x80\xe3|\xa0\xc2|[nrt]\\\\?|;psbn&|02%|[DE]2%"
FORWARD = re.compile(rb"(?:[0-9]++|(?:" + _SEP + rb"){1,3}(?=[0-9]))*+")
_BACKWARD = re.compile(rb"(?:[1-9]++|0(?!2%)|(?:" + _PES + rb"){1,3}(?=[0-9]))*+")
NO_DIGITS = bytes(c for c in range(256) if not 48 <= c <= 57)
_USUAL = re.compile(rb"([0-9]{3}-[0-9]{2}-[0-9]{4})|([0-9]{4}([ \-])[0-9]{4}\3[0-9]{4}\3[0-9]{4})")  # a social security number, a card
_ISO_DATE = re.compile(rb"(?:19|20)[0-9]{2}[\-/.](?:0[1-9]|1[0-2])[\-/.](?:0[1-9]|[12][0-9]|3[01])(?:[\r\n]+|$)")
_DATED = re.compile(
    rb"(?<![0-9.\-/ ])(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[\r\n ][0-9]{2}"
)  # and an hour, or a number in the next line
_DATED_LINE = re.compile(rb"(?:^|[\r\n]{1,2})(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?: [0-9]{2})?$")
_DATE_AMONG = re.compile(rb"[ .\t]*[(](?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[)][ \t]*")
_DATE_IN_BRACKETS = re.compile(rb"[(](?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_YEARS = re.compile(rb"(?:(?:19|20)[0-9]{2}[\-/., ]{1,3})+(?:19|20)[0-9]{2}")
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_DOTTED_QUAD = re.compile(rb"%b(?:\.%b){3}" % (_OCTET, _OCTET))
_APART = re.compile(
    rb"(?:[ \t\r\n(]|\xe2\x80\xaf|\xe3\x80\x80|\xc2\xa0|\\\\?[nrt]|&nbsp;|%20)[^0-9]*"
)  # where a number is another one than that before
_ACCOUNT_HEAD = re.compile(rb"[^A-Za-z0-9][A-Za-z]{2}[0-9]{2}")  # ``DE89 3704 …``: what follows belongs to it
_ONE_LINE = re.compile(rb"[0-9]{1,4}(?:[ \-.]?[0-9]{2,7}){1,5}")
_GROUP = re.compile(rb"%2[0DE]|([0-9]+)")
EXTENSION = re.compile(rb"[ ,]{0,2}(?i:x|ext\.?|extension|poste|durchwahl|#) ?[0-9]{1,6}(?![0-9])")
_AS_ONES = bytes(49 if 48 <= c <= 57 else c for c in range(256))
_ZERO_OR_ONE = bytes(49 if 49 <= c <= 57 else c for c in range(256))
_ZERO_LED = re.compile(rb"(?<![0-9])0")
_LISTED = re.compile(LISTED)
_LOCAL = re.compile(
    rb"(?!(?:19|20)[0-9]{2}(?:[ \-]?(?:19|20)[0-9]{2}|(?:0[1-9]|1[0-2])[0-3][0-9]))"  # no years, no date
    rb"(?:[0-9]{3,4}[ \-]?[0-9]{4}|[0-9]{4}[ \-]?[0-9]{3})(?![0-9A-Za-z]|[ \-.][0-9])"
)
_FURTHER = re.compile(rb"(?:" + LISTED + rb"(?<!\+)(?:" + _LOCAL.pattern + rb"))++")  # such numbers, of which no trigger tells without a word
_FAR = 16  # bytes between two values of a list, at most
_REMEMBERED, _SAYS, _MOST_REMEMBERED = 40, 66, 1_024  # bytes of a cluster that is remembered, and around it; how many are
_ALIKE = 128  # bytes of a cluster that others may read like; a longer one is judged piece by piece
NEAR = (56, 20)  # bytes before and after digits in which a word about them may stand
_REFUSED = 14  # bytes before a telephone number in which a word says that it is none
_BACK = 256  # bytes of a cluster before the place that a trigger told of
_LONG = 20  # groups of a line that is no number


class Around:
    """Which rules have a word near a cluster and its pieces? Asked only if need be, and once if there is none.
    ``before``: those that the value says before it in a list."""

    __slots__ = ("_before", "_found", "_place", "_words")

    def __init__(self, words_of_rules: Any, b: bytes, start: int, end: int, lo: int, hi: int, before: Sequence[int]) -> None:
        self._found: list[int] | None = None
        self._words, self._place, self._before = words_of_rules, (b, start, end, lo, hi), before

    def near(self, start: int, end: int) -> Sequence[int]:
        """Numbers of the rules with a word near a piece. If there is none near the cluster, there is none near any piece either:
        between the pieces there are but digits and separators."""
        b, first, last, lo, hi = self._place
        if self._found is None:
            self._found = [*said_near(self._words, b, first, last, lo, hi, *NEAR), *self._before]
        if not self._found or (start == first and end == last):
            return self._found
        return [*said_near(self._words, b, start, end, lo, hi, *NEAR), *(self._before if start == first else ())]


class Numbers:
    """One matcher for every digit trigger; ``rules`` are the kind ``number``, ``phone_rule`` brings the words for phones.
    ``known``: what has been found in clusters that read alike with all around that says something of them."""

    def __init__(self, rules: Sequence[Rule], phone_rule: Rule, readings: Readings) -> None:
        lists = [*(r.words for r in rules), phone_rule.words]
        self.told, self.blocks = word_set(lists), WordBlocks(lists, phone_rule.not_words, CARD_WORD_LIST)
        self.phones, self._other, self._class = len(rules), words(phone_rule.not_words), phone_rule.class_name
        self._end, self.said, self._generation = 0, list[int](), 0  # where the last value ends, the rules that it is a word of, and its buffer
        self._readings = readings
        self.known: dict[int, list[Span]] = {}
        self._wanted: dict[tuple[int, ...], list[tuple[Callable[[str], bool], str]]] = {}  # checks, by how many digits and what is said of them
        self._said_by = cache(lambda name: self.told.Match(b"[%b]" % name.encode()) or [])  # the rules that a placeholder is a word of

    def handle(self, b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        """Judge the cluster that ``to`` is in, and the list behind a telephone number. A ``Handler``."""
        first = len(out)
        end = self._cluster_at(b, to, lo, hi, out)
        if len(out) > first and out[-1][1] >= end:
            return max(end, self.ended(b, hi, out))
        return end

    def ended(self, b: bytes, hi: int, out: list[Span]) -> int:
        """The last value ends its cluster: numbers without a word of their own that stand in a list with it, and where they end."""
        _, past, name = out[-1]
        further = _FURTHER.match(b, past, hi) if name == self._class else None
        end = 0
        if further:
            out += [(*m.span(), name) for m in _LOCAL.finditer(b, past, further.end()) if m[0].strip(m[0][:1] + b" -")]
            end = past = further.end()
        self.list_from(past, name)
        return end

    def list_from(self, past: int, name: str) -> None:
        """A value of this class ends there, and with it a cluster: it says what stands in a list with it."""
        self._end, self.said, self._generation = past, self._said_by(name), Runaway.generation

    def listed(self, b: bytes, start: int) -> bool:
        """Is what begins there in a list with the last value?"""
        return 0 < start - self._end <= _FAR and self._generation == Runaway.generation and _LISTED.fullmatch(b, self._end, start) is not None

    def refused(self, b: bytes, start: int, end: int, lo: int, hi: int) -> bool:
        """Does a word say that it is no telephone number?"""
        return near(self._other, b, start, end, lo, hi, _REFUSED, 0)

    def judge(
        self, b: bytes, piece: list[Group], lo: int, hi: int, out: list[Span], around: Around, *, phone_too: bool = True, said_only: bool = False
    ) -> bool:
        """Append what a piece is, if it is a number as a whole. ``said_only``: only if a word near says so."""
        digits = "".join([g[2] for g in piece])
        n = len(digits)
        if not FEWEST <= n <= MOST or (n == 8 and len(piece) == 3 and _date(piece)):
            return False
        fit, free = self._readings.fitting(ZEROS[n] if len(piece) == 1 else layout_of(piece))
        read = Reading(*sizes_of(piece), fit, free, [], True)
        return self._judged(b, piece[0][0], piece[-1][1], digits, read, lo, hi, out, around, phone_too=phone_too, said_only=said_only)

    def _judged(
        self,
        b: bytes,
        start: int,
        end: int,
        digits: str,
        read: Reading,
        lo: int,
        hi: int,
        out: list[Span],
        around: Around,
        *,
        phone_too: bool = True,
        said_only: bool = False,
    ) -> bool:
        said = around.near(start, end)
        for _, valid, class_name, k in read.fit if said else read.free:
            if (k not in said if k >= 0 else said_only) or not valid(digits):
                continue
            out.append((start, end, class_name))
            return True
        spoken = self.phones in said
        if not phone_too or (said_only and not spoken) or (len(read.sizes) == 1 and not spoken and b[start - 1] not in b"+("):
            return False  # one plain run of digits says nothing by itself
        return self._phone(b, start, end, digits, read.sizes, read.seps, lo, hi, out, spoken=spoken)

    def run(self, digits: str, said: Sequence[int]) -> str | None:
        """The class of digits without anything between them where these rules have a word near, if they are something; telephone numbers apart."""
        key = (len(digits), *said)
        wanted = self._wanted.get(key)
        if wanted is None:
            fit, _ = self._readings.fitting(ZEROS[len(digits)])
            if len(self._wanted) >= _MOST_REMEMBERED:
                self._wanted.clear()
            wanted = self._wanted[key] = [(valid, name) for _, valid, name, k in fit if k < 0 or k in said]
        for valid, name in wanted:
            if valid(digits):
                return name
        return None

    def _phone(
        self, b: bytes, start: int, end: int, digits: str, sizes: list[int], seps: list[str], lo: int, hi: int, out: list[Span], *, spoken: bool
    ) -> bool:
        plus = b[start - 1] == 43 or (b[start - 1] == 40 and b[start - 2] == 43)
        if not phone(sizes, digits, seps, plus=plus, spoken=spoken, refused=partial(self.refused, b, start, end, lo, hi)):
            return False
        extension = EXTENSION.match(b, end, hi)
        if b[end : end + 1].isalnum() and not extension:
            return False
        first = start - (1 if plus or b[start - 1] == 40 else 0)
        out.append((first, extension.end() if extension else end, self._class))
        return True

    def _parts_of(self, b: bytes, line: list[Group], lo: int, hi: int, out: list[Span], around: Around) -> None:
        """Judge what a line that is no number as a whole may hold."""
        tokens = list(split_at(line, " "))
        hit = len(tokens) > 1 and sum(self.judge(b, token, lo, hi, out, around) for token in tokens) > 0  # each of them
        if not hit and len(line) > 3:
            hit = sum(self.judge(b, piece, lo, hi, out, around) for piece in opened(b, line)) > 0
        if not hit and 2 < len(line) < 9 and not (len(line) == 3 and _date(line)):
            row = in_row(line)
            _ = self.judge(b, line[1:], lo, hi, out, around, said_only=row) or self.judge(b, line[:-1], lo, hi, out, around, said_only=row)

    def pieces(self, b: bytes, groups: list[Group], lo: int, hi: int, out: list[Span], around: Around) -> None:
        """Judge the lines of a cluster in which there are no cards."""
        kinds = {g[3] for g in groups[1:]}
        for part in split_at(groups, "|") if "|" in kinds and len(kinds) > 1 else [groups]:
            lines = list(split_at(part, "\n")) if "\n" in kinds else [part]
            if len(lines) > 1 and len(part) < _LONG and self.judge(b, part, lo, hi, out, around, phone_too=False):
                continue
            for line in lines:
                if (len(line) >= _LONG or not self.judge(b, line, lo, hi, out, around)) and len(line) > 1:
                    self._parts_of(b, line, lo, hi, out, around)

    def without_cards(self, b: bytes, start: int, end: int, lo: int, hi: int, out: list[Span], around: Around) -> None:
        """Judge digits among which there are no cards, behind no ``+`` of a line with one number."""
        cluster = b[start:end]
        read = self._readings.reading(cluster.translate(AS_ZEROS))
        if not read.line:
            self.pieces(b, groups_of(b, start, end), lo, hi, out, around)
        elif not self._judged(b, start, end, cluster.translate(None, NO_DIGITS).decode(), read, lo, hi, out, around) and len(read.sizes) > 1:
            self._parts_of(b, groups_of(b, start, end), lo, hi, out, around)

    def _run(self, b: bytes, start: int, end: int, digits: str, lo: int, hi: int, out: list[Span], before: Sequence[int]) -> None:
        """Judge digits without anything between them."""
        n = end - start
        if n < FEWEST:
            return
        around = Around(self.told, b, start, end, lo, hi, before)
        if n < 12 and b[start - 1] not in b"+(" and not self._readings.fitting(ZEROS[n])[1] and not around.near(start, end):
            return
        whole = [(start, end, digits, "")]
        if n >= 12 and is_card(b, whole, 0, 1, lo, hi, usual=True):
            out.append((start, end, "CREDIT_CARD"))
        else:
            self.judge(b, whole, lo, hi, out, around)

    def _cluster_at(self, b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        """Judge a cluster; the offset behind."""
        least = max(lo, to - 8)
        while not 48 <= b[to - 1] <= 57 and to > least:  # some triggers end behind the digits
            to -= 1
        end = FORWARD.match(b, to, min(hi, to + LONGEST)).end()  # type: ignore[union-attr]
        if end - to > LONGEST - 4:
            end = _cut_behind(b, to, end)
        if b[end] == 41 and _DATE_IN_BRACKETS.fullmatch(b, end - 11, end):  # behind a version: ``3.0.0) (2022-10-20)``
            if to > end - 11:
                return end
            end = FORWARD.match(b, to, end - 11).end()  # type: ignore[union-attr]
        if end - to < 4 and to - 13 >= lo and _DATED.match(b, to - 13, to):
            return end
        back = _BACKWARD.match(b[max(lo, to - 40) : to][::-1]).end()  # type: ignore[union-attr]
        if back > 32:
            back = _BACKWARD.match(b[max(lo, to - _BACK) : to][::-1]).end()  # type: ignore[union-attr]
        start = to - back
        if back > _BACK - 4:
            start = _cut_before(b, start, to)
        if _glued(b, start, lo):
            cut = _APART.search(b, start, end)
            if cut is None or cut.end() >= end or _ACCOUNT_HEAD.fullmatch(b, start - 3, cut.start()):
                return _only_long(b, start, end, lo, hi, out)
            _only_long(b, start, cut.start(), lo, hi, out)
            start = cut.end()
        first = len(out)
        self._remembered(b, start, end, lo, hi, out, ())
        if len(out) == first and self.listed(b, start):
            self._remembered(b, start, end, lo, hi, out, self.said)
        return end

    def _remembered(self, b: bytes, start: int, end: int, lo: int, hi: int, out: list[Span], before: Sequence[int]) -> None:
        """Judge a cluster, unless one that reads alike has been."""
        cluster = b[start:end]
        if cluster.isdigit():
            self._run(b, start, end, cluster.decode(), lo, hi, out, before)
            return
        if end - start > _REMEMBERED or start - _SAYS < lo or end + _SAYS > hi:
            self._looked_at(b, start, end, lo, hi, out, before)
            return
        around = b[start - _SAYS : end + _SAYS]
        said = hash((around, *before)) if before else hash(around)  # no text is kept
        if said in self.known:
            out += [(start + a, start + z, name) for a, z, name in self.known[said]]
            return
        first = len(out)
        self._looked_at(b, start, end, lo, hi, out, before)
        if len(self.known) > _MOST_REMEMBERED:
            self.known.clear()
        self.known[said] = [(a - start, z - start, name) for a, z, name in out[first:]]

    def _looked_at(self, b: bytes, start: int, end: int, lo: int, hi: int, out: list[Span], before: Sequence[int]) -> None:
        """Judge a cluster."""
        cluster = b[start:end]
        dated = _DATED_LINE.search(cluster) if b[end] in b":T" else None
        if dated:  # the next line of a log begins: what stands before that is another number, or none
            line = start + dated.start()
            if dated.start() > 5:
                self._cluster_at(b, line, lo, line, out)
            return
        date = _DATE_AMONG.search(cluster) if b"(" in cluster else None
        if date:  # a version and its date among other numbers: ``3.0.0 (2022-10-20) 4711``
            close, behind = start + date.start(), start + date.end()
            if date.start() > 5:
                self._cluster_at(b, close, lo, close, out)
            if behind < end:
                self._cluster_at(b, end, behind, hi, out)
            return
        head = start
        if cluster.startswith((b"19", b"20")):
            date = _ISO_DATE.match(cluster)
            if date:
                cluster = cluster[date.end() :]
                start += date.end()
            if _YEARS.fullmatch(cluster):
                return
        digits = cluster.translate(None, NO_DIGITS)
        if len(digits) < FEWEST or (cluster.count(b".") == 3 and _DOTTED_QUAD.fullmatch(cluster)):
            return
        usual = _USUAL.fullmatch(cluster) if len(cluster) in (11, 19) else None
        if usual and (ssn if usual[1] else card_sure)(digits.decode()):
            out.append((start, end, "US_SSN" if usual[1] else "CREDIT_CARD"))
            return
        around = Around(self.told, b, head, end, lo, hi, before)
        quiet, number = False, digits.decode()
        if b"%" not in cluster and len(cluster) <= _ALIKE:
            read = self._readings.reading(cluster.translate(AS_ZEROS))
            plus = b[start - 1] == 43 or (b[start - 1] == 40 and b[start - 2] == 43)
            quiet = not plus and not around.near(start, end)
            one = False  # is it something as a whole, and only so?
            for a, z, check in self._readings.telling(cluster.translate(_ZERO_OR_ONE if _ZERO_LED.search(cluster) else _AS_ONES)) if quiet else ():
                if check(number[a:z]):
                    one = read.line and z - a == len(number)
                    quiet = one
                    if not one:
                        break
            cards = read.cards is None or any(card(number[a:z]) for a, z in read.cards)
            if quiet and not cards:
                if one:
                    self._judged(b, start, end, number, read, lo, hi, out, around)
                return
            quiet = quiet and not one
            if (
                b[start - 1] == 43
                and _ONE_LINE.fullmatch(cluster)
                and self._phone(b, start, end, number, read.sizes, read.seps, lo, hi, out, spoken=False)
            ):
                return
            if read.line and not cards:
                if len(read.sizes) > 1 and not self._judged(b, start, end, number, read, lo, hi, out, around):
                    self._parts_of(b, groups_of(b, start, end), lo, hi, out, around)
                return
        groups = groups_of(b, start, end)
        free = take_cards(b, groups, lo, hi, out)
        if free and not (quiet and len(free) == len(groups)):
            self.pieces(b, free, lo, hi, out, around)


def _cut_behind(b: bytes, to: int, end: int) -> int:
    """Where what is too long to be judged at once may end: with a line, or a word."""
    cut = _gap(b.rfind, to, end)
    while cut >= 0 and not 48 <= b[cut - 1] <= 57:
        cut -= 1
    return cut if cut >= 0 else end


def _cut_before(b: bytes, start: int, to: int) -> int:
    """Where it may begin."""
    cut = _gap(b.find, start, to)
    while cut >= 0 and not 48 <= b[cut] <= 57:
        cut += 1
    return cut if cut >= 0 else start


def _gap(find: Callable[[bytes, int, int], int], start: int, end: int) -> int:
    """Where a line ends, or a word; -1 for nowhere."""
    line = find(b"\n", start, end)
    return line if line >= 0 else find(b" ", start, end)


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
    """Groups of which the first hangs on a word (``sha1234567``): only whole ones that are certainly cards are taken."""
    out.extend(
        (m.start(), m.end(), "CREDIT_CARD")
        for m in _GROUP.finditer(b, start, end)
        if len(m[0]) >= 15 and card_sure(m[0].decode()) and (m.start() > start or near(CARD_WORDS, b, m.start(), m.end(), lo, hi))
    )
    return end
