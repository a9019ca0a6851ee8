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


def test_what_held_something_or_was_withheld_is_not_remembered() -> None:
    redactor = Redactor()
    for text in (PARTS[1], PARTS[-1]):
        assert redactor.redact_batch([text, text]) == redactor.redact_batch([text, text])
        assert redactor.seen.known([text]) == ([], {text: 0})
    assert redactor.take_counts() == ({"EMAIL": 4}, {"invalid_text": 4})


def test_a_clean_text_is_remembered_until_many_others_have_come() -> None:
    seen = Seen()
    seen.learn([PROSE])
    assert seen.known(["short", PROSE]) == ([1], {})
    for k in range(40):
        seen.learn([f"{k:09}" * 60_000])
    assert seen.known([PROSE]) == ([], {PROSE: 0})


def test_where_nothing_repeats_it_is_seldom_asked() -> None:
    seen = Seen()
    texts = [f"{k:0{LEAST}}" for k in range(1_000)]
    asked = [bool(seen.known([f"{n}-{text}" for text in texts])[1]) for n in range(32)]
    assert sum(asked) < 16
