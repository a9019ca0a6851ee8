"""The redactor as its callers see it: texts in, texts out, offsets, counts, views, fail closed."""

from __future__ import annotations

import importlib.util
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor, budget, engine
from collector.redaction.evaluate import evaluate

_spec = importlib.util.spec_from_file_location("bench_redaction", Path(__file__).parents[1] / "bench" / "bench_redaction.py")
assert _spec is not None
assert _spec.loader is not None
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)

FAST = Redactor()
SLOW = Redactor(engine="re2")
CARD = "4539148803436467"
SECRET = "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z"


def red(text: str) -> str:
    return FAST.redact(text).text


def test_a_text_without_anything_personal_comes_back_as_the_same_object() -> None:
    text = "The cache was warm, the tests were green, and 42 was the answer."
    assert FAST.redact_batch([text])[0] is text


def test_entities_are_offsets_in_code_points_of_the_input() -> None:
    text = "Größe: ü — write to ana@example.org, naïve one"
    (entity,) = FAST.redact(text).entities
    assert (entity.class_name, text[entity.start : entity.end]) == ("EMAIL", "ana@example.org")


def test_order_is_kept_and_ungrouped_neighbours_do_not_leak_into_each_other() -> None:
    assert FAST.redact_batch(["4539 1488", "0343 6467", "x@example.org", ""]) == ["4539 1488", "0343 6467", "[EMAIL]", ""]


def test_counts_are_taken_once() -> None:
    redactor = Redactor()
    redactor.redact_batch(["a@example.org b@example.org", CARD])
    assert redactor.take_counts() == ({"EMAIL": 2, "CREDIT_CARD": 1}, {})
    assert redactor.take_counts() == ({}, {})


def test_a_key_makes_low_risk_classes_joinable_and_no_others() -> None:
    redactor = Redactor(key=b"k" * 32)
    one, two, three = redactor.redact_batch(["a ana@example.org", "b ANA@example.org", f"card {CARD}"])
    assert one[2:] == two[2:]
    assert one.startswith("a [EMAIL:")
    assert three == "card [CREDIT_CARD]"
    assert Redactor(key=b"j" * 32).redact_batch(["a ana@example.org"])[0] != one
    assert redactor.redact(one).text == one


@pytest.mark.parametrize(
    "text",
    [
        "card \\u0034\\u0035\\u0033\\u0039148803436467",
        "ana%2540example.org",
        "pan=4539%201488%200343%206467&x=1",
        "４５３９１４８８０３４３６４６７",
        "my card 4539\u200b1488\u200b0343\u200b6467",
        '{"a":"{\\"b\\":\\"4539148803436467\\"}"}',
        "card\n4539\n1488\n0343\n6467",
        "blob eyJjYXJkIjoiNDUzOTE0ODgwMzQzNjQ2NyJ9",
        "card four five three nine one four eight eight zero three four three six four six seven",
        "4539\x001488\x000343\x006467",
        "٤٥٣٩١٤٨٨٠٣٤٣٦٤٦٧",
    ],
)
def test_disguised_values_are_found(text: str) -> None:
    result = FAST.redact(text)
    assert result.entities
    assert CARD not in "".join(c for c in result.text if c.isalnum())
    assert "1488" not in result.text


def test_a_value_cut_by_message_borders_goes_from_every_part() -> None:
    texts = ["my card starts 45391488", "and ends 03436467", "thanks"]
    out = FAST.redact_batch(texts, [7, 7, 7])
    assert out == ["my card starts [CREDIT_CARD]", "and ends [CREDIT_CARD]", "thanks"]
    assert FAST.redact_batch(texts, [1, 2, 3]) == texts


def test_a_key_streamed_in_chunks_goes_from_every_chunk() -> None:
    key = "sk-proj-" + SECRET * 2
    chunks = [key[i : i + 7] for i in range(0, len(key), 7)]
    out = FAST.redact_batch(chunks, [0] * len(chunks))
    assert set(out) == {"[OPENAI_KEY]"}


def test_messages_inside_a_json_text_count_as_parts() -> None:
    text = json.dumps([{"role": "user", "content": "starts 45391488"}, {"role": "user", "content": "and ends 03436467"}])
    out = red(text)
    assert "45391488" not in out
    assert "03436467" not in out
    json.loads(out)


def test_a_lone_surrogate_is_dropped_not_passed() -> None:
    redactor = Redactor()
    result = redactor.redact("mail ana@example.org \ud800")
    assert (result.text, result.dropped) == ("[DROPPED:invalid_text]", "invalid_text")
    assert redactor.redact_batch(["ok", "\ud800 x", "fine"]) == ["ok", "[DROPPED:invalid_text]", "fine"]
    assert redactor.dropped == {"invalid_text": 2}


def test_a_defect_in_a_matcher_drops_the_text_it_meets_and_keeps_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()

    def broken(*_: object) -> int:
        raise RuntimeError("defect")

    monkeypatch.setattr(redactor._finder.table, "handlers", [broken] * len(redactor._finder.table.handlers))
    assert redactor.redact_batch(["plain words", "ana@example.org"]) == ["plain words", "[DROPPED:error]"]
    assert redactor.dropped == {"error": 1}


def test_a_text_over_its_budget_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "BUDGET_S", -1.0)
    redactor = Redactor()
    assert redactor.redact_batch(["a@example.org " * 100, "b@example.org " * 100]) == ["[DROPPED:time]"] * 2
    assert redactor.dropped == {"time": 2}


def test_an_oversized_text_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_BYTES", 10)
    assert Redactor().redact_batch(["short", "much too long for ten"]) == ["short", "[DROPPED:too_large]"]


@pytest.mark.hurried
@pytest.mark.parametrize("name", list(bench.adversarial(10)))
def test_hostile_input_ends_soon(name: str) -> None:
    """The best of three looks, since a garbage collection of this process may fall into one; ``bench_redaction.py --adversarial`` prints figures."""
    text = bench.adversarial()[name]

    def spent() -> float:
        start = time.thread_time()
        FAST.redact_batch([text])
        return time.thread_time() - start

    assert any(spent() < 0.25 for _ in range(3))


def test_both_engines_agree_offsets_are_valid_and_twice_is_once() -> None:
    dense = [text for seed in (10_500, 13_000, 36_500, 75_000, 87_500) for text in bench.fuzzed(5, seed=seed, most=240)]
    texts = [*bench.fuzzed(2000), *dense, "I live at 2399 Kingsway Blvd'Main Street, x"]
    fast, slow = FAST.redact_parts(texts), SLOW.redact_parts(texts)
    again = FAST.redact_parts([r.text for r in fast])
    for text, a, b, twice in zip(texts, fast, slow, again, strict=True):
        assert a == b, text
        assert all(0 <= e.start < e.end <= len(text) for e in a.entities)
        assert twice.text == a.text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_redacted_the_same_by_both_engines_and_once_for_all(text: str) -> None:
    a = FAST.redact(text)
    assert a == SLOW.redact(text)
    assert FAST.redact(a.text).text == a.text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["plain", f"card {CARD}", "x@example.org", "\ud800", "", "a\0b", "pwd=S3cret!9"]), max_size=12))
def test_a_batch_gives_what_its_texts_give_alone(texts: list[str]) -> None:
    assert FAST.redact_batch(texts) == [FAST.redact(t).text for t in texts]


def test_evaluation_answers_each_row_under_its_id() -> None:
    rows = [{"id": "a", "text": "mail x@example.org"}, {"id": "b", "texts": ["ends in 45391488", "03436467 it was"]}, {"id": "c", "text": ""}]
    a, b, c = evaluate(rows)
    assert a == {"id": "a", "redacted": "mail [EMAIL]", "entities": [{"class": "EMAIL", "start": 5, "end": 18}]}
    assert b["redacted"] == ["ends in [CREDIT_CARD]", "[CREDIT_CARD] it was"]
    assert c == {"id": "c", "redacted": "", "entities": []}


def test_a_text_is_redacted_the_same_alone_and_among_others() -> None:
    texts = [*bench.fuzzed(600, seed=3), *bench.corpus(60)]
    assert FAST.redact_batch(texts) == [FAST.redact(t).text for t in texts]


def test_a_list_of_customers_is_redacted_and_not_withheld() -> None:
    text = bench.customers(300)
    result = FAST.redact(text)
    assert result.dropped is None
    assert len(result.entities) == 6 * 300
    assert not re.search(r"example\.org|203\.0|202-555|4539|Main Street|\d{3}-\d{2}-\d{4}", result.text)


def test_noise_that_only_looks_like_data_earns_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "BUDGET_S", 0.0)
    redactor = Redactor()
    assert redactor.redact("4111-1111-1111-1112 " * 40_000).dropped in ("time", "candidates")


def test_a_pause_of_the_interpreter_costs_no_short_text(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor, paused = Redactor(), [0]
    look = redactor._finder._look

    def slow(*args: Any, **more: Any) -> Any:  # what a garbage collection does: it takes the text's CPU time, once
        if not paused[0]:
            paused[0] = 1
            raise budget.Dropped("time")
        return look(*args, **more)

    monkeypatch.setattr(redactor._finder, "_look", slow)
    assert redactor.redact("mail ana@example.org").text == "mail [EMAIL]"
    assert paused[0]
