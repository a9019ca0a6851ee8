"""Evidence features of one unit (a sentence or a whole response) against a context: what in it is new, and how it is put together.

All features are shares, weights or flags. Those in `LENGTH` grow with the text; only models of data without a length leak use them
(research §3.1, §3.5). "Weight" is inverse document frequency; "novel" means that the context does not hold the term.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import NamedTuple

from detectors.text import cues
from detectors.text.arithmetic import value
from detectors.text.context import ContextIndex
from detectors.text.lexicon import FIRST_PERSON, HEDGES, MEASURES, META, NEGATIONS, SECOND_PERSON
from detectors.text.words import CONTENT, NUMBER, STOP, Token, readings

_WORDS = ("novel_share", "novel_weight_share", "novel_weight_max", "novel_weight_second", "novel_weight_mean", "unasked_weight_share",
          "unasked_weight_max", "asked_only_share", "question_share", "weight_mean", "stop_novel_share", "novel_streak_share",
          "near_miss_share", "number_novel_share", "name_novel_share", "name_share", "first_person_share", "second_person_share",
          "hedge_share", "meta_share", "negated", "far_share", "worked_out_share",
          "any_number_novel", "any_name_novel", "any_measure_novel")  # fmt: skip
_PLACE = ("best_sentence_cover", "best_window_cover", "scatter", "number_elsewhere_share", "name_elsewhere_share", "negation_mismatch",
          "never_meet_share", "cites", "cited_gap", "denied_cover", "number_apart_share")  # fmt: skip
_ORDER = ("pair_novelty", "triple_novelty", "content_pair_novelty", "longest_run_share", "in_run_share")
_FORM = ("asks", "exclaims", "is_item", "is_lead_in", "lower_case", "refuses", "denies_mention", "advises", "concludes", "exemplifies", "leads_in",
         "courteous")  # fmt: skip
LENGTH = ("novel_weight_sum", "unasked_weight_sum", "novel_count", "number_novel_count", "name_novel_count", "longest_run_log", "words_log",
          "context_words_log", "novel_tail_weight")  # fmt: skip
NAMES = (*_WORDS, *_PLACE, *_ORDER, *_FORM, *LENGTH)
LENGTH_FREE = NAMES[: -len(LENGTH)]


class Weights:
    """Inverse document frequency of a term, from the bundled table; unknown terms weigh most."""

    def __init__(self, table: Mapping[str, float], unknown: float) -> None:
        self.table = dict(table)
        self.unknown = unknown

    def __call__(self, term: str) -> float:
        """The weight of one term."""
        return self.table.get(term, self.unknown)


class Evidence(NamedTuple):
    """The context sentence that covers most of a unit's weight; ``sentence`` is -1 when none shares a term."""

    sentence: int
    cover: float


_COPIED = [0.0, 0.0, 0.0, 1.0, 1.0]  # `_ORDER` of a unit that is copied whole: what claims nothing is as good


class Tally:
    """Counts and weights over the words of a unit, gathered in one pass."""

    def __init__(self, part: list[Token], context: ContextIndex, asked: Set[str], weigh: Weights, idle: bool = False) -> None:
        self.part, self.context = part, context
        self.kept: list[tuple[Token, float]] = []  # content words and numbers that make a claim, with weights
        self.stops = self.stops_novel = self.first = self.second = self.hedges = self.meta = 0
        self.negated = False
        for token in part:
            word = token.word
            if word in NEGATIONS:
                self.negated = True
            if word in HEDGES:
                self.hedges += 1
            if token.kind == STOP:
                self._stop(token)
            elif word in META:
                self.meta += 1
                if token.term in context.where:  # a context about passages or sources
                    self.kept.append((token, weigh(token.term)))
            elif not idle or token.term in context.where or token.kind == NUMBER or (token.capital and token is not part[0]):
                self.kept.append((token, weigh(token.term)))
        self._claims(asked)
        if idle:
            self.stops_novel = 0

    def _stop(self, token: Token) -> None:
        self.stops += 1
        self.stops_novel += token.term not in self.context.stops
        self.first += token.word in FIRST_PERSON
        self.second += token.word in SECOND_PERSON

    def _claims(self, asked: Set[str]) -> None:
        where, prefixes = self.context.where, self.context.prefixes
        start = self.part[0] if self.part else None
        self.weight = self.question_weight = self.novel_weight = self.unasked_weight = self.unasked_top = 0.0
        self.novel = self.asked_only = self.near = self.numbers = self.numbers_novel = self.names = self.names_novel = self.worked_out = (
            self.measures_novel
        ) = 0
        self.near_weight = 0.0
        figures: list[float] = []  # worked out by the answer so far
        self.top = self.runner_up = self.streak = streak = 0.0
        for token, weight in self.kept:
            term = token.term
            name, number, in_question = token.capital and token is not start, token.kind == NUMBER, term in asked
            self.weight += weight
            self.names += name
            self.numbers += number
            if in_question:
                self.question_weight += weight
            if term in where or (number and self._follows(token, figures)):
                streak = 0.0
                continue
            self.novel += 1
            self.novel_weight += weight
            self.names_novel += name
            self.numbers_novel += number
            self.measures_novel += term in MEASURES
            if not number and len(term) >= 5 and term[:5] in prefixes:
                self.near += 1
                self.near_weight += weight
            streak += weight
            self.streak = max(self.streak, streak)
            if weight > self.top:
                self.top, self.runner_up = weight, self.top
            else:
                self.runner_up = max(self.runner_up, weight)
            if in_question:
                self.asked_only += 1
            else:
                self.unasked_weight += weight
                self.unasked_top = max(self.unasked_top, weight)

    def _follows(self, token: Token, figures: list[float]) -> bool:
        """Whether a number that the context does not hold is another way to write one, or follows from those that it holds."""
        if any(r in self.context.where for r in readings(token)):
            return True
        known = self.context.arithmetic.knows(token.term, figures)
        if known:
            self.worked_out += 1
            figures.append(value(token.term) or 0.0)
        return known

    @property
    def cover(self) -> float:
        """Share of the unit's weight that the context holds anywhere."""
        return (self.weight - self.novel_weight) / self.weight if self.weight else 0.0

    def shares(self) -> list[float]:
        """Values of `_WORDS`."""
        n, content, total = max(1, len(self.part)), max(1, len(self.kept)), self.weight or 1.0
        return [
            self.novel / content, self.novel_weight / total, self.top, self.runner_up, self.novel_weight / content, self.unasked_weight / total,
            self.unasked_top, self.asked_only / content, self.question_weight / total, self.weight / content, self.stops_novel / max(1, self.stops),
            self.streak / total, self.near / max(1, self.novel), self.numbers_novel / max(1, self.numbers), self.names_novel / max(1, self.names),
            self.names / content, self.first / n, self.second / n, self.hedges / n, self.meta / max(1, self.meta + len(self.kept)),
            float(self.negated), (self.novel_weight - self.near_weight) / total, self.worked_out / max(1, self.numbers),
            float(self.numbers_novel > 0), float(self.names_novel > 0), float(self.measures_novel > 0),
        ]  # fmt: skip


def unit(
    part: list[Token], text: str, context: ContextIndex, asked: Set[str], weigh: Weights, whole: bool = False, idle: bool = False
) -> tuple[list[float], Evidence]:
    """Feature values in the order of `NAMES`, and the best evidence sentence.

    Args:
        part: the unit's tokens; ``text`` its characters.
        asked: terms of the question or of the dialogue so far.
        whole: the unit is a full response, whose evidence may come from many sentences.
        idle: it claims nothing, so that its words need no support; its numbers and names do.
    """
    tally = Tally(part, context, asked, weigh, idle)
    stripped = text.strip()
    evidence, window = _best(tally)
    run, order, tail = _order(tally, weigh) if not idle else (len(part), _COPIED, 0.0)
    cover, window = (1.0, 1.0) if idle and not tally.novel else (evidence.cover, window)
    form = _form(stripped)
    place = [
        cover, window, max(0.0, tally.cover - cover),
        *((0.0, 0.0, 0.0) if whole else _away(tally, evidence)),
        _never_meet(tally), *_cited(tally, stripped), _denied(tally, stripped, asked, weigh),
        _apart(tally),
    ]  # fmt: skip
    length = [
        tally.novel_weight, tally.unasked_weight, float(tally.novel), float(tally.numbers_novel), float(tally.names_novel), math.log1p(run),
        math.log1p(len(part)), math.log1p(context.n_tokens), tail,
    ]  # fmt: skip
    return [*tally.shares(), *place, *order, *form, *length], evidence


def _best(tally: Tally) -> tuple[Evidence, float]:
    """The covering sentence, and the cover of the best two neighbouring sentences, by weight of distinct terms."""
    context = tally.context
    distinct = {token.term: weight for token, weight in tally.kept}
    scores: dict[int, float] = {}
    for term, weight in distinct.items():
        for number in context.postings.get(term, ()):
            scores[number] = scores.get(number, 0.0) + weight
    if not scores:
        return Evidence(-1, 0.0), 0.0
    best = max(scores, key=scores.__getitem__)
    total = sum(distinct.values()) or 1.0
    window = scores[best]
    for other in (best - 1, best + 1):
        if other in scores:
            mask = (1 << best) | (1 << other)
            window = max(window, sum(w for t, w in distinct.items() if context.where.get(t, 0) & mask))
    return Evidence(best, scores[best] / total), window / total


def _order(tally: Tally, weigh: Weights) -> tuple[int, list[float], float]:
    """Longest run of tokens copied from the context, values of `_ORDER`, and the novel weight added after the last copied words."""
    context = tally.context
    terms = [t.term for t in tally.part]
    content = [t.term for t, _ in tally.kept]
    pairs = [p in context.pairs for p in itertools.pairwise(terms)]
    triples = [t in context.triples for t in zip(terms, terms[1:], terms[2:], strict=False)]
    content_pairs = [p in context.content_pairs for p in itertools.pairwise(content)]
    longest = run = 0
    copied = bytearray(len(terms))
    for i, hit in enumerate(triples):
        run = run + 1 if hit else 0
        longest = max(longest, run)
        if hit:
            copied[i : i + 3] = b"\1\1\1"
    length = longest + 2 if longest else (2 if any(pairs) else int(tally.novel < len(content)))
    n = max(1, len(terms))
    return length, [_misses(pairs), _misses(triples), _misses(content_pairs), length / n, sum(copied) / n], _tail(tally, pairs, copied, weigh)


def _tail(tally: Tally, pairs: list[bool], copied: bytearray, weigh: Weights) -> float:
    """Weight of the novel words behind the last copied run or pair: a sentence that starts in the context and ends outside it."""
    part = tally.part
    last = copied.rfind(1)
    for i in range(len(pairs) - 1, max(-1, last - 1), -1):
        if pairs[i] and (part[i].kind != STOP or part[i + 1].kind != STOP):
            last = max(last, i + 1)
            break
    return sum(weigh(t.term) for t in part[last + 1 :] if t.kind != STOP and t.term not in tally.context.where) if last >= 0 else 0.0


def _apart(tally: Tally) -> float:
    """Share of known numbers none of whose neighbouring words stands near the same number in the context: "8 days" for "9 days"."""
    part, context = tally.part, tally.context
    known = apart = 0
    for i, token in enumerate(part):
        if token.kind != NUMBER or not i or token.term not in context.numbers:
            continue
        known += 1
        near = [t.term for t in part[max(0, i - 3) : i + 4] if t.kind == CONTENT]
        apart += bool(near) and not any((token.term, term) in context.number_pairs for term in near)
    return apart / known if known else 0.0


def _misses(hits: list[bool]) -> float:
    return 1.0 - sum(hits) / len(hits) if hits else 0.0


def _away(tally: Tally, evidence: Evidence) -> tuple[float, float, float]:
    """Shares of known numbers and names that stand outside the evidence sentence; whether exactly one of the two negates."""
    where = tally.context.where
    mask = 1 << evidence.sentence if evidence.sentence >= 0 else 0
    start = tally.part[0] if tally.part else None
    numbers = [where[t.term] for t, _ in tally.kept if t.kind == NUMBER and t.term in where]
    names = [where[t.term] for t, _ in tally.kept if t.capital and t is not start and t.term in where]
    mismatch = evidence.sentence >= 0 and tally.negated != tally.context.negated(evidence.sentence)
    return _outside(numbers, mask), _outside(names, mask), float(mismatch)


def _outside(masks: list[int], mask: int) -> float:
    return sum(not m & mask for m in masks) / len(masks) if masks else 0.0


def _never_meet(tally: Tally) -> float:
    """Share of neighbouring content terms, both in the context, that never stand in one or in neighbouring sentences."""
    where = tally.context.where
    known = [where[t.term] for t, _ in tally.kept if t.term in where]
    pairs = list(itertools.pairwise(known))
    return sum(not a & (b | b << 1 | b >> 1) for a, b in pairs) / len(pairs) if pairs else 0.0


def _denied(tally: Tally, text: str, asked: Set[str], weigh: Weights) -> float:
    """How much of what is said not to be told one sentence of the context does tell; 0 for a sentence that denies nothing."""
    if not cues.denies(text):
        return 0.0
    said = Tally(tally.part, tally.context, asked, weigh)
    return said.cover * _best(said)[0].cover


def _cited(tally: Tally, text: str) -> tuple[float, float]:
    """Whether a numbered passage is cited, and how much less of the unit it covers than the whole context does."""
    mask = 0
    for number in cues.citations(text):
        mask |= tally.context.passage(number)
    if not mask:
        return 0.0, 0.0
    held = sum(w for t, w in tally.kept if tally.context.where.get(t.term, 0) & mask)
    return 1.0, tally.cover - held / (tally.weight or 1.0)


@lru_cache(512)  # an answer is read once for each answer that it is compared with
def _form(text: str) -> tuple[float, ...]:
    """Values of `_FORM`."""
    return (
        float(text.endswith("?")), float("!" in text), float(text[:1] in ("-", "*", "•") or text[:2].rstrip(".").isdigit()),
        float(text.endswith(":")),
        float(bool(text) and text == text.lower()), *cues.flags(text),
    )  # fmt: skip
