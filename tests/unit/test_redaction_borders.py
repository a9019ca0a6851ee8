"""Borders between parts of a span and between listed messages: what is redacted reads the same when it is redacted again."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor

FAST, SLOW = Redactor(key=b"k"), Redactor(engine="re2", key=b"k")


_HALVES = (
    "41 11 11 11 8380739",
    "postgres://app:C7LuNVYUT0pI@db:5432/x",
    '"},{"role":"user","content":"3541789a n a @ e x . o r g',
    "sshpass -p 4111a n a @ e x . o r gkey =",
    "geb. XXX1111;::1@",
    "u:p@example.org",
    "ssh root@203.0.113.77Bearer ",
    "219-09-",
    "9999 and so on",
    "the key is ghp_",
    "202 555-0143",
    ":",
)


@given(st.lists(st.sampled_from(_HALVES), min_size=2, max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_parts_of_a_span_are_redacted_once_and_for_all(parts: list[str], listed: bool) -> None:
    texts = [json.dumps([{"role": "user", "content": part} for part in parts])] if listed else parts
    groups = [0] * len(texts)
    once = FAST.redact_batch(texts, groups)
    assert FAST.redact_batch(once, groups) == once
    assert SLOW.redact_batch(texts, groups) == once


def test_what_replacement_brings_together_across_a_border_goes_too() -> None:
    parts = ["DNI: ", "\u5bc6\u7801\u662fsk.eyJ0x4a2de017c3b6e1ee6108d53adb084426a2bc72fa2454661 --password-stdin", "203[.]0[.]113[.]9"]
    once = FAST.redact_batch(parts, [0, 0, 0])
    assert FAST.redact_batch(once, [0, 0, 0]) == once


def test_a_placeholder_at_the_end_of_a_message_is_half_of_nothing() -> None:
    assert FAST.redact_batch(["my number is [PHONE:1234567890]", "5550143 items"], [0, 0]) == ["my number is [PHONE:1234567890]", "5550143 items"]
