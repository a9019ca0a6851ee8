"""Texts out of known frames are what parsing gives."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from collector import outcomes
from collector.messages import plain_answer, plain_turns
from collector.plain_texts import Answers, Turns
from collector.values import parse

_FRAMES = (
    ('[{"role": "user", "parts": [{"type": "text", "content": "', '"}]}]'),
    ('[{"role":"assistant","parts":[{"content":"', '","type":"text"}],"finish_reason":"stop"}]'),
    ('[{"role":"critic","parts":[{"type":"text","content":"', '"}]}]'),
    ('[{"role":"assistant","refusal":"no","parts":[{"type":"text","content":"', '"}]}]'),
    ('[{"role":"', '","parts":[{"type":"text","content":"user"}]}]'),
    ('[{"parts":[{"type":"text","content":"', '"}]}]'),
)
_texts = st.sampled_from(
    ["hello there", "user", "text", "who's there", "refusal': 'x", "filtered': true", "a\\nb", 'he said \\"no\\"', "tab\there", "", "é ü", "\\", '"',
     "9f2c probe 71"]
) | st.text(max_size=20)  # fmt: skip
_values = st.tuples(st.sampled_from(_FRAMES), _texts).map(lambda drawn: drawn[1].join((drawn[0][0], drawn[0][1])).encode("utf8", "surrogatepass"))
_bytes = _values | st.binary(max_size=9) | _values.map(lambda raw: raw[:-3]) | _values.map(lambda raw: raw.replace(b"l", b"\xff"))


def ordinary(raw: bytes) -> object:
    """What a parser finds, None where it finds no list."""
    try:
        json.loads(raw.decode())
    except ValueError:
        return None
    found = parse(raw.decode())
    return found if type(found) is list else None


@settings(max_examples=400, deadline=None)
@given(st.lists(_bytes, max_size=12))
def test_texts_out_of_known_frames_are_what_parsing_gives(raws: list[bytes]) -> None:
    turns, answers = Turns(), Answers()
    for _ in range(2):
        for raw, found in zip(raws, turns.of(raws), strict=True):
            told = plain_turns(value) if (value := ordinary(raw)) is not None else None
            fits = told and any(m.text for m in told) and {m.role for m in told} <= {"user", "assistant", "system", "tool"}
            assert found == (told if fits else None)
        for raw, text in zip(raws, answers.of(raws), strict=True):
            answer = plain_answer(value) if (value := ordinary(raw)) is not None else None
            assert text == (answer[0] if answer and not outcomes.withheld(raw.decode()) else "")


def test_a_frame_is_learned_from_the_first_text_in_it() -> None:
    turns = Turns()
    frame = _FRAMES[0]
    assert turns.of([f"{frame[0]}user{frame[1]}".encode(), f"{frame[0]}hello{frame[1]}".encode()]) != [None, None]
    assert [(f.role, f.head.decode(), f.tail.decode()) for f in turns._frames] == [("user", *frame)]


def test_frames_of_several_instrumentations_are_kept_side_by_side() -> None:
    answers = Answers()
    ends = '","type":"text"}],"finish_reason":"stop"}]', '","type":"text"}],"finish_reason":"length"}]'
    raws = [f'[{{"role":"assistant","parts":[{{"content":"answer {i}{ends[i % 2]}'.encode() for i in range(40)]
    for _ in range(2):
        assert answers.of(raws) == [f"answer {i}" for i in range(40)]
    assert len(answers._frames) == 2
