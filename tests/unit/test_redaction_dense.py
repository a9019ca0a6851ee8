"""Short cuts give what the long way gives: clusters read by their layout, plain words after names, values in lists, placeholders."""

from __future__ import annotations

import importlib.util
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor
from collector.redaction.cards import card_places, take_cards
from collector.redaction.checksums import card
from collector.redaction.keys import _least_entropy, entropy  # pyright: ignore[reportPrivateUsage]
from collector.redaction.secrets import _DULL, GAP, is_secret, value_span  # pyright: ignore[reportPrivateUsage]

_spec = importlib.util.spec_from_file_location("bench_redaction_dense", Path(__file__).parents[1] / "bench" / "bench_redaction_dense.py")
assert _spec is not None
assert _spec.loader is not None
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)

FAST, SLOW = Redactor(key=b"k"), Redactor(engine="re2", key=b"k")
LEFT = {
    "e-mails": r"example\.org", "cards": "4539", "cards in groups": "4539", "ibans": "DE[0-9]", "phones, international": "7700",
    "social security numbers": "[0-9]{3}-[0-9]{2}", "ip addresses": r"203\.", "vendor keys": "ghp_", "json contacts": r"example\.org|555",
    "html rows of secrets": r"</td><td>\w", "csv rows of secrets": r"(?<=[0-9],)\w", "escaped e-mails": r"example\.org", "jwt-like": "eyJ",
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) <= 19), st.data())
def test_where_no_place_holds_a_card_none_is_taken(sizes: list[int], data: st.DataObject) -> None:
    digits = data.draw(st.sampled_from(["4111111111111111", "378282246310005", "4539341672110681"])) + "0123456789"
    digits = data.draw(st.sampled_from([digits, digits[3:] + digits[:3]]))[: sum(sizes)].ljust(sum(sizes), "7")
    groups, at, text = [], 1, "\0"
    for k, size in enumerate(sizes):
        start = sum(sizes[:k])
        groups.append((at, at + size, digits[start : start + size], " " if k else ""))
        text += digits[start : start + size] + " "
        at += size + 1
    spans: list[tuple[int, int, str]] = []
    left = take_cards(f"{text}\0".encode(), groups, 1, len(text), spans)
    if not any(card(digits[a:z]) for a, z in card_places(sizes)):
        assert (left, spans) == (groups, [])


_VALUE = st.text(st.sampled_from("abKeyBearr.token_ 19=\"'\\n\n,;)(-"), max_size=24)


@settings(max_examples=2000, deadline=None)
@given(st.sampled_from(["", "=", " ", " = ", '"', ": "]), _VALUE, st.sampled_from(["secret", "weak"]))
def test_a_short_word_after_a_name_is_no_secret_the_long_way_either(before: str, value: str, strength: str) -> None:
    b = f"\0{before}{value}\0".encode()
    if _DULL.match(b, 1, len(b) - 1):
        gap = GAP.match(b, 1, len(b) - 1)
        start, end, quoted = value_span(b, gap.end() if gap else 1, len(b) - 1, strength)
        assert end <= start or not is_secret(b[start:end], strength, quoted=quoted)


@given(st.binary(min_size=1, max_size=80))
def test_no_value_has_less_than_the_least_entropy(value: bytes) -> None:
    assert entropy(value) >= _least_entropy(len(value), len(set(value))) - 1e-9


@pytest.mark.parametrize("kind", LEFT)
def test_a_list_of_values_keeps_none_and_both_engines_agree(kind: str) -> None:
    records = random.Random(9)
    text = bench.HEADS.get(kind, "") + "".join(bench.RECORDS[kind](records, i) for i in range(60))
    fast = FAST.redact(text)
    assert fast.dropped is None
    assert not re.search(LEFT[kind], fast.text)
    assert SLOW.redact(text) == fast
    assert FAST.redact(fast.text).text == fast.text


def test_keys_one_below_the_other_all_go() -> None:
    text = "".join(bench.dense("vendor keys", 4_000))
    found = FAST.redact(text)
    assert found.dropped is None
    assert "ghp_" not in found.text
    assert {e.class_name for e in found.entities} == {"GITHUB_TOKEN"}
