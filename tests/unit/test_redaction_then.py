"""What a rule asks first (``then``) dismisses nothing that its pattern would find."""

import random
import re
from dataclasses import replace

import pytest

from collector.redaction.keys import pattern_handler
from collector.redaction.rules import Rule, example, load

RULES = [rule for rule in load() if rule.then]


def _found(rule: Rule, text: bytes) -> set[tuple[int, int]]:
    """Of all places where the trigger ends, as the scan tells them: those that overlap too."""
    handle, out = pattern_handler(rule), []
    flags = re.IGNORECASE if rule.ignore_case else 0
    triggers = [re.compile(trigger.encode("latin-1"), flags) for trigger in rule.trigger]
    for to in sorted({m.end() for trigger in triggers for at in range(len(text)) if (m := trigger.match(text, at))}):
        handle(text, to, 0, len(text), out)
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


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_nothing_is_dismissed_that_the_pattern_finds(rule: Rule):
    rng, loose, hits = random.Random(rule.id), replace(rule, then=""), 0
    for _ in range(400):
        text = b"  " + example(rng.choice(rule.positives)).encode() + b"  "
        for _ in range(rng.randrange(4)):
            text = _changed(rng, text)
        found = _found(rule, text)
        assert found == _found(loose, text), text
        hits += bool(found)
    assert hits > 100
