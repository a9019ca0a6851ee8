"""Rules are data: every one shows what it finds and what it leaves alone, is linear, and says which class it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import re2

from collector.redaction import Redactor, rules
from collector.redaction.hits import HIT_NUMBER
from spanledger.errors import ConfigError

RULES = rules.load()


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def fired(redactor: Redactor, rule: rules.Rule, text: str) -> bool:
    """Does a view rule's trigger fire?"""
    raw = text.encode()
    numbers = {i for i, t in enumerate(rules.triggers(RULES)) if t.rule.id == rule.id}
    return any(hit & HIT_NUMBER in numbers for hit in redactor._finder.scanner.hits(b"\0" + raw + b"\0", [1], [1 + len(raw)]))


def found(redactor: Redactor, rule: rules.Rule, text: str) -> set[str]:
    if rule.class_name == "VIEW":
        return {"VIEW"} if fired(redactor, rule, text) else set()
    return {e.class_name for e in redactor.redact(text).entities}


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_a_rule_has_at_least_three_positives_and_three_negatives_and_they_hold(redactor: Redactor, rule: rules.Rule) -> None:
    assert len(rule.positives) >= 3
    assert len(rule.negatives) >= 3
    missed = [p for p in map(rules.example, rule.positives) if not found(redactor, rule, p)]
    wrong = [n for n in map(rules.example, rule.negatives) if rule.class_name in found(redactor, rule, n)]
    assert (missed, wrong) == ([], [])


def test_rule_names_are_unique() -> None:
    assert len({r.id for r in RULES}) == len(RULES)


def test_triggers_are_linear_expressions_that_both_engines_take() -> None:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    for trigger in rules.triggers(RULES):
        assert re2.compile(trigger.expression, options)


def test_classes_are_upper_case_names() -> None:
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", r.class_name) for r in RULES)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return path


def test_a_users_rule_redacts_its_first_group(tmp_path: Path) -> None:
    path = write(tmp_path, "- {id: badge, class: BADGE, pattern: 'badge ([A-Z]{2}\\d{4})', positives: ['badge AB1234'], negatives: ['badge x']}")
    redactor = Redactor(user_rules=[path])
    assert redactor.redact("my badge AB1234 is lost").text == "my badge [BADGE] is lost"
    assert Redactor(user_rules=[path], engine="re2").redact_batch(["é badge AB1234"]) == ["é badge [BADGE]"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- {id: a, class: A1, pattern: '(?=x)y'}", "linear"),
        ("- {id: a, class: A1, pattern: '(x)\\1'}", "linear"),
        ("- {id: a, class: A1, pattern: 'x*'}", "empty text"),
        ("- {id: a, class: low, pattern: 'x'}", "upper case"),
        ("- {id: a, class: A1, pattern: 'x', positives: ['y']}", "positive"),
        ("- {id: a, class: A1, pattern: 'x', negatives: ['xx']}", "negative"),
        ("- {id: a}", "needs id"),
        ("{", "own.yaml"),
    ],
)
def test_a_bad_user_rule_is_refused_with_file_and_reason(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Redactor(user_rules=[write(tmp_path, text)])


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.longest], ids=lambda r: r.id)
def test_a_pattern_is_as_long_as_its_rule_says(rule: rules.Rule) -> None:
    assert re._parser.parse(rule.pattern).getwidth()[1] == rule.longest  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.words or rule.not_words], ids=lambda r: r.id)
def test_words_have_no_digits(rule: rules.Rule) -> None:
    """What is said around numbers is remembered with digits told as zeros (``matching.py``)."""
    assert not re.search(r"[0-9]|\\d", rule.words + rule.not_words)
