"""Every way in which a structured answer fails has its class; nothing is fetched, nothing of the text is kept."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.schema import check
from detectors.schema.carriers import schema_in
from detectors.schema.compiled import MAX_COMPILED, cached, compiled
from detectors.schema.loose import loose

TICKET: dict[str, Any] = {
    "type": "object",
    "required": ["kind"],
    "additionalProperties": False,
    "properties": {"kind": {"enum": ["billing", "other"]}, "tags": {"type": "array", "items": {"type": "string"}}},
}
GOOD = '{"kind": "billing"}'


@pytest.mark.parametrize(
    ("response", "name", "strict", "recoverable"),
    [
        (GOOD, "valid", True, True),
        (f"\n {GOOD}\n", "valid", True, True),
        ('{"kind": "other", "tags": ["```sh\\nls\\n```"]}', "valid", True, True),
        (f"```json\n{GOOD}\n```", "fenced", False, True),
        (f"```json\n{GOOD}", "fenced", False, True),
        (f"~~~\n{GOOD}\n~~~", "fenced", False, True),
        ('```json\n{"kind": "other", "tags": ["```sh\\nls\\n```"]}\n```', "fenced", False, True),
        (f"Sure! {GOOD}", "prose", False, True),
        (f"{GOOD}\nI used section [3] and {{this}}.", "prose", False, True),
        (f"<think>maybe {{kind}}?</think>{GOOD}", "prose", False, True),
        (f"{GOOD}\n{GOOD}", "several_values", False, False),
        ('{"kind": "bil', "truncated", False, False),
        ('```json\n{"kind": "bil', "truncated", False, False),
        ("{'kind': 'billing'}", "repairable_syntax", False, False),
        ('{"kind": "billing",}', "repairable_syntax", False, False),
        ('{"kind": None}', "repairable_syntax", False, False),
        ('{// why\n"kind": "billing"}', "repairable_syntax", False, False),
        ('{"kind": "bil\nling"}', "repairable_syntax", False, False),
        ('{"kind": NaN}', "repairable_syntax", False, False),
        (json.dumps(GOOD), "double_encoded", False, False),
        ("I'm sorry, but I can't help with that.", "refusal", False, False),
        ("The ticket is about billing.", "not_json", False, False),
        ("", "empty", False, False),
        ("null", "empty", False, False),
        ('{"kind": "wrong"}', "violation", False, True),
    ],
)
def test_each_failure_has_its_class(response: str, name: str, strict: bool, recoverable: bool) -> None:
    verdict = check(response, TICKET, "stop")
    assert (verdict.class_, verdict.strict_valid, verdict.recoverable) == (name, strict, recoverable)


@pytest.mark.parametrize(
    ("response", "score", "path"),
    [
        ("{}", 1.0, ""),
        ('{"tags": []}', 1.0, ""),
        ('{"kind": "other", "more": 1}', 0.6, ""),
        ('{"kind": "wrong"}', 0.8, "/kind"),
        ('{"kind": "other", "tags": ["a", 2]}', 1.0, "/tags/1"),
        ('Here: {"kind": "wrong"}', 0.8, "/kind"),
    ],
)
def test_a_violation_is_as_bad_as_its_worst_error_and_says_where(response: str, score: float, path: str) -> None:
    verdict = check(response, TICKET, None)
    assert (verdict.score, verdict.error_path) == (score, path)


def test_a_finish_reason_explains_before_the_model_is_blamed() -> None:
    assert check('{"kind": "billing", ]', TICKET, "length").class_ == "truncated"
    assert check("", TICKET, "content_filter").class_ == "filtered"


def test_without_a_schema_only_the_syntax_counts() -> None:
    assert check("[1, 2]", None, None).strict_valid
    assert check("[1, 2", None, None).class_ == "truncated"
    assert check("[1, 2]", None, None).schema_state == "none"


def test_error_paths_do_not_show_keys_that_come_from_the_text() -> None:
    by_name = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert check('{"jane@example.com": "x"}', by_name, None).error_path == "/*"


@pytest.mark.parametrize(
    ("schema", "state"),
    [
        ({"$ref": "https://example.com/schema.json"}, "remote_reference"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "remote_reference"),
        ({"type": "nonsense"}, "invalid_schema"),
        ({"enum": ["x" * 300_000]}, "too_large"),
        ({"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"}, "used"),
    ],
)
def test_schemas_that_cannot_be_trusted_are_refused_with_a_reason(schema: dict[str, Any], state: str) -> None:
    verdict = check("1", schema, None)
    assert verdict.schema_state == state
    assert verdict.strict_valid


def test_a_schema_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"properties": {"a": deep}}
    assert check("{}", deep, None).schema_state == "too_deep"


def test_the_cache_of_compiled_schemas_is_bounded() -> None:
    for i in range(MAX_COMPILED + 20):
        compiled({"const": i})
    assert cached() == MAX_COMPILED


@pytest.mark.parametrize(
    "carried",
    [
        TICKET,
        json.dumps(TICKET),
        {"type": "json_schema", "json_schema": {"name": "ticket", "strict": True, "schema": TICKET}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": TICKET}}},
        {"text": {"format": {"type": "json_schema", "name": "t", "schema": TICKET}}},
        {"response_mime_type": "application/json", "response_schema": TICKET},
        {"name": "ticket", "schema": TICKET},
        {"model": "m", "response_format": json.dumps({"type": "json_schema", "json_schema": {"schema": TICKET}})},
        {"config": {"temperature": 0}, "generationConfig": {"responseMimeType": "application/json", "responseSchema": TICKET}},
        {"output_config": {"format": {"type": "json_schema", "schema": TICKET}}},
        {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(TICKET)}}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema_definition": TICKET}}},
        {"model": "m", "format": TICKET},
        {"extra_body": {"guided_json": TICKET}},
        {"output_mode": "native", "output_object": {"json_schema": TICKET, "name": "ticket"}},
        {"output": {"format": "json", "schema": TICKET}},
    ],
)
def test_a_schema_is_found_in_every_shape_that_carries_one(carried: Any) -> None:
    assert schema_in(carried) == TICKET


@pytest.mark.parametrize(
    "carried",
    [
        None,
        "",
        "no json",
        {"type": "json_object"},
        {"response_format": {"type": "text"}},
        {"format": "json", "text": "{"},
        {"output": {"type": "message"}},
        3,
    ],
)
def test_shapes_without_a_schema_give_none(carried: Any) -> None:
    assert schema_in(carried) is None


@pytest.mark.parametrize(
    "broken",
    [
        '{"kind": "other",}', "{'kind': 'other'}", '{kind: "other"}', '{“kind”: “other”}', '{"kind": "other" "tags": []}',
        '{"kind": "other", // why\n "tags": []}', '{"kind": "other", # why\n "tags": []}', '{"kind": None}', "{'kind': \"it's\"}", '{"kind": 0x10}',
        '{"kind": +3}', '{"kind": 03}', '{"kind": NaN}', '{"kind": "other", ...}', '{"kind": "C:\\dir"}', '{"kind": "a\nb"}', '{"kind": ("a", "b")}',
        '{"kind": undefined}', "```python\n{'kind': 'other'}\n```",
    ],
)  # fmt: skip
def test_json_but_for_its_spelling_is_named_and_never_repaired(broken: str) -> None:
    verdict = check(broken, TICKET, None)
    assert (verdict.class_, verdict.strict_valid, verdict.recoverable) == ("repairable_syntax", False, False)


@pytest.mark.parametrize(
    ("response", "name"),
    [
        (f"```JSON5\n{GOOD}\n```", "fenced"), (f'```json title="a.json"\n{GOOD}\n```', "fenced"), (f"  ```json\n  {GOOD}\n  ```", "fenced"),
        (f"<json>{GOOD}</json>", "prose"), (f"json\n{GOOD}", "prose"), (f"{GOOD};", "prose"), (f"\ufeff{GOOD}", "prose"),
        (f"{GOOD}, {GOOD}", "several_values"), (json.dumps(GOOD), "double_encoded"), ('{"kind": 3}', "violation"), (f"[{GOOD}]", "violation"),
        (f'{{"result": {GOOD}}}', "violation"), ("kind: other", "not_json"), ('{"kind":', "truncated"),
    ],
)  # fmt: skip
def test_styles_of_providers_have_their_class(response: str, name: str) -> None:
    assert check(response, TICKET, None).class_ == name


def test_loose_reading_takes_linear_time_and_bounded_depth() -> None:
    began = time.process_time()
    for hostile in ("{" + "/* " * 60_000, "{" + '"a' * 60_000, "[" * 100_000, "{" + "'" * 180_000, '{"a": ' * 20_000, "{" + "“" * 60_000):
        assert not loose(hostile)
    assert time.process_time() - began < 5


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab'\"", max_size=3), lambda v: st.dictionaries(st.text("ab"), v, max_size=3)
    )
)
def test_what_python_prints_of_a_dict_is_loosely_json(value: Any) -> None:
    assert loose(json.dumps({"a": value}))
    assert loose(repr({"a": value}))


@given(st.text(alphabet='{}[]",:`~ \n\\abc123<>/thinknullr', max_size=120), st.sampled_from([None, "stop", "length"]))
def test_no_text_breaks_the_check(text: str, finish: str | None) -> None:
    verdict = check(text, TICKET, finish)
    assert 0.0 <= verdict.score <= 1.0
    assert verdict.strict_valid <= verdict.recoverable


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3), lambda v: st.lists(v, max_size=3), max_leaves=6))
def test_valid_json_without_a_schema_is_always_valid(value: Any) -> None:
    assert check(json.dumps(value), None, None).strict_valid


def test_the_shared_regression_set_is_decided_right(shared: Path) -> None:
    rows = [json.loads(line) for line in (shared / "data" / "hallucination" / "schema_failures.jsonl").open(encoding="utf8")]
    for row in rows:
        verdict = check(row["response"], row["schema"], row["finish_reason"])
        assert (verdict.strict_valid, verdict.recoverable) == (row["strict_valid"], bool(row["recoverable_payload"])), row["id"]


@pytest.mark.parametrize(
    ("answer", "right"), [('{"a": "x", "n": null}', True), ('{"a": 1}', False), ('{"a": "x", "n": ["y"]}', False), ("{}", False)]
)
def test_a_schema_in_geminis_words_is_checked_like_any_other(answer: str, right: bool) -> None:
    items = {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2", "nullable": True}
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "n": items}, "required": ["a"]}
    verdict = check(answer, {"response_schema": schema}, None)
    assert (verdict.schema_state, verdict.strict_valid) == ("used", right)
