"""An index of one context: which words, pairs, runs and numbers it holds, and in which sentence.

Built once per context and reused for every response judged against it (`indexed` keeps the latest
by content). Sentence sets are integer bit masks, so "do these two words ever meet in one sentence?"
is one `&`.
"""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Sequence

from detectors.text import sentences
from detectors.text.arithmetic import Arithmetic
from detectors.text.languages import MONTHS
from detectors.text.lexicon import NEGATIONS
from detectors.text.stem import stem
from detectors.text.words import CONTENT, NUMBER, STOP, Token, readings, tokens

MAX_CHARS = 200_000  # of one context; the rest is not read (and said so in `truncated`)
_KEEP = 64
NEAR = 4
_MONTH_TERMS = tuple(stem(month) for month in MONTHS)
_MONTH_NUMBERS = {term: str(i + 1) for i, term in enumerate(_MONTH_TERMS)}
_HALF_DAY = 12


class ContextIndex:
    """Words of a context by sentence.

    Attributes:
        text: the joined context, at most `MAX_CHARS` characters.
        spans: ``(start, end)`` of each sentence in ``text``.
        where: content term or number -> bit mask of the sentences that hold it.
        postings: the same as a list of sentence numbers, ascending.
        pairs, triples: term n-grams (n = 2, 3), stop words included, within a sentence.
        content_pairs: neighbouring content terms, stop words skipped.
        number_pairs: (number, content term at most `NEAR` tokens away in its sentence).
        words: unstemmed lower-case content words (for spelling similarity).
    """

    def __init__(self, text: str) -> None:
        self.truncated = len(text) > MAX_CHARS
        self.text = text[:MAX_CHARS]
        self.spans = sentences.spans(self.text)
        self.where: dict[str, int] = {}
        self.postings: dict[str, list[int]] = {}
        self.pairs: set[tuple[str, str]] = set()
        self.triples: set[tuple[str, str, str]] = set()
        self.content_pairs: set[tuple[str, str]] = set()
        self.stops: set[str] = set()
        self.numbers: set[str] = set()
        self.number_pairs: set[tuple[str, str]] = set()
        self._arithmetic: Arithmetic | None = None
        self._negated = 0
        self._passages: dict[int, int] | None = None
        self._read: dict[int, list[Token]] = {}
        self.n_tokens = 0
        for number, part in enumerate(by_sentence(tokens(self.text), self.spans)):
            self._add(number, part)
        self.prefixes = {t[:5] for t in self.where if len(t) >= 5}

    def _add(self, number: int, part: list[Token]) -> None:
        terms = [t.term for t in part]
        self.n_tokens += len(terms)
        self.pairs.update(itertools.pairwise(terms))
        self.triples.update(zip(terms, terms[1:], terms[2:], strict=False))
        content: list[str] = []
        bit = 1 << number
        for place, token in enumerate(part):
            term = token.term
            if token.word in NEGATIONS:
                self._negated |= bit
            if token.kind == STOP:
                self.stops.add(term)
                continue
            content.append(term)
            if token.kind == NUMBER:
                self.numbers.add(term)
                self._known(self._meant(part, place), number)
                self.number_pairs.update((term, t.term) for t in part[max(0, place - NEAR) : place + NEAR + 1] if t.kind == CONTENT)
            elif term in _MONTH_NUMBERS:
                self._known((_MONTH_NUMBERS[term],), number)
            mask = self.where.get(term, 0)
            if not mask & bit:
                self.where[term] = mask | bit
                self.postings.setdefault(term, []).append(number)
        self.content_pairs.update(itertools.pairwise(content))

    def _known(self, terms: Sequence[str], number: int) -> None:
        """Other ways to say what stands in a sentence."""
        bit = 1 << number
        for term in terms:
            mask = self.where.get(term, 0)
            if not mask & bit:
                self.where[term] = mask | bit
                self.postings.setdefault(term, []).append(number)

    def _meant(self, part: list[Token], place: int) -> list[str]:
        """Other terms for a number: the month of a date in digits, an hour of the other half of the day, the other decimal point."""
        token, after = part[place], part[place + 1] if place + 1 < len(part) else None
        out = list(readings(token))
        if after is None:
            return out
        between = self.text[token.end : after.start]
        if between in ("-", "/", ".") and after.kind == NUMBER:
            out += [_MONTH_TERMS[month - 1] for t in (token, after) if 1 <= (month := _small(t.term)) <= len(_MONTH_TERMS)]
        elif 0 <= (hour := _small(token.term)) <= 2 * _HALF_DAY:
            if between == ":" and hour > _HALF_DAY:
                out.append(str(hour - _HALF_DAY))
            elif hour < _HALF_DAY and (after.word == "pm" or (between == ":" and any(t.word == "pm" for t in part[place + 2 : place + 3]))):
                out.append(str(hour + _HALF_DAY))
        return out

    @property
    def arithmetic(self) -> Arithmetic:
        """What follows from the numbers; made when first asked for."""
        if self._arithmetic is None:
            self._arithmetic = Arithmetic(self.numbers)
        return self._arithmetic

    def sentence(self, number: int) -> list[Token]:
        """The tokens of a sentence; read again when first asked for, since few are."""
        if number not in self._read:
            start, end = self.spans[number]
            self._read[number] = tokens(self.text[start:end])
        return self._read[number]

    def passage(self, number: int) -> int:
        """Bit mask of the sentences of the numbered passage (``passage 3: …``, ``[3] …``); 0 when there is none."""
        if self._passages is None:
            self._passages = _passages(self.text, self.spans)
        return self._passages.get(number, 0)

    def negated(self, sentence: int) -> bool:
        """Whether the sentence holds a negation."""
        return bool(self._negated >> sentence & 1)


_PASSAGE = re.compile(r"^\W{0,3}(?:passage|document|doc|source|context|chunk|reference)?\W{0,2}(\d{1,2})\W{0,2}(?:[:\])]|$)", re.I | re.M)


def _passages(text: str, spans: list[tuple[int, int]]) -> dict[int, int]:
    starts = [(m.start(), int(m.group(1))) for m in _PASSAGE.finditer(text)]
    out: dict[int, int] = {}
    for i, (start, number) in enumerate(starts):
        stop = starts[i + 1][0] if i + 1 < len(starts) else len(text)
        for k, (a, _) in enumerate(spans):
            if start <= a < stop:
                out[number] = out.get(number, 0) | 1 << k
    return out


def _small(term: str) -> int:
    """A number of one or two digits; -1 for anything else (`int` refuses thousands of digits)."""
    return int(term) if len(term) <= 2 and term.isdigit() else -1


def by_sentence(words: list[Token], spans: list[tuple[int, int]]) -> list[list[Token]]:
    """The tokens of each span; tokens outside every span are dropped."""
    out: list[list[Token]] = [[] for _ in spans]
    i = 0
    for word in words:
        while i < len(spans) and word.start >= spans[i][1]:
            i += 1
        if i == len(spans):
            break
        if word.start >= spans[i][0]:
            out[i].append(word)
    return out


def joined(context: str | Sequence[str]) -> str:
    """Several documents as one text; the offsets of evidence count in this text."""
    return context if isinstance(context, str) else "\n\n".join(context)


_recent: OrderedDict[str, ContextIndex] = OrderedDict()


def indexed(text: str) -> ContextIndex:
    """The index of a context, from a small cache of the latest ones."""
    index = _recent.get(text)
    if index is None:
        index = _recent[text] = ContextIndex(text)
        if len(_recent) > _KEEP:
            _recent.popitem(last=False)
    else:
        _recent.move_to_end(text)
    return index


__all__ = ["CONTENT", "ContextIndex", "by_sentence", "indexed", "joined"]
