"""Text that may not be stored is held in memory only: bounded, short-lived, and taken from nobody but the instance's own."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.material import Text
from detectors.window import Window, served

TEXT = Text("s", 1, "llm", "user: why?", "because")
ROW = {"trace_id": "t", **TEXT._asdict()}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_texts_are_found_by_trace_until_they_are_too_old() -> None:
    clock = Clock()
    window = Window(10_000, 60, clock)
    window.add([("t", TEXT)])
    clock.now = 59
    assert window.texts(["t", "u"]) == {"t": [TEXT]}
    clock.now = 61
    assert window.texts(["t"]) == {}
    assert window.bytes == 0


def test_what_was_judged_makes_room_before_what_still_waits() -> None:
    clock = Clock()
    window = Window(2_300, 60, clock)
    for trace in ("old", "judged"):
        window.add([(trace, Text("s", 1, "llm", response="x" * 500))])
    window.judged(["judged"])
    window.add([("new", Text("s", 1, "llm", response="x" * 500))])
    assert set(window.texts(["old", "judged", "new"])) == {"old", "new"}
    assert window.left == {"age_unjudged": 0, "bytes_unjudged": 0, "bytes_judged": 1, "too_large": 0}
    assert not window.left_unjudged("judged")


def test_what_leaves_unjudged_is_counted_and_known_by_its_trace() -> None:
    clock = Clock()
    window = Window(2_300, 60, clock)
    for trace in ("a", "b", "c"):
        window.add([(trace, Text("s", 1, "llm", response="x" * 500))])
    window.add([("d", Text("s", 1, "llm", response="x" * 5_000))])
    assert window.left_unjudged("a")
    assert window.left_unjudged("d")
    window.judged(["b"])
    clock.now = 61
    assert window.texts(["b", "c"]) == {}
    assert window.left == {"age_unjudged": 1, "bytes_unjudged": 1, "bytes_judged": 0, "too_large": 1}
    assert (window.left_unjudged("b"), window.left_unjudged("c"), window.waiting) == (False, True, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.text(max_size=900)), max_size=30))
def test_bytes_never_exceed_the_bound_and_the_latest_stays(rows: list[tuple[str, str, str]]) -> None:
    window = Window(4_500, 60)
    for trace, span, response in rows:
        window.add([(trace, Text(span, 1, "llm", response=response))])
        assert 0 <= window.bytes <= 4_500
        kept = [t.response for t in window.texts([trace]).get(trace, []) if t.span_id == span]
        assert kept == [response] or len(response.encode("utf8", "replace")) > 4_000


@pytest.mark.parametrize(
    ("path", "token", "body", "status"),
    [
        ("/texts", "secret", [ROW], 204),
        ("/texts", "wrong", [ROW], 401),
        ("/texts", "none", [ROW], 401),
        ("/texts", "secret", [{"trace_id": "t"}], 400),
        ("/texts", "secret", "text", 400),
        ("/other", "secret", [ROW], 404),
    ],
)
def test_only_the_instances_own_may_send(path: str, token: str, body: object, status: int) -> None:
    window = Window(10_000, 60)
    with served(window, lambda: "secret") as address:
        reply = httpx.post(f"http://{address}{path}", json=body, headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == status
    assert bool(window.texts(["t"])) == (status == 204)


def test_a_window_without_a_secret_takes_nothing() -> None:
    with served(Window(10_000, 60), lambda: "") as address:
        assert httpx.post(f"http://{address}/texts", json=[ROW], headers={"Authorization": "Bearer none"}).status_code == 401
