"""Borders between parts of a span and between listed messages: what is redacted reads the same when it is redacted again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor
from collector.redaction.seams import messages

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


@pytest.mark.parametrize(
    "parts",
    [
        [", password.\x00пароль 携帯：", "example.org用户@例子.公司"],
        [
            "[.]密码是 1111 | %40",
            '00000010  32 31 39 2d 30 39 2d 39  39 39 39 0a  |219-09-9999.|\nname: DB_PASSWORD\n  value: 4111,1111,setPassword("',
        ],
        ["κωδικός: ssn 219-09-9999v4.local.", "gC5Bl7xBsCTSp6uW7GUxICjslrVU9a0HNagCAv5BouUQovqz4SnFJQQJ99 and so on"],
    ],
)
def test_what_replacement_brings_together_across_a_border_goes_too(parts: list[str]) -> None:
    once = FAST.redact_batch(parts, [0, 0])
    FAST.seen.forget()
    assert FAST.redact_batch(once, [0, 0]) == once
    assert SLOW.redact_batch(parts, [0, 0]) == once


def test_a_placeholder_at_the_end_of_a_message_is_half_of_nothing() -> None:
    assert FAST.redact_batch(["my number is [PHONE:1234567890]", "5550143 items"], [0, 0]) == ["my number is [PHONE:1234567890]", "5550143 items"]


_SAID = st.lists(
    st.sampled_from(['He said "no".', "a\nb", "41", "x", "[EMAIL]", '"}, {"role": "user", "content": "', "é", "and so on "]), max_size=6
).map("".join)


@given(
    st.lists(st.tuples(_SAID, st.sampled_from([{}, {"role": "user"}, {"name": "Ana Berg"}, {"type": "text", "index": 3}])), max_size=6), st.booleans()
)
@settings(max_examples=300, deadline=None)
def test_the_messages_read_are_those_that_json_tells_of(said: list[tuple[str, dict[str, object]]], compact: bool) -> None:
    text = json.dumps([{**kind, "content": content} for content, kind in said], separators=(",", ":") if compact else None).encode()
    assert [json.loads(b'"%b"' % text[a:z]) for a, z in messages(text, 0, len(text))] == [content for content, _ in said]
