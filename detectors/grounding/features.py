"""Evidence features of one claim against a context: what in it is new, and how it is put together.

A *unit* is a sentence or a whole response. All features are shares, weights or flags; those in
`LENGTH` grow with the text and are used only where the training command says so (research §3.5:
length features make a model learn which data set it looks at).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from detectors.text.context import ContextIndex
from detectors.text.lexicon import FIRST_PERSON, HEDGES, META, NEGATIONS, SECOND_PERSON
from detectors.text.words import NUMBER, STOP, Token

NAMES = (
    "novel_share", "novel_weight_share", "novel_weight_max", "novel_weight_second",
    "novel_weight_mean", "unasked_weight_share", "unasked_weight_max", "asked_only_share",
    "best_sentence_cover", "best_window_cover", "scatter", "pair_novelty", "triple_novelty",
    "content_pair_novelty", "longest_run_share", "in_run_share", "number_novel_share",
    "number_elsewhere_share", "name_novel_share", "name_elsewhere_share", "name_share",
    "negation_mismatch", "negated", "first_person_share", "second_person_share", "hedge_share",
    "meta_share", "asks", "exclaims", "never_meet_share", "novel_streak_share", "near_miss_share",
    "question_share", "weight_mean", "stop_novel_share", "is_item", "is_lead_in", "lower_case",
    "novel_weight_sum", "unasked_weight_sum", "novel_count", "number_novel_count",
    "name_novel_count", "longest_run_log", "words_log", "context_words_log",
)  # fmt: skip
LENGTH = NAMES[NAMES.index("novel_weight_sum") :]


class Weights:
    """Inverse document frequency of a term, from the bundled table; rare and unknown terms weigh most."""

    def __init__(self, table: Mapping[str, float], unknown: float) -> None:
        self.table = dict(table)
        self.unknown = unknown

    def __call__(self, term: str) -> float:
        return self.table.get(term, self.unknown)


class Evidence(NamedTuple):
    """The context sentence that covers most of a unit; ``sentence`` -1 when none shares a word."""

    sentence: int
    cover: float


def unit(
    part: list[Token], text: str, context: ContextIndex, asked: frozenset[str] | set[str], weigh: Weights, whole: bool = False
) -> tuple[list[float], Evidence]:
    """Feature values in the order of `NAMES`, and the best evidence sentence.

    Args:
        part: the unit's tokens; ``text`` the unit's characters.
        asked: terms of the question or dialogue history.
        whole: the unit is a full response (evidence may come from many sentences).
    """
    where, stops = context.where, context.stops
    n = len(part)
    weight_all = novel_all = unasked_all = question_all = 0.0
    top = second = unasked_top = streak = streak_top = 0.0
    content = novel = asked_only = near = numbers = numbers_novel = names = names_novel = 0
    stop_count = stop_novel = first = you = hedges = meta = 0
    negated = False
    kept: list[Token] = []
    for i, token in enumerate(part):
        term, word = token.term, token.word
        if word in NEGATIONS:
            negated = True
        if word in HEDGES:
            hedges += 1
        if token.kind == STOP:
            stop_count += 1
            stop_novel += term not in stops
            first += word in FIRST_PERSON
            you += word in SECOND_PERSON
            continue
        if word in META:
            meta += 1
            if term not in where:
                continue
        kept.append(token)
        content += 1
        weight = weigh(term)
        weight_all += weight
        is_name = token.capital and i > 0
        names += is_name
        is_number = token.kind == NUMBER
        numbers += is_number
        in_question = term in asked
        if in_question:
            question_all += weight
        if term in where:
            streak = 0.0
            continue
        if not is_number and len(term) >= 5 and term[:5] in context.prefixes:
            near += 1
        novel += 1
        novel_all += weight
        streak += weight
        streak_top = max(streak_top, streak)
        numbers_novel += is_number
        names_novel += is_name
        if weight > top:
            top, second = weight, top
        elif weight > second:
            second = weight
        if in_question:
            asked_only += 1
        else:
            unasked_all += weight
            unasked_top = max(unasked_top, weight)
    evidence, window = _best(kept, context, weigh, weight_all)
    pairs, triples, content_pairs, run, in_run = _order(part, kept, context)
    mask = 1 << evidence.sentence if evidence.sentence >= 0 else 0
    if whole:
        numbers_away = names_away = 0.0
    else:
        numbers_away = _elsewhere([t for t in kept if t.kind == NUMBER], where, mask)
        names_away = _elsewhere([t for t in kept if t.capital and t is not part[0]], where, mask)
    mismatch = bool(not whole and evidence.sentence >= 0 and negated != context.negated(evidence.sentence))
    total = weight_all or 1.0
    per = content or 1
    cover = (weight_all - novel_all) / total if weight_all else 0.0
    stripped = text.strip()
    row = [
        novel / per, novel_all / total, top, second, novel_all / per, unasked_all / total, unasked_top, asked_only / per,
        evidence.cover, window, cover - evidence.cover, pairs, triples, content_pairs, run / max(1, n), in_run,
        numbers_novel / max(1, numbers), numbers_away, names_novel / max(1, names), names_away, names / per,
        float(mismatch), float(negated), first / max(1, n), you / max(1, n), hedges / max(1, n),
        meta / max(1, meta + content), float(stripped.endswith("?")), float("!" in stripped),
        _never_meet(kept, where), streak_top / total, near / max(1, novel),
        question_all / total, weight_all / per, stop_novel / max(1, stop_count),
        float(stripped[:1] in "-*•" or stripped[:2].rstrip(".").isdigit()), float(stripped.endswith(":")),
        float(bool(stripped) and stripped == stripped.lower()),
        novel_all, unasked_all, float(novel), float(numbers_novel), float(names_novel), math.log1p(run), math.log1p(n),
        math.log1p(context.n_tokens),
    ]  # fmt: skip
    return row, evidence


def _best(kept: list[Token], context: ContextIndex, weigh: Weights, total: float) -> tuple[Evidence, float]:
    """The sentence, and the cover of the best two neighbouring sentences, by weight of distinct terms."""
    if not total:
        return Evidence(-1, 0.0), 0.0
    scores: dict[int, float] = {}
    distinct: dict[str, float] = {}
    for token in kept:
        distinct[token.term] = weigh(token.term)
    for term, weight in distinct.items():
        for number in context.postings.get(term, ()):
            scores[number] = scores.get(number, 0.0) + weight
    if not scores:
        return Evidence(-1, 0.0), 0.0
    best = max(scores, key=scores.__getitem__)
    total = sum(distinct.values())
    window = 0.0
    for other in (best - 1, best + 1):
        if other in scores:
            mask = (1 << best) | (1 << other)
            window = max(window, sum(w for t, w in distinct.items() if context.where.get(t, 0) & mask))
    return Evidence(best, scores[best] / total), max(scores[best], window) / total


def _order(part: list[Token], kept: list[Token], context: ContextIndex) -> tuple[float, float, float, int, float]:
    """Novelty of pairs, triples and content pairs; longest copied run (tokens); share of tokens in copied triples."""
    terms = [t.term for t in part]
    n = len(terms)
    pairs = [p in context.pairs for p in zip(terms, terms[1:], strict=False)]
    triples = [t in context.triples for t in zip(terms, terms[1:], terms[2:], strict=False)]
    content = [t.term for t in kept]
    content_pairs = [p in context.content_pairs for p in zip(content, content[1:], strict=False)]
    longest = run = 0
    for hit in triples:
        run = run + 1 if hit else 0
        longest = max(longest, run)
    length = longest + 2 if longest else (2 if any(pairs) else int(any(t in context.where for t in content)))
    covered = [False] * n
    for i, hit in enumerate(triples):
        if hit:
            covered[i] = covered[i + 1] = covered[i + 2] = True
    return _misses(pairs), _misses(triples), _misses(content_pairs), length, sum(covered) / max(1, n)


def _misses(hits: list[bool]) -> float:
    return 1.0 - sum(hits) / len(hits) if hits else 0.0


def _elsewhere(items: list[Token], where: dict[str, int], mask: int) -> float:
    """Share of terms that the context has, but not in the evidence sentence."""
    known = [where[t.term] for t in items if t.term in where]
    return sum(not m & mask for m in known) / len(known) if known else 0.0


def _never_meet(kept: list[Token], where: dict[str, int]) -> float:
    """Share of neighbouring content terms, both in the context, that never stand in one or neighbouring sentences."""
    known = [where[t.term] for t in kept if t.term in where]
    pairs = list(zip(known, known[1:], strict=False))
    if not pairs:
        return 0.0
    return sum(not a & (b | b << 1 | b >> 1) for a, b in pairs) / len(pairs)
