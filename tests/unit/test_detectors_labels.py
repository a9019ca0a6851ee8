"""Labels from a file: what a line must say, and which call it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from spanledger.commands.labels import by_trace, sensible, statement
from spanledger.errors import ConfigError

TRACE, SPAN, TWIN = "a" * 32, "b" * 16, "c" * 16
CALL = {
    "trace_id": TRACE, "span_id": SPAN, "members": [SPAN, TWIN], "ts": datetime(2026, 11, 1, tzinfo=UTC), "project": "p", "app_id": "chat",
    "team": "t", "tenant_hash": "h", "user_hash": "u",
}  # fmt: skip


def said(row: dict[str, Any], calls: list[dict[str, Any]] | None = None) -> Any:
    return statement(sensible(row, 1, "file"), by_trace([CALL] if calls is None else calls), "me", lambda text: text.upper())


def test_a_label_takes_its_dimensions_from_the_call() -> None:
    made = said({"trace_id": TRACE, "span_id": SPAN, "hallucinated": True})
    assert (made.kind, made.name, made.value, made.app_id, made.team, made.actor) == ("label", "hallucination", 1.0, "chat", "t", "me")


def test_a_span_told_with_the_call_counts_as_the_call() -> None:
    assert said({"trace_id": TRACE, "span_id": TWIN, "kind": "thumb", "value": -1}).span_id == bytes.fromhex(SPAN)


def test_the_same_line_again_is_the_same_statement_and_another_persons_is_not() -> None:
    row = {"trace_id": TRACE, "kind": "thumb", "value": 1}
    assert said(row).id == said({**row, "value": -1}).id
    assert said(row).id != said({**row, "actor": "her"}).id


def test_comments_are_redacted() -> None:
    assert said({"trace_id": TRACE, "kind": "review", "comment": "wrong"}).comment == "WRONG"


def test_a_line_about_an_unknown_call_makes_no_statement() -> None:
    assert said({"trace_id": TRACE, "kind": "thumb"}, []) is None
    assert said({"trace_id": TRACE, "span_id": "d" * 16, "kind": "thumb"}) is None


@pytest.mark.parametrize(
    "row",
    [
        {"trace_id": "xyz", "kind": "thumb"},
        {"kind": "thumb"},
        {"trace_id": TRACE, "kind": "cheer"},
        {"trace_id": TRACE, "kind": "thumb", "value": 3},
        {"trace_id": TRACE, "kind": "label", "value": 0.5},
        {"trace_id": TRACE, "kind": "business", "value": "much"},
        {"trace_id": TRACE, "kind": "business", "value": float("nan")},
        {"trace_id": TRACE, "kind": "business", "value": 10**400},
        {"trace_id": TRACE, "hallucinated": "false"},
        {"trace_id": TRACE, "kind": "thumb", "colour": "red"},
    ],
)
def test_a_line_that_says_nothing_sensible_is_named(row: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="file:7"):
        sensible(row, 7, "file")
