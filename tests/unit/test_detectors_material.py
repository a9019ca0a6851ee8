"""What an answer is judged by: documents before tools before the prompt, never what came later; and which answers are judged."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.judging import Answer, judge, registered, why_null
from detectors.material import Material, Text, material, turns
from detectors.sampling import chosen, hint, share
from spanledger.policy import Detectors, Sampling, SchemaEntry

LONG = "The warranty covers parts and labour for two years from the day of purchase. " * 5


def call(**told: object) -> Text:
    return Text(**{"span_id": "c", "ts_us": 1_000, "kind": "llm", "prompt": "user: How long?", "response": "Two years.", **told})  # type: ignore[arg-type]


def found(own: Text, *others: Text) -> Material:
    made = material([own], [own, *others], 1_000, 2_000)
    assert made is not None
    return made


def test_documents_on_the_call_come_first() -> None:
    made = found(call(context=("own",)), Text("r", 500, "retriever", context=("trace",)))
    assert (made.context, made.source, made.question) == (("own",), "call", "How long?")


def test_documents_and_tool_outputs_before_the_call_count_and_later_ones_do_not() -> None:
    early, late = Text("r", 500, "retriever", context=("a", "b")), Text("t", 3_000, "tool", tool_output="later")
    made = found(call(), early, Text("t0", 900, "tool", tool_output="told"), late)
    assert (made.context, made.source) == (("told", "a", "b"), "trace")


def test_a_prompt_may_carry_its_own_context() -> None:
    inside = found(call(prompt=f"system: Answer from this. {LONG}\nuser: How long?"))
    assert (inside.source, inside.question) == ("prompt", "How long?")
    told = found(call(prompt=f"user: {LONG}\n\nQuestion: How long is it?"))
    assert (told.source, told.question) == ("prompt", "How long is it?")
    assert LONG.strip() in told.context


def test_tool_turns_of_a_prompt_are_context() -> None:
    assert found(call(prompt="user: How long?\ntool: two years\nuser: Well?")).context == ("two years",)


def test_a_short_prompt_is_closed_book_and_no_answer_is_nothing() -> None:
    assert found(call()).context == ()
    assert material([call(response=" ")], [], 0, 1) is None
    assert material([], [], 0, 1) is None


@pytest.mark.parametrize(
    ("said", "is_source"),
    [
        ("resizer: error rate 57 percent for 19 minutes, traced to a bad feature flag; rolled back by the engineer on call.", True),
        ("Explain why payment 4711 over 3540 euros from Norway was held after nine attempts came in within an hour today.", True),
        ("I am looking for headphones as a present, around 140 euros, for somebody who travels a lot by train and plane.", False),
        ("Explain why payment 96566733 over 3720 euros from Chile was held.", True),
        ("Explain why the sky is blue.", False),
        ("Write a warm advertisement for noise-cancelling headphones, at most fifty words, that one would like to read aloud.", False),
    ],
)
def test_a_prompt_that_hands_over_a_text_is_its_own_context(said: str, is_source: bool) -> None:
    assert found(call(prompt=f"user: {said}")).context == ((said,) if is_source else ())


def test_turns_are_split_by_role_only_at_the_start_of_a_line() -> None:
    assert turns("system: Be kind.\nuser: Is user: a role?\nsecond line") == [("system", "Be kind."), ("user", "Is user: a role?\nsecond line")]
    assert turns("plain") == [("user", "plain")]


def test_the_most_specific_registered_schema_wins() -> None:
    entries = [
        SchemaEntry.model_validate({"schema": {"const": i}, **told})
        for i, told in enumerate([{}, {"app": "a"}, {"app": "a", "route": "r*"}, {"app": "b"}])
    ]
    assert registered(entries, {"app_id": "a", "route": "s"}) is entries[1]
    assert registered(entries, {"app_id": "c"}) is entries[0]
    assert registered(entries[1:2], {"app_id": "c"}) is None


def test_a_redacted_answer_is_not_blamed_for_what_redaction_broke() -> None:
    entry = SchemaEntry.model_validate({"schema": {"properties": {"mail": {"pattern": "@"}}}})
    answer = Answer({"app_id": "a"}, Material("", (), '{"mail": "[EMAIL]"}', "", ""))
    verdicts, _ = judge([answer], Detectors(schemas=[entry]))[0]
    assert next(v for v in verdicts if v.detector == "schema").reason == "redacted_text"


def test_nothing_is_judged_that_was_not_chosen_or_has_no_text() -> None:
    left, silent = Answer({}, None, chosen=False), Answer({}, None)
    results = judge([left, silent], Detectors())
    assert [c.score for _, c in results] == [None, None]
    assert [why_null(a, v) for a, (v, _) in zip((left, silent), results, strict=True)] == ["not_sampled", "no_text"]


def test_thresholds_and_disabled_detectors_of_the_policy_are_kept() -> None:
    answer = Answer({}, Material("", ("Cats sleep.",), "Dogs bark loudly at night.", "call", ""))
    assert judge([answer], Detectors(thresholds={"grounding": 1.0}))[0][0][0].flagged is False
    assert judge([answer], Detectors(disable=["grounding"]))[0][0] == []


@given(st.lists(st.text("ab01", min_size=1, max_size=8), max_size=30), st.floats(0, 1), st.sampled_from(["all", "rate", "risk_first", "none"]))
def test_sampling_is_repeatable_and_keeps_to_what_is_left(traces: list[str], ratio: float, mode: str) -> None:
    calls = [{"trace_id": t} for t in traces]
    policy = Sampling(mode=mode, ratio=Decimal(str(round(ratio, 3))))  # type: ignore[arg-type]
    assert chosen(calls, policy) == chosen(calls, policy)
    assert sum(chosen(calls, policy, left=3)) <= 3


def test_a_rate_takes_whole_traces_and_about_its_share() -> None:
    calls = [{"trace_id": f"{i // 2:032x}"} for i in range(4_000)]
    kept = chosen(calls, Sampling(mode="rate", ratio=Decimal("0.25")))
    assert all(a == b for a, b in zip(kept[::2], kept[1::2], strict=True))
    assert sum(kept) / len(kept) == pytest.approx(0.25, abs=0.03)
    assert 0 <= share("x") < 1


def test_risk_first_takes_the_riskiest_looking() -> None:
    calls = [{"trace_id": "a", "finish_reason": "stop", "context_hash": "x"}, {"trace_id": "b", "finish_reason": "length", "fallback": True}]
    assert hint(calls[1]) > hint(calls[0])
    assert chosen(calls, Sampling(mode="risk_first", ratio=Decimal("0.5"))) == [False, True]


@pytest.mark.parametrize(
    "prompt",
    [
        "user: Translate into French: A plan can be cancelled within 14 days.",
        "system: You translate faithfully into French.\nuser: A plan can be cancelled within 14 days.",
    ],
)
def test_a_translation_is_judged_by_what_it_carries_over(prompt: str) -> None:
    told = found(call(prompt=prompt))
    assert told.source == "translation"
    assert told.context[0].endswith("A plan can be cancelled within 14 days.")


def test_a_question_about_translations_is_no_translation() -> None:
    assert found(call(prompt="user: How many translators work for the European Union?")).source == ""
