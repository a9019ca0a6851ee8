"""Keyed identities and prompt fingerprints: what must be equal is, what must differ does."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction.fingerprint import TenantKeys, fingerprints, normalised

MASTER = b"m" * 32
ACME = TenantKeys.derive(MASTER, "acme", 1)
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=12)


def fp(text: str, keys: TenantKeys = ACME) -> bytes:
    return fingerprints([("user", text)], keys).fp_norm


def test_the_same_user_joins_within_a_tenant_and_nowhere_else() -> None:
    other = TenantKeys.derive(MASTER, "acm", 1)
    later = TenantKeys.derive(MASTER, "acme", 2)
    assert ACME.user("Ana@Example.org ") == ACME.user("ana@example.org")
    assert len({ACME.user("7"), other.user("7"), later.user("7"), ACME.session("7"), ACME.ip("7"), ACME.email("7")}) == 6
    assert len(ACME.user("7")) == 16


def test_tenant_names_cannot_be_confused_with_epochs_or_each_other() -> None:
    assert TenantKeys.derive(MASTER, "a|b", 1).user("x") != TenantKeys.derive(MASTER, "a", 1).user("x")


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        TenantKeys.derive(b"short", "acme", 1)


def test_a_key_does_not_show_in_its_repr() -> None:
    assert "_key" not in repr(ACME)


@given(st.lists(words, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_white_space_case_and_unicode_form_do_not_change_the_normal_fingerprint(tokens: list[str], random: object) -> None:
    text = " ".join(tokens)
    again = unicodedata.normalize("NFD", " \n\t".join(tokens))
    if normalised(text) == normalised(again):  # compatibility marks may join across a blank; the law is about text that keeps its words
        assert fp(text) == fp("  " + again + "\r\n")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Refund order 100 for me", "refund  ORDER\n100 for me"),
        ("at 2026-03-14T09:26:53Z say hi", "at 2026-11-02T10:00:00.123Z say hi"),
        ("id 097f231a-ee5d-42c6-a340-3425802b4dc3", "id 31CE9087-069b-429a-adbc-7abf1b8740f4"),
        ("Today is Monday, March 3, 2025. Hello", "Today is Friday, July 14, 2026. Hello"),
        ("ts 1700000000 go", "ts 1731234567 go"),
        ("request req_8fj39fj2k done", "request req_000000aaa done"),
    ],
)
def test_volatile_values_do_not_count(a: str, b: str) -> None:
    assert fp(a) == fp(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("refund 100", "refund 1000"),
        ("do it", "do not it"),
        ("a.b", "a b"),
        ("card 4111", "card 4112"),
        ("is it 5?", "is it 5"),
        ("room 1500000001", "room 1500000001x"),
    ],
)
def test_numbers_negation_and_punctuation_count(a: str, b: str) -> None:
    assert fp(a) != fp(b)


def test_prompts_that_differ_in_one_number_never_collide() -> None:
    assert len({fp(f"Refund order {n} please") for n in range(20_000)}) == 20_000


def test_system_preamble_and_context_stay_out_of_the_normal_fingerprint_but_in_the_exact_one() -> None:
    passage = "Refunds take five to seven business days."
    a = fingerprints([("system", "be brief"), ("user", f"{passage}\nWhen?")], ACME, context=[passage])
    b = fingerprints([("system", "be kind"), ("user", "When?")], ACME)
    assert a.fp_norm == b.fp_norm
    assert a.fp_exact != b.fp_exact


def test_borders_between_messages_count() -> None:
    assert fingerprints([("user", "ab"), ("user", "c")], ACME).fp_exact != fingerprints([("user", "a"), ("user", "bc")], ACME).fp_exact


def test_a_template_is_its_version_and_variable_names_in_any_order() -> None:
    a = fingerprints([("user", "x")], ACME, prompt_version="greet@3", variables=["name", "city"])
    b = fingerprints([("user", "y")], ACME, prompt_version="greet@3", variables={"city": 1, "name": 2})
    assert a.fp_template == b.fp_template
    assert fingerprints([("user", "x")], ACME).fp_template == b""
