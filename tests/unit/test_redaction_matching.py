"""Words near a value: which count, and which are but pieces of others that the window's edge cuts."""

from __future__ import annotations

import pytest

from collector.redaction.matching import near, said_near, word_set, words

_ID, _SETS = words("id|national id"), word_set(["id", "tel"])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"\0id 4711\0", True),
        (b"\0id4711\0", True),
        (b"\0an id: 4711\0", True),
        (b"\0userId 4711\0", False),
        (b"\0paid 4711\0", False),
        (b"\0ids 4711\0", False),
        (b"\0....id ......4711\0", True),  # at the window's first byte
        (b"\0...aid ......4711\0", False),  # a word that it cuts
        (b"\0...national ......4711\0", False),
        (b"\x004711 .....id\0", True),  # at its last byte
        (b"\x004711 .....id.\0", True),
        (b"\x004711 .....ids\0", False),
        (b"\x004711 ......id\0", False),
        (b"\x004711 id\0", True),
    ],
)
def test_a_word_counts_where_it_stands_whole_within_reach(text: bytes, want: bool) -> None:
    start = text.index(b"4711")
    place = (text, start, start + 4, 1, len(text) - 1)
    assert near(_ID, *place, 9, 8) is want
    assert said_near(_SETS, *place, 9, 8) == ([0] if want else [])


def test_nothing_beyond_the_text_counts() -> None:
    text = b"\0id\x004711\0id\0"
    assert not near(_ID, text, 4, 8, 4, 8, 9, 8)
    assert not near(_ID, text, 4, 8, 4, 8, 9, 0)
    assert said_near(_SETS, text, 4, 8, 4, 8, 9, 8) == []


def test_what_is_left_of_a_placeholder_is_no_word() -> None:
    text = b"\0[TEL] xx 4711 xx [TEL]\0"
    start = text.index(b"4711")
    for reach in (9, 8, 7, 6, 5):
        assert said_near(_SETS, text, start, start + 4, 1, len(text) - 1, reach, reach) == []
    assert said_near(_SETS, b"\0[TEL], 4711\0", 8, 12, 1, 12, 9, 8) == [1]  # but of what it is in a list with


def test_a_placeholder_behind_that_the_windows_edge_cuts_is_no_word() -> None:
    text = b"\x004711 xx [TEL:0123456789]\0"
    for reach in range(4, 24):
        assert said_near(_SETS, text, 1, 5, 1, len(text) - 1, 9, reach) == []
