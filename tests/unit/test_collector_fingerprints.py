"""Prompt fingerprints: what must be equal is, what must differ does, and what was stored before still joins."""

from __future__ import annotations

import unicodedata
from time import thread_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.fingerprints import encoded, normal_form, normal_forms, normalised, prompt_hashes, template_hash
from collector.identity import IdentityKeys
from collector.ids import odd_ids, plain_id
from spanledger.model import Message

KEYS = IdentityKeys(bytes(range(32)))
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=12)


def prompt(*turns: tuple[str, str], system: str = "", context: tuple[str, ...] = ()) -> tuple[list[Message], tuple[str, ...], str]:
    return [Message(*turn) for turn in turns], context, system


def normal(text: str, tenant: str = "acme") -> str:
    return prompt_hashes(KEYS, tenant, *prompt(("user", text)))[0]


def exact(*turns: tuple[str, str], system: str = "") -> str:
    return prompt_hashes(KEYS, "acme", *prompt(*turns, system=system))[1]


def test_known_answers_stay() -> None:
    assert normal("Hello  World\n", "") == normal("hello world", "") == "72520652aeb47d35"


@given(st.text(st.characters(exclude_categories=["Nd"]) | st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1f ABab")))
def test_the_quick_way_folds_as_the_definition_says(text: str) -> None:
    assume(not any(c in text for c in "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
    assert normalised(text) == " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


@given(st.lists(words, min_size=1, max_size=20))
def test_white_space_case_and_unicode_form_do_not_count(tokens: list[str]) -> None:
    text, again = " ".join(tokens), unicodedata.normalize("NFD", " \n\t".join(tokens))
    if normalised(text) == normalised(again):  # compatibility marks may join across a blank; the law is about text that keeps its words
        assert normal(text) == normal("  " + again + "\r\n")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Refund order 100 for me", "refund  ORDER\n100 for me"),
        ("at 2026-03-14T09:26:53Z say hi", "at 2026-11-02T10:00:00.123Z say hi"),
        ("id 097f231a-ee5d-42c6-a340-3425802b4dc3", "id 31CE9087-069b-429a-adbc-7abf1b8740f4"),
        ("Today is Monday, March 3, 2025. Hello", "Today is Friday, July 14, 2026. Hello"),
        ("ts 1700000000 go", "ts 1731234567 go"),
        ("request req_8fj39fj2k done", "request req_000000aaa done"),
        ("key 0123456789abcdef0123456789abcdef", "key fedcba9876543210fedcba9876543210"),
    ],
)
def test_volatile_values_do_not_count(a: str, b: str) -> None:
    assert normal(a) == normal(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("refund 100", "refund 1000"),
        ("do it", "do not it"),
        ("a.b", "a b"),
        ("card 4111", "card 4112"),
        ("is it 5?", "is it 5"),
        ("room 1500000001", "room 1500000001x"),
        ("turn on call-forwarding for 1 day", "turn on call-recording for 1 day"),
    ],
)
def test_numbers_negation_and_punctuation_count(a: str, b: str) -> None:
    assert normal(a) != normal(b)


def test_prompts_that_differ_in_one_number_never_collide() -> None:
    assert len({normal(f"Refund order {n} please") for n in range(20_000)}) == 20_000


def test_tenants_have_fingerprints_of_their_own() -> None:
    assert normal("hi", "acme") != normal("hi", "other")
    assert template_hash(KEYS, "acme", "greet", "3", "") != template_hash(KEYS, "other", "greet", "3", "")


def test_preamble_and_passages_stay_out_of_the_normal_fingerprint_but_in_the_exact_one() -> None:
    passage = "Refunds take five to seven business days."
    a = prompt_hashes(KEYS, "", *prompt(("system", "be brief"), ("user", f"{passage}\nWhen?"), context=(passage,)))
    b = prompt_hashes(KEYS, "", *prompt(("system", "be kind"), ("user", "When?")))
    assert a[0] == b[0]
    assert a[1] != b[1]
    assert exact(("user", "hi"), system="a") != exact(("user", "hi"), system="b")


def test_what_the_assistant_said_before_is_part_of_the_conversation() -> None:
    asked = [prompt(("user", "Shall I?"), ("assistant", said), ("user", "Yes")) for said in ("Pay 10?", "Pay 20?")]
    assert len({prompt_hashes(KEYS, "", *one)[0] for one in asked}) == 2


def test_borders_between_messages_count_byte_by_byte() -> None:
    assert exact(("user", "ab"), ("user", "c")) != exact(("user", "a"), ("user", "bc"))
    assert exact(("user", "Hi")) != exact(("user", "hi"))


def test_a_template_is_its_name_version_and_variables() -> None:
    told = [("greet", "3", "city\0name"), ("greet", "4", "city\0name"), ("greet", "3", "city"), ("part", "3", "city\0name")]
    assert len({template_hash(KEYS, "", *one) for one in told}) == 4
    assert template_hash(KEYS, "", "", "", "") == ""


@pytest.mark.parametrize("text", ["2026-01-0" * 30_000, "req_" * 60_000 + "1", "0123456789abcdef" * 16_000, "today is " * 30_000 + "1"])
def test_hostile_texts_take_linear_time(text: str) -> None:
    began = thread_time()
    normalised(text)
    assert thread_time() - began < 2


_lines = st.text(st.sampled_from("aB z  \t\n0159-:é\0"), max_size=12) | st.sampled_from(
    [" Two  words ", "at 2024-05-06 12:30", " now is 4 May ", "call_ab12cd34ef", "x", " ", "", "no, 12 of 30 "]
)


@given(st.lists(st.lists(st.tuples(st.sampled_from(["user", "system"]), _lines), min_size=1, max_size=2), max_size=8))
def test_many_prompts_have_the_forms_that_each_has_alone(drawn: list[list[tuple[str, str]]]) -> None:
    told = [[Message(*turn) for turn in turns] for turns in drawn]
    assert normal_forms(told) == [encoded(normal_form(turns)) for turns in told]


_ids = st.sampled_from(
    ["chatcmpl-abcdef", "resp_0", "", "msg_123456789012x", "req_000000000000", "7f0c2b1e-1111-2222-3333-444455556666", "ana@example.org"]
) | st.sampled_from(["run_abcdef\n", "call-" + "\u0663" * 12, "gen-abcdefgh"])


@given(st.lists(_ids, max_size=5) | st.lists(st.sampled_from(["msg_123456789012x", "resp_abcdef", ""]), max_size=5))
def test_of_many_ids_those_are_odd_that_are_alone(values: list[str]) -> None:
    assert odd_ids(values) == [i for i, value in enumerate(values) if value and not plain_id(value)]
