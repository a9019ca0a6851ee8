"""Redaction follows the policy as it is reloaded: new rules, classes and allowed values count from the next batch on."""

from __future__ import annotations

from typing import Any

import pytest

from collector.identity import IdentityKeys
from collector.redaction import Redactor
from collector.redaction.renewing import Renewing
from collector.sealing import Sealer
from spanledger.errors import ConfigError
from spanledger.model import Content, Message, Span
from spanledger.policy import Policy

RULE = {"name": "EMPLOYEE_ID", "pattern": "EMP-[0-9]{6}", "positives": ["EMP-123456"]}


def policy(**redaction: Any) -> Policy:
    return Policy.model_validate({"redaction": redaction})


def make(told: Policy) -> Redactor:
    rules = [{**r.model_dump(exclude={"name", "triggers"}), "id": r.name.lower(), "class": r.name} for r in told.redaction.rules]
    return Redactor(user_rules=rules, disable=told.redaction.disable, allow=told.redaction.allow)


def sealed(sealer: Sealer) -> tuple[str, str]:
    """Name and prompt of a span as they would be stored."""
    span = Span(project="p", service="s", trace_id=b"t" * 16, span_id=b"s" * 8, name="chat for EMP-123456", start_ns=1, end_ns=2)
    ((stored, content),) = sealer.seal([(span, Content(messages=[Message("user", "I am EMP-123456, ana@example.org")]))])
    assert content is not None
    return stored.name, content.messages[0].text


def test_a_changed_rule_counts_from_the_next_batch_on_for_texts_and_for_known_words() -> None:
    now = [policy()]
    renewing = Renewing(make, now[0])
    sealer = Sealer(renewing.engine, IdentityKeys(bytes(32)), lambda: now[0], renew=renewing)
    assert sealed(sealer) == ("chat for EMP-123456", "I am EMP-123456, [EMAIL]")
    now[0] = policy(rules=[RULE])
    assert sealed(sealer) == ("chat for [EMPLOYEE_ID]", "I am [EMPLOYEE_ID], [EMAIL]")
    now[0] = policy(rules=[RULE], disable=["EMAIL"])
    assert sealed(sealer) == ("chat for [EMPLOYEE_ID]", "I am [EMPLOYEE_ID], ana@example.org")
    now[0] = policy()
    assert sealed(sealer) == ("chat for EMP-123456", "I am EMP-123456, [EMAIL]")


def test_a_rule_that_cannot_be_used_leaves_the_last_good_ones_in_force() -> None:
    renewing = Renewing(make, policy(rules=[RULE]))
    assert renewing(policy(rules=[RULE, {**RULE, "name": "BROKEN", "pattern": "(?=x)x"}])) is None
    assert renewing.engine.redact("EMP-123456").text == "[EMPLOYEE_ID]"


def test_at_the_start_a_rule_that_cannot_be_used_is_an_error() -> None:
    with pytest.raises(ConfigError, match="not a linear-time pattern"):
        Renewing(make, policy(rules=[{**RULE, "pattern": "(?=x)x"}]))


def test_a_policy_with_the_same_wishes_costs_nothing() -> None:
    renewing = Renewing(make, policy(rules=[RULE]))
    before = renewing.engine
    assert renewing(policy(rules=[RULE])) is None
    assert renewing.engine is before
