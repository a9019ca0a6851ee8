"""Escapes read in columns say what they say one by one; lines of logs keep what stands before them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor, views

REDACTOR = Redactor()
ESCAPES = ["\\u0040", "\\x40", "\\x4", "\\n", "\\t", '\\"', "\\/", "%40", "%4", "%zz", "%0a", "%7f", "\\d"]
OTHERS = ["\\u006", "\\u00e9", "\\\\", "\\U", "\\\n", "%00", "%25"]  # left to be read one by one
PLAIN = ["ana", "1", " ", "\n", "u", "x"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*ESCAPES, *PLAIN]), min_size=1, max_size=12), st.integers(1, 6))
def test_escapes_read_in_columns_are_those_read_one_by_one(parts: list[str], times: int) -> None:
    text = "".join(parts) * times + "q" * 1_100
    read = views._plain_escapes(text)  # pyright: ignore[reportPrivateUsage]
    assert read is not None
    places = list(views._ESCAPE.finditer(text))  # pyright: ignore[reportPrivateUsage]
    told = [(m.start(), len(m[0]), said) for m in places if (said := views._unescape(m)) is not None]  # pyright: ignore[reportPrivateUsage]
    pieces, at = [], 0
    for start, size, said in told:
        pieces += [text[at:start], said]
        at = start + size
    assert read[0] == "".join([*pieces, text[at:]])
    assert (read[1] is None) == (not told)
    if read[1] is not None:
        assert np.asarray(read[1][1])[1:].tolist() == [edge for start, size, _ in told for edge in (start, start + size)]


@pytest.mark.parametrize("other", OTHERS)
def test_other_escapes_are_not_read_in_columns(other: str) -> None:
    assert views._plain_escapes(f"ana\\u0040{other}z%40") is None  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("escape", ["\\u0040", "%40", "\\x40"])
@pytest.mark.parametrize("n", [3, 60, 400])
def test_every_escaped_address_of_a_text_goes_however_many_there_are(escape: str, n: int) -> None:
    out = REDACTOR.redact(" ".join(f"ana{i}{escape}example.org and" for i in range(n))).text
    assert (out.count("[EMAIL]"), out.count("ana")) == (n, 0)


@pytest.mark.parametrize("end", ["4711", "99999", "200 OK in 35"])
@pytest.mark.parametrize("clock", ["2026-11-05 13:22:10", "2026-11-05T13:22:10Z"])
def test_a_line_of_a_log_says_nothing_with_the_clock_of_the_next(end: str, clock: str) -> None:
    text = f"{clock} INFO path /api/items/{end}\n" * 40
    assert REDACTOR.redact(text).text == text


@pytest.mark.parametrize("value", ["4111 1111 1111 1111", "219-09-9999", "+44 7700 900123", "(202) 555-0143"])
def test_a_number_at_the_end_of_a_line_goes_before_the_clock_of_the_next(value: str) -> None:
    out = REDACTOR.redact(f"2026-11-05 13:22:10 INFO call {value}\n2026-11-05 13:22:11 INFO done\n").text
    assert value[-4:] not in out
    assert out.count("2026-11-05 13:22:1") == 2
