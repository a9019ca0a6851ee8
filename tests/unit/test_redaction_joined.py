"""The texts of a batch in one buffer: compiled or not, the same bytes at the same places."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction import joined
from collector.redaction.compiled import best_join
from collector.redaction.joined import Joined, join, join_texts

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8)


@given(TEXTS)
def test_texts_stand_between_nul_bytes(texts: list[str]) -> None:
    parts = [text.encode() for text in texts]
    both = join_texts(texts)
    assert both == join(parts)
    assert both.raw == b"\0".join([b"", *parts, b""])
    assert list(both) == parts
    assert both.nul == any(0 in part for part in parts)


@given(TEXTS)
def test_compiled_or_not_they_stand_at_the_same_places(texts: list[str]) -> None:
    compiled = best_join()
    if compiled is None:
        pytest.skip("nothing is compiled here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined, "_compiled", None)
        assert Joined(*compiled(texts)) == Joined(*compiled(tuple(texts))) == join_texts(texts)


@pytest.mark.parametrize("compiled", [best_join(), None], ids=["compiled", "plain"])
def test_what_cannot_be_encoded_is_said_and_nothing_is_kept(compiled: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "_compiled", compiled)
    text = "".join(["a", "\ud800", "é" * 100])
    before = sys.getrefcount(text)
    for _ in range(50):
        with pytest.raises(UnicodeEncodeError):
            join_texts(["fine", text])
    assert sys.getrefcount(text) == before


def test_a_text_is_held_no_longer_than_the_buffer() -> None:
    text = "été " * 50
    before = sys.getrefcount(text)
    for _ in range(50):
        assert join_texts([text, "b"]).ends == [301, 303]
    assert sys.getrefcount(text) == before
