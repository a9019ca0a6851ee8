"""Ingest comes before judging, the newest answers before the old ones, and what cannot be kept leaves only a sketch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from detectors.contradiction.features import Answer
from detectors.contradiction.sketch import Sketch, shipped_sketches, sketch, sketch_features
from detectors.grounding.carried import carried
from detectors.grounding.model import weights
from detectors.keys import SketchKeys
from detectors.material import Text
from detectors.pace import BUSY_ROWS_S, LATEST_S, POSTED_S, WORK_S, Pace
from detectors.places import HOUR_US, Places
from detectors.window import Window
from warehouse.scoring import Between


class Machine:
    """A clock and a collector that journals ``rate`` rows a second."""

    def __init__(self, rate: float = 0.0) -> None:
        self.now, self.rows, self.rate = 0.0, 0.0, rate

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.rows += seconds * self.rate

    def pace(self) -> Pace:
        return Pace(lambda: self.rows, lambda: self.now)


def test_under_permanent_load_judging_rests_but_never_longer_than_told() -> None:
    machine = Machine(rate=BUSY_ROWS_S * 10)
    pace = machine.pace()
    worked, last = 0.0, 0.0
    for _ in range(600):
        machine.pass_(1.0)
        if pace.go():
            assert machine.now - last <= LATEST_S + 2
            last = machine.now
            worked += 1
            pace.worked(1_500, True)
    assert 0 < worked / 600 <= (WORK_S + 2) / (WORK_S + LATEST_S)


def test_without_new_rows_nothing_is_asked_once_they_are_posted() -> None:
    machine = Machine()
    pace = machine.pace()
    asked = 0
    for _ in range(100):
        machine.pass_(5.0)
        if pace.go():
            asked += 1
            pace.worked(0, False)
    assert asked <= POSTED_S / 5 + 1
    machine.rows += 1
    machine.pass_(5.0)
    assert pace.go()


def test_rows_that_may_not_be_posted_yet_are_looked_for_again() -> None:
    machine = Machine()
    pace = machine.pace()
    assert pace.go()
    pace.worked(0, False)
    machine.pass_(5.0)
    assert pace.go()


def test_a_collector_that_says_nothing_holds_nothing_up() -> None:
    pace = Pace(lambda: None)
    for _ in range(5):
        assert pace.go()
        pace.worked(0, False)


def test_what_is_behind_is_walked_from_the_newest_to_the_oldest_and_ends() -> None:
    places = Places.read("")
    places.take_up(1_000 * HOUR_US)
    assert places.behind == Between(0, 1_000 * HOUR_US)
    places.oldest, places.cursor = 0, 1_000 * HOUR_US
    seen = []
    while places.behind is not None:
        looked = places.slice()
        seen.append(looked)
        places.walked(looked, full=False, few=True)
    assert seen[0].until == 1_000 * HOUR_US
    assert seen[-1].after == 0
    assert all(a.after == b.until for a, b in pairwise(seen))
    assert len(seen) < 15


def test_a_full_slice_is_looked_at_again() -> None:
    places = Places(1, Between(0, 1), 100 * HOUR_US)
    looked = places.slice()
    places.walked(looked, full=True, few=False)
    assert places.slice().until == looked.until


@given(st.integers(1, 10**15), st.integers(0, 10**15))
def test_a_mark_says_where_to_go_on_and_the_time_away_is_behind(tail: int, away: int) -> None:
    again = Places.read(Places(tail, None).mark())
    assert again.take_up(tail + away) == Between(tail, tail + away)
    assert again.tail == tail + away
    assert again.behind == Between(tail, tail + away)


def test_what_was_behind_stays_behind_with_what_may_still_have_been_landing() -> None:
    again = Places.read(Places(5_000, Between(300, 400)).mark())
    assert again.take_up(9_000, overlap_us=100) == Between(4_900, 9_000)
    assert again.behind == Between(300, 9_000)


def test_a_mark_of_an_earlier_version_is_understood() -> None:
    assert Places.read("1700").take_up(2_000) == Between(1_700, 2_000)


def test_texts_in_memory_are_taken_once_oldest_first_and_again_when_told_anew() -> None:
    now = [0.0]
    window = Window(1 << 20, 600, lambda: now[0])
    for i in range(3):
        now[0] = float(i)
        window.add([(f"t{i}", Text("s", i, "llm", response="x"))])
    now[0] = 10.0
    assert window.take(2, 5.0) == ["t0", "t1"]
    assert window.take(9, 5.0) == ["t2"]
    assert window.take(9, 5.0) == []
    window.add([("t1", Text("s2", 1, "tool", tool_output="y"))])
    now[0] = 20.0
    assert window.take(9, 5.0) == ["t1"]


def test_texts_that_have_waited_a_third_of_their_time_press_until_they_are_taken() -> None:
    now = [0.0]
    window = Window(1 << 20, 600, lambda: now[0])
    assert not window.pressing
    window.add([("t", Text("s", 0, "llm", response="x"))])
    now[0] = 199.0
    assert not window.pressing
    now[0] = 201.0
    assert window.pressing
    assert window.take(1, 5.0) == ["t"]
    assert not window.pressing


KEY = b"k" * 32


def sketched(text: str, key: bytes = KEY) -> Sketch:
    return sketch(Answer(text), key, weights())


@given(st.text(max_size=300))
def test_a_sketch_survives_being_stored_and_holds_no_text(text: str) -> None:
    made = sketched(text)
    packed = made.pack()
    assert Sketch.unpack(packed) == made
    assert all(word not in packed for word in text.split() if len(word) > 8)


def test_what_is_no_sketch_is_none() -> None:
    assert Sketch.unpack("") is None
    assert Sketch.unpack("not base64!") is None
    assert Sketch.unpack("AAAB") is None


def test_sketches_of_other_keys_share_nothing() -> None:
    text = "Canberra is the capital of Australia."
    assert not sketched(text).words & sketched(text, b"other").words


def test_without_a_key_there_are_no_sketches(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    file, keys = tmp_path / "keys" / "hash.key", SketchKeys(tmp_path)
    assert keys.of("tenant") == b""
    file.write_bytes(b"")
    assert keys.of("tenant") == b""
    file.write_bytes(KEY)
    assert len(keys.of("tenant")) == 32


def test_answers_that_disagree_score_higher_by_their_sketches_alone() -> None:
    same = sketch_features(sketched("The capital of Australia is Canberra."), sketched("Canberra is the capital of Australia."))
    other = sketch_features(sketched("The capital of Australia is Canberra."), sketched("Sydney, founded in 1788 by Arthur Phillip."))
    assert same is not None
    assert other is not None
    low, high = shipped_sketches().scores(same[None])[0], shipped_sketches().scores(other[None])[0]
    assert low < 0.3 < high


def test_a_translation_keeps_numbers_addresses_and_placeholders() -> None:
    source = "Cancel within 14 days at https://example.com/x, or write to [EMAIL]. It costs 1,200.50 euros."
    fine = carried(source, "Kündigen Sie binnen 14 Tagen unter https://example.com/x oder an [EMAIL]. Es kostet 1.200,50 Euro.", 1 / 3, 0.36)
    bad = carried(source, "Kündigen Sie binnen 41 Tagen unter https://example.com/x oder an [EMAIL]. Es kostet 1.200,50 Euro.", 1 / 3, 0.36)
    assert fine.score is not None
    assert bad.score is not None
    assert fine.floored == 0
    assert not fine.flagged
    assert bad.flagged
    assert carried("No numbers here.", "Hier keine.", 1 / 3, 0.36).reason == "nothing_to_carry"
