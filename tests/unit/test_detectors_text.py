"""Words compare by meaning, sentences keep their offsets, a context answers where a word stands."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.text import cues, sentences
from detectors.text.context import ContextIndex, joined
from detectors.text.stem import stem
from detectors.text.words import tokens

prose = st.text(alphabet="abc ABC.?!\n1,5'é-[]():", max_size=200)


def terms(text: str) -> list[str]:
    return [t.term for t in tokens(text)]


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("caresses", "caress"), ("ponies", "poni"), ("agreed", "agre"), ("plastered", "plaster"), ("motoring", "motor"), ("conflated", "conflat"),
        ("hopping", "hop"), ("filing", "file"), ("happy", "happi"), ("relational", "relat"), ("vietnamization", "vietnam"), ("hopefulness", "hope"),
        ("formalize", "formal"), ("electrical", "electr"), ("adjustment", "adjust"), ("probate", "probat"), ("controll", "control"), ("sky", "sky"),
    ],
)  # fmt: skip
def test_stems_are_those_of_porters_paper(word: str, root: str) -> None:
    assert stem(word) == root


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,200 people", "1200 persons"),
        ("3.5 million", "3,500,000"),
        ("twenty-first", "20 1st"),
        ("Téa Leoni went", "Tea Leoni goes"),
        ("It won’t", "it won't"),
        ("the U.S. company's films", "the USA company movies"),
        ("in Feb. 2004", "in February 2004"),
        ("5 km", "five kilometres"),
    ],
)
def test_what_means_the_same_compares_equal(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@given(prose)
def test_tokens_are_in_order_and_say_where_they_stand(text: str) -> None:
    found = tokens(text)
    assert all(0 <= t.start < t.end <= len(text) for t in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


@given(prose)
def test_sentences_are_disjoint_and_hold_every_letter(text: str) -> None:
    found = sentences.spans(text)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(found))
    inside = "".join(text[a:b] for a, b in found)
    assert sum(c.isalnum() for c in inside) == sum(c.isalnum() for c in text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. J. Smith paid 3.5 dollars. He left.", 2),
        ("1. First item\n2. Second item", 2),
        ("it is red . it is blue .", 2),
        ("The film.The actor was born", 2),
        ("Really? Yes! No.", 3),
    ],
)
def test_sentences_end_where_readers_say(text: str, count: int) -> None:
    assert len(sentences.spans(text)) == count


def test_a_context_knows_in_which_sentence_a_word_stands_and_which_pairs_it_holds() -> None:
    index = ContextIndex("The old bridge is red. The new bridge is not red.")
    assert index.where["bridg"] == 0b11
    assert index.where["old"] == 0b01
    assert ("old", "bridg") in index.pairs
    assert not index.negated(0)
    assert index.negated(1)


def test_numbered_passages_are_found_under_their_numbers() -> None:
    index = ContextIndex("passage 1:Cats sleep a lot.\n\npassage 2:Dogs bark at night. They run.")
    assert index.passage(1) == 0b001
    assert index.passage(2) == 0b110
    assert index.passage(3) == 0
    assert cues.citations("As passages 1 and 2 say [3]") == [1, 2, 3]


def test_documents_are_joined_so_that_no_sentence_spans_two() -> None:
    text = joined(["one ends here", "two begins here"])
    assert [text[a:b] for a, b in ContextIndex(text).spans] == ["one ends here", "two begins here"]
