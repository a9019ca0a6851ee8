"""Texts seen before are not scanned again, and nothing slips through because of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor
from collector.redaction.seen import LEAST, Seen

PROSE = "The invoice of the order was late and the customer asked for a refund of it, which the owner of the contract approved. " * 10
PARTS = [
    PROSE,
    PROSE + "write to ana@example.org",
    PROSE + "the card is 4111 1111",
    "1111 1111 is the rest of it. " + PROSE,
    PROSE + "mail bob.smith@exam",
    "ple.org if in doubt. " + PROSE,
    PROSE + "write to ana@example.org, the card is 4111 1111",
    "ok",
    "4111",
    "sk-proj-",
    "\ud800" + PROSE,
]
CONVERSATIONS = st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5), min_size=1, max_size=5)
remembering, plain = Redactor(), Redactor()


@given(batches=st.lists(CONVERSATIONS, min_size=1, max_size=4), grouped=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_redactor_that_remembers_says_what_a_new_one_says(batches: list[list[list[str]]], grouped: bool) -> None:
    for batch in batches:
        texts = [text for conversation in batch for text in conversation]
        groups = [i for i, conversation in enumerate(batch) for _ in conversation] if grouped else None
        each = [text for i in range(len(batch)) for text in _alone(texts, groups, i)] if grouped else [plain.redact(text).text for text in texts]
        for _ in range(2):
            assert remembering.redact_batch(texts, groups) == each


def _alone(texts: list[str], groups: list[int] | None, wanted: int) -> list[str]:
    members = [text for text, group in zip(texts, groups or (), strict=True) if group == wanted]
    return [found.text for found in plain.redact_parts(members, [0] * len(members))]


def test_a_value_cut_by_the_border_of_two_texts_seen_before_goes() -> None:
    redactor = Redactor()
    first, second = PARTS[4], PARTS[5]
    assert redactor.redact_batch([first, second]) == [first, second]
    one, two = redactor.redact_batch([first, second], [1, 1])
    assert "bob.smith" not in one
    assert "ple.org" not in two
    assert redactor.redact_batch([first, second]) == [first, second]


def test_what_held_something_is_told_again_from_its_hash_and_counted() -> None:
    redactor = Redactor(key=b"seen")
    text = PROSE + "write to ana.berg@example.org or call +44 7700 900123"
    once = redactor.redact_batch([text])
    for _ in range(3):
        assert redactor.redact_batch([text]) == once
    assert redactor.redact_batch([text, "short", text], [1, 1, 2]) == [*once, "short", *once]
    assert list(redactor.seen.known([text]).told) == [0]
    assert redactor.take_counts() == ({"EMAIL": 6, "PHONE": 6}, {})
    kept = repr([redactor.seen._recent, redactor.seen._older])  # pyright: ignore[reportPrivateUsage]
    assert "[EMAIL:" in kept
    assert not any(value in kept for value in ("ana.berg", "7700", "900123"))


def test_a_text_told_from_its_hash_is_judged_where_the_border_cuts_a_value() -> None:
    redactor = Redactor()
    first, second = "mail ana@example.org first. " + PARTS[4], PARTS[5]
    for _ in range(3):
        alone = redactor.redact_batch([first, second])
        assert alone == ["mail [EMAIL] first. " + PARTS[4], second]
        one, two = redactor.redact_batch([first, second], [1, 1])
        assert "bob.smith" not in one
        assert "ple.org" not in two


def test_what_was_withheld_is_judged_each_time() -> None:
    redactor = Redactor()
    assert [redactor.redact_batch([PARTS[-1]]) for _ in range(3)] == [["[DROPPED:invalid_text]"]] * 3
    assert redactor.take_counts() == ({}, {"invalid_text": 3})


def test_borders_looked_at_before_are_not_looked_at_again() -> None:
    redactor = Redactor()
    turns = [f"{k} {PROSE}{k}" for k in range(6)]
    looked: list[int] = []
    crossing = redactor._recall._crossing  # pyright: ignore[reportPrivateUsage]
    redactor._recall._crossing = lambda texts, groups: looked.append(len(texts)) or crossing(texts, groups)  # pyright: ignore[reportPrivateUsage]
    for n in range(1, 7):
        redactor.redact_batch(turns[:n], [0] * n)
    assert looked == [2] * 5  # what was last, and the new one


def test_a_clean_text_is_remembered_until_many_others_have_come() -> None:
    seen = Seen()
    seen.learn([PROSE])
    assert seen.known(["short", PROSE]).clean == [1]
    for k in range(40):
        seen.learn([f"{k:09}" * 60_000])
    assert seen.known([PROSE]).first == {PROSE: 0}


def test_where_nothing_repeats_it_is_seldom_asked() -> None:
    seen = Seen()
    texts = [f"{k:0{LEAST}}" for k in range(1_000)]
    asked = [seen.known([f"{n}-{text}" for text in texts]).looked for n in range(32)]
    assert sum(asked) < 16
