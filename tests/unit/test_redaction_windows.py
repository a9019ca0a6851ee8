"""Patterns searched in a window around a trigger: what spares a search (``then``, what was looked at before) dismisses nothing."""

import random
import re
from dataclasses import replace

import pytest

from collector.redaction.keys import pattern_handler
from collector.redaction.matching import Runaway
from collector.redaction.rules import Rule, example, load

RULES = [rule for rule in load() if rule.kind == "pattern" and not rule.back]


def _found(rule: Rule, text: bytes, *, afresh: bool = False) -> set[tuple[int, int]]:
    """Of all places where the trigger ends, as the scan tells them: those that overlap too."""
    handle, out, done = pattern_handler(rule), [], 0
    flags = re.IGNORECASE if rule.ignore_case else 0
    triggers = [re.compile(trigger.encode("latin-1"), flags) for trigger in rule.trigger]
    Runaway.generation += 1
    for to in sorted({m.end() for trigger in triggers for at in range(len(text)) if (m := trigger.match(text, at))}):
        Runaway.generation += afresh  # as if it were another buffer
        if to > done:
            done = handle(text, to, 0, len(text), out)
    return {(start, end) for start, end, _ in out}


def _changed(rng: random.Random, text: bytes) -> bytes:
    cut = rng.randrange(len(text))
    match rng.randrange(5):
        case 0:
            return text[:cut] + text[cut + 1 :]
        case 1:
            return text[:cut] + rng.choice([b" ", b"\n", b".", b"-", b"_", b"a", b"7", b'"', b"~"]) + text[cut:]
        case 2:
            return text[:cut] + text
        case 3:
            return text + b" " + text[cut:]
        case _:
            return text


def _texts(rule: Rule, times: int) -> list[bytes]:
    rng, texts = random.Random(rule.id), []
    for _ in range(times):
        text = b"  " + example(rng.choice(rule.positives)).encode() + b"  "
        for _ in range(rng.randrange(5)):
            text = _changed(rng, text)
        texts.append(text)
    return texts


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.then], ids=lambda rule: rule.id)
def test_nothing_is_dismissed_that_the_pattern_finds(rule: Rule):
    loose, hits = replace(rule, then=""), 0
    for text in _texts(rule, 400):
        found = _found(rule, text)
        assert found == _found(loose, text), text
        hits += bool(found)
    assert hits > 100


def test_what_was_looked_at_without_avail_needs_no_second_look():
    hits = 0
    for rule in RULES:
        for text in _texts(rule, 40):
            found = _found(rule, text)
            assert found == _found(rule, text, afresh=True), (rule.id, text)
            hits += len(found)
    assert hits > 40 * len(RULES) / 2
